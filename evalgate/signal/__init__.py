"""TELLS: the document that routers read, and the ways in which it is published and read back.

Each name is imported when it is first used: a router that embeds the reader must not load what judges.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalgate.signal.document import SignalDocument, SignalEntry
    from evalgate.signal.envelope import Keyring, SigningKey, seal, unseal
    from evalgate.signal.file import read_file
    from evalgate.signal.history import History, Published
    from evalgate.signal.issuing import issue
    from evalgate.signal.publishing import publish

_HOMES = {
    "History": "evalgate.signal.history",
    "Keyring": "evalgate.signal.envelope",
    "Published": "evalgate.signal.history",
    "SignalDocument": "evalgate.signal.document",
    "SignalEntry": "evalgate.signal.document",
    "SigningKey": "evalgate.signal.envelope",
    "issue": "evalgate.signal.issuing",
    "publish": "evalgate.signal.publishing",
    "read_file": "evalgate.signal.file",
    "seal": "evalgate.signal.envelope",
    "unseal": "evalgate.signal.envelope",
}

__all__ = [
    "History",
    "Keyring",
    "Published",
    "SignalDocument",
    "SignalEntry",
    "SigningKey",
    "issue",
    "publish",
    "read_file",
    "seal",
    "unseal",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module 'evalgate.signal' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(_HOMES[name]), name)
