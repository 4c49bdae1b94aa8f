"""Files into place: all of them, or none, and never over what is there.

They are first written beside where they go and loaded as a check would load them, so that whatever ends up in the
project works. A schema that is there already is kept: it is not anybody's work, and may be a newer one.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from evalgate.catalog import load_catalog
from evalgate.errors import InputError
from evalgate.plan import plan
from evalgate.suite import load_suites

CATALOG = "catalog.yaml"
WORKFLOW = ".github/workflows/evalgate.yml"


@dataclass(frozen=True, slots=True)
class Project:
    """What is to be in a folder: contents by their paths in it. `kept` may be there already, and then stay.

    `catalog` is the catalogue that the suites are for, where it is none of the files.
    """

    folder: Path
    contents: Mapping[str, bytes]
    suites: Sequence[str]
    kept: Mapping[str, bytes] = field(default_factory=dict)
    catalog: Path | None = None

    def write(self) -> list[str]:
        """Put everything into place; returns what was written, in order.

        Raises `InputError` when any of it is there already, and when it would not load; then nothing has changed.
        """
        self._require_room()
        made = _first_missing(self.folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".evalgate-init-", dir=self.folder) as stage:
                staged = Path(stage)
                for name, content in (*self.kept.items(), *self.contents.items()):
                    (staged / name).parent.mkdir(parents=True, exist_ok=True)
                    (staged / name).write_bytes(content)
                self._load(staged)
                written = _moved(staged, self.folder, self.contents, self.kept)
        except BaseException as failure:
            _remove_empty(self.folder, made)
            if isinstance(failure, OSError):
                place = failure.filename or self.folder
                raise InputError(f"{place}: cannot be written: {failure.strerror}; nothing was changed") from None
            raise
        return written

    def _require_room(self) -> None:
        there = [name for name in self.contents if os.path.lexists(self.folder / name)]
        if there:
            named = "\n".join(f"  {self.folder / name}" for name in there)
            ways = "name another folder (evalgate init FOLDER), or keep your catalogue with --catalog FILE"
            raise InputError(f"there already, and never overwritten; nothing was written:\n{named}\n{ways}")
        for name in self.contents:
            for folder in PurePosixPath(name).parents:
                above = self.folder / folder
                if above.exists() and not above.is_dir():
                    raise InputError(f"{above}: a file, where a folder is needed; nothing was written")

    def _load(self, staged: Path) -> None:
        """Find what a check would find; places are told as they will be."""
        try:
            catalog = load_catalog(self.catalog or staged / CATALOG)
            suites = load_suites([staged / name for name in self.suites])
            plan([replace(suite, placeholder=None) for suite in suites], catalog)  # examples may be written, not judged
        except InputError as failure:
            told = str(failure).replace(f"{staged}{os.sep}", "" if self.folder == Path() else f"{self.folder}{os.sep}")
            raise InputError(f"{told}\nnothing was written") from None


def _moved(staged: Path, folder: Path, contents: Mapping[str, bytes], kept: Mapping[str, bytes]) -> list[str]:
    """Link each file to where it goes, which fails where something is; undone as a whole when one does."""
    undo: list[Callable[[], object]] = []
    written: list[str] = []
    try:
        for name in (*kept, *contents):
            target = folder / name
            if name in kept and target.exists():
                continue
            for above in reversed(PurePosixPath(name).parents):
                if not (inner := folder / above).exists():
                    inner.mkdir()
                    undo.append(inner.rmdir)
            _link(staged / name, target)
            undo.append(target.unlink)
            written.append(name)
    except BaseException as failure:
        for step in reversed(undo):
            step()
        if isinstance(failure, FileExistsError):
            raise InputError(
                f"{failure.filename2 or failure.filename}: came into being meanwhile; nothing was written"
            ) from None
        raise
    return written


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with target.open("xb") as file:
            file.write(source.read_bytes())


def _remove_empty(folder: Path, uppermost: Path | None) -> None:
    """Take away the folders that were made for nothing, unless somebody has put something into them."""
    with contextlib.suppress(OSError):
        while uppermost is not None:
            folder.rmdir()
            if folder == uppermost:
                return
            folder = folder.parent


def _first_missing(folder: Path) -> Path | None:
    """The uppermost folder that would have to be made for `folder`."""
    missing = None
    for each in (folder, *folder.parents):
        if os.path.lexists(each):
            break
        missing = each
    return missing
