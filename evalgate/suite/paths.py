"""Which files a suite may name: those in its own folder, or in the folder where the command runs, and below.

A suite may come from a stranger's pull request, and what it reads is sent to an endpoint: `/etc/passwd` as a prompt, or
a key file as a picture, must not be had by writing a path. Links are followed before it is looked where they lead.
"""

from __future__ import annotations

from pathlib import Path

from evalgate.errors import InputError
from evalgate.formats.documents import Document


def named_file(document: Document, name: str, *location: int | str) -> Path:
    """The file that is called `name` at `location`, relative to the file in which that is written.

    It need not be there. Raises `InputError` with the place for one that a suite must not name.
    """
    return allowed(document.mark(*location).path.parent, name, document.at(*location))


def allowed(folder: Path, name: str, place: str) -> Path:
    """`folder / name`; raises `InputError` that begins with `place` when that is not to be read."""
    if not name or "\0" in name:
        raise InputError(f"{place}: expected the name of a file, got {name!r}")
    path = folder / name
    try:
        target, roots = path.resolve(), (folder.resolve(), Path.cwd())
    except (OSError, RuntimeError, ValueError) as failure:  # links in a circle
        raise InputError(f"{place}: {name[:200]!r} cannot be found: {failure}") from None
    if not any(target.is_relative_to(root) for root in roots):
        where = "outside of the suite's folder and of the folder where evalgate runs"
        raise InputError(
            f"{place}: {name[:200]!r} is {where}; copy the file there, or run evalgate in a folder above it"
        )
    return path
