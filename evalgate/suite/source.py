"""The files that a suite is written in: its own, the one that it extends, and those that its prompts stand in.

What comes out is one document, in which every value knows the file and line that it came from; its hash is that of a
suite that says the same in one file.
"""

from __future__ import annotations

from pathlib import Path

from evalgate.errors import InputError
from evalgate.formats.documents import Document, read_yaml
from evalgate.formats.yaml_tree import Location, Mark
from evalgate.suite.bounds import MAX_CHARACTERS
from evalgate.suite.paths import named_file

_FILE = "file://"


def read_suite(path: Path) -> Document:
    """The suite at `path` as it is meant; raises `InputError` with the place for whatever cannot be read."""
    document = read_yaml(path)
    if isinstance(document.data, dict) and isinstance(named := document.data.get("extends"), str):
        base = read_yaml(named_file(document, named, "extends"))
        if not isinstance(base.data, dict):
            raise base.error("expected a mapping of keys to values")
        if "extends" in base.data:
            raise base.error("a suite that is extended cannot extend another one", "extends")
        document = document.over(base)
    if isinstance(document.data, dict):
        if "tools" in document.data and isinstance(generation := document.data.setdefault("generation", {}), dict):
            if "tools" in generation:
                raise document.error("given here and under generation; write them once", "tools")
            document.move(("tools",), ("generation", "tools"))
        _take_in(document, document.data.get("prompt"), ("prompt",))
        if isinstance(examples := document.data.get("examples"), dict):
            _take_in(document, examples.get("template"), ("examples", "template"))
    return document


def _take_in(document: Document, value: object, location: Location) -> None:
    """Put the text of each file that a prompt names in place of its name."""
    if isinstance(value, str) and value.startswith(_FILE):
        path = named_file(document, value.removeprefix(_FILE), *location)
        document.put(_text(path, document.at(*location)), Mark(path, 1, 1), *location)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            if isinstance(each, dict):
                for key in ("content", "text"):
                    _take_in(document, each.get(key), (*location, index, key))


def _text(path: Path, place: str) -> str:
    """What is in a file, without a line end behind all."""
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{place}: {path} is not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_CHARACTERS + 1)
        if len(data) > MAX_CHARACTERS:
            raise InputError(f"{place}: {path} has more than {MAX_CHARACTERS} bytes, too many for a prompt")
        return data.decode("utf-8-sig").replace("\r\n", "\n").removesuffix("\n")
    except OSError as failure:
        raise InputError(f"{place}: {path} cannot be read: {failure.strerror}") from None
    except UnicodeDecodeError as failure:
        raise InputError(f"{path}: not UTF-8 at byte {failure.start}") from None
