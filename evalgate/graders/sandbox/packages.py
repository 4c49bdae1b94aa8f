"""Packages beside the standard library that a suite may ask for, and which files of them a sandbox gets to see.

The list is short and closed: whatever is bound can be read by programs that models wrote, and site-packages as a whole
would show them what else is installed here, evalgate's own data included.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

Package = Literal["numpy"]
# a library that counts the cores would take the processes of the limit for its threads, and the seconds of others
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def folders(packages: Iterable[Package]) -> tuple[str, ...]:
    """The folders that the packages are: their own, and the one of the libraries that came in the wheel (`numpy.libs`).

    Raises `ValueError` for one that is not installed here.
    """
    found: list[str] = []
    for name in sorted(set(packages)):
        spec = find_spec(name)
        # a stray numpy.py would have the folder around it bound, so only what is a package in a folder counts
        if spec is None or spec.origin is None or not spec.submodule_search_locations:
            message = f"{name} is not installed where evalgate runs: pip install {name}"
            raise ValueError(message)
        home = Path(spec.origin).resolve().parent
        found += [str(path) for path in (home, home.with_name(f"{name}.libs")) if path.is_dir()]
    return tuple(found)
