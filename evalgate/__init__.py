"""evalgate: proves that a cheaper model endpoint is as good as its baseline, and tells the router so.

The public Python API; each name is imported when it is first used, because `evalgate --help` must be instant.

    load_run().verdicts()                            # what the last check concluded, as a pandas frame
    certify(differences, margin=0.02).verdict        # only the mathematics

The main job itself is `evalgate.check.check`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from evalgate._version import __version__

if TYPE_CHECKING:
    from evalgate.catalog import load_catalog
    from evalgate.errors import EvalgateError
    from evalgate.frames import Run, load_run, runs
    from evalgate.gate import Board
    from evalgate.stats import certify
    from evalgate.store import open_store
    from evalgate.suite import load_suite, load_suites

_HOMES = {
    "Board": "evalgate.gate",
    "EvalgateError": "evalgate.errors",
    "Run": "evalgate.frames",
    "certify": "evalgate.stats",
    "load_catalog": "evalgate.catalog",
    "load_run": "evalgate.frames",
    "load_suite": "evalgate.suite",
    "load_suites": "evalgate.suite",
    "open_store": "evalgate.store",
    "runs": "evalgate.frames",
}

__all__ = [
    "Board",
    "EvalgateError",
    "Run",
    "__version__",
    "certify",
    "load_catalog",
    "load_run",
    "load_suite",
    "load_suites",
    "open_store",
    "runs",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module 'evalgate' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(_HOMES[name]), name)
