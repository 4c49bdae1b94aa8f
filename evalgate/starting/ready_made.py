"""A suite that exists, for another model: it is copied with the files that it needs, because it will be changed.

A suite in a folder of its own (`suite.yaml`) brings all of that folder, README with source and licence included; any
other one the files that it names. Only the names of operation, model and baseline are written anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evalgate.errors import InputError
from evalgate.formats.documents import Document, read_yaml
from evalgate.starting.draft import Draft
from evalgate.starting.sources import regular

_OPTION = "--from-suite"
MOST_FILES = 1_000
LARGEST = 256 * 1024 * 1024  # all of them
_LEFT = ("__pycache__", "recordings")


def copy_of(path: Path, operation: str | None) -> Draft:
    """The suite at `path` (its file, or the folder that it has to itself); raises `InputError` for what is none."""
    path = _file(path)
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        raise document.error("not a suite: expected a mapping of keys to values")
    if not isinstance(document.data.get("operation", operation), str):
        raise document.error("no operation in it; say it: --operation NAME")
    called = operation or str(document.data["operation"])
    draft = Draft(called, "", (), copied=path.read_text(encoding="utf-8"))
    found = _all_below(path) if path.name == "suite.yaml" else _named(document)
    files: dict[str, bytes] = {}
    left = LARGEST
    for each in found:
        name = f"{draft.name}/{each.relative_to(path.parent).as_posix()}"
        if name in files:
            continue
        files[name] = regular(each, _OPTION, left)
        left -= len(files[name])
        if len(files) > MOST_FILES:
            raise InputError(f"{_OPTION} {path}: more than {MOST_FILES} files; copy what is needed by hand")
    return Draft(called, "", (), copied=draft.copied, files=files)


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = [path / "suite.yaml"] if (path / "suite.yaml").exists() else sorted(path.glob("*.yaml"))
    if len(found) != 1:
        named = ", ".join(each.name for each in found[:10])
        raise InputError(
            f"{_OPTION} {path}: " + (f"has several suites ({named}); name one" if found else "has no suite")
        )
    return found[0]


def _all_below(path: Path) -> Iterator[Path]:
    folder = path.parent.resolve()
    for each in sorted(path.parent.rglob("*")):
        inner = each.relative_to(path.parent)
        if each == path or not each.is_file() or any(part in _LEFT or part.startswith(".") for part in inner.parts):
            continue
        if each.resolve().is_relative_to(folder):  # a link that leads elsewhere is nothing of the suite's
            yield each


def _named(document: Document) -> Iterator[Path]:
    """The files that a suite's texts name; names that lead out of its folder cannot be kept, and are refused."""
    folder = document.path.parent
    for text in _texts(document.data):
        bare = text.removeprefix("file://")
        if not 0 < len(bare) <= 500 or "\n" in bare or "\0" in bare:
            continue
        for name in (bare, bare.rpartition(":")[0]):  # `module.py:function`
            each = folder / name
            if not name or not each.is_file():
                continue
            if (
                ".." in Path(name).parts
                or Path(name).is_absolute()
                or not each.resolve().is_relative_to(folder.resolve())
            ):
                message = f"{name!r} is outside of its folder, so that a copy would not find it"
                raise InputError(f"{_OPTION} {document.path}: {message}; put it beside the suite first")
            yield each
            if each.suffix in (".yaml", ".yml"):
                yield from _named(read_yaml(each))


def _texts(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for value in data.values() if isinstance(data, dict) else data:
            yield from _texts(value)
