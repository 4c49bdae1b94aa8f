"""Finding the suite of a verdict again: by its hash, so that no other is taken for it."""

from __future__ import annotations

from pathlib import Path

from evalgate.errors import InputError
from evalgate.suite.files import in_folder
from evalgate.suite.load import Suite, load_suite

HERE = "run this in the folder where the check ran"


def find_suite(there: Path, operation: str, suite_hash: str, folder: Path, *, else_: str = HERE) -> Suite:
    """The suite with this hash: at `there`, where the check found it, or else among those of `folder`.

    Raises `InputError` when it is nowhere, with the way out (`else_`), or is not what it was.
    """
    changed = None
    for path in dict.fromkeys([there, *in_folder(folder)]):
        suite = _suite_at(path, operation)
        if suite is not None and suite.hash == suite_hash:
            return suite
        changed = changed or suite
    if changed is None:
        raise InputError(f"{there}: the suite of this verdict is not here; {else_}")
    message = f"{changed.path}: changed since the run of this board, so its answers no longer fit"
    raise InputError(f"{message}; run: evalgate check {changed.path}")


def _suite_at(path: Path, operation: str) -> Suite | None:
    """The suite in a file, if there is one for this operation; a file that is something else is passed over."""
    if not path.exists():
        return None
    try:
        suite = load_suite(path)
    except InputError:
        return None
    return suite if suite.operation == operation else None
