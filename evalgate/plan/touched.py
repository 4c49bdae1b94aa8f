"""Which suites a change touches: their file, what it names, and what the catalogue says of who they ask.

A suite that is left out although it was touched would be a green that nobody looked at, so every doubt counts as
touched: a file is taken for named wherever its name stands in a file that the suite names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from evalgate.catalog import Catalog
from evalgate.errors import InputError
from evalgate.formats.documents import parse_yaml, read_yaml
from evalgate.suite import Suite

SEARCHED_BYTES = 64 * 1024 * 1024  # of a file in which names are looked for; what is larger counts as touched
_YAML = (".yaml", ".yml")


def touched(
    suites: Sequence[Suite], catalog: Catalog, changed: Collection[Path], before: Callable[[Path], bytes | None]
) -> list[Suite]:
    """The suites among `suites` that the `changed` files (absolute, resolved; also deleted ones) touch.

    `before(path)` is what a file held before the change, None where it was not there.
    """
    different = _Entries(catalog, before).differ if catalog.path.resolve() in changed else _nothing
    return [suite for suite in suites if different(suite) or _names(suite, catalog, changed)]


def _nothing(suite: Suite) -> bool:
    del suite
    return False


class _Entries:
    """The catalogue before and after the change, as it was written."""

    def __init__(self, catalog: Catalog, before: Callable[[Path], bytes | None]) -> None:
        path = catalog.path
        self._now, self._then = catalog.document.data, _parsed(before(path.resolve()), path)

    def differ(self, suite: Suite) -> bool:
        """Whether anything is said differently of the suite's model or of those who serve it."""
        model = suite.file.model
        now, then = (_of_model(data, model) for data in (self._now, self._then))
        return now is None or now != then


def _parsed(data: bytes | None, path: Path) -> object:
    try:
        return parse_yaml(data.decode(), path).data if data is not None else None
    except (InputError, UnicodeDecodeError):
        return None


def _of_model(data: object, model: str) -> object:
    """All that a catalogue says which has to do with a model; None when it cannot be told."""
    if not isinstance(data, dict) or not all(isinstance(data.get(key), list) for key in ("models", "providers")):
        return None
    entries = [each for each in data["models"] if isinstance(each, dict) and each.get("id") == model]
    variants = [one for each in entries for one in each.get("variants") or () if isinstance(one, dict)]
    servers = {str(one.get("provider")) for one in variants}
    providers = [each for each in data["providers"] if isinstance(each, dict) and str(each.get("id")) in servers]
    others = {key: value for key, value in data.items() if key not in ("models", "providers")}
    return entries, providers, others


def _names(suite: Suite, catalog: Catalog, changed: Collection[Path]) -> bool:
    """Whether the suite's file, or what it leads to, is among the changed files."""
    recordings = [each.recording for each in catalog.endpoints(suite.file.model).values() if each.recording is not None]
    if any(recording.resolve() in changed for recording in recordings):
        return True
    seen: set[Path] = set()
    waiting = [suite.path.resolve()]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        if path in changed or any(each.is_relative_to(path) for each in changed):
            return True
        if path.suffix in _YAML:
            waiting.extend(_named_in(path))
        elif _mentions(path, changed):
            return True
    return False


def _named_in(path: Path) -> Iterator[Path]:
    """What the texts of a YAML file name, beside it or from here: `cases.jsonl`, `file://a.md`, `mine.py:score`."""
    try:
        data = read_yaml(path).data
    except InputError:
        return
    for text in _texts(data):
        bare = text.removeprefix("file://")
        if not bare or len(bare) > 500 or "\n" in bare or "\0" in bare:
            continue
        for name in {bare, bare.rpartition(":")[0] or bare}:
            for folder in (path.parent, Path.cwd()):
                named = (folder / name).resolve()
                if named not in (folder.resolve(), *folder.resolve().parents):  # "." and ".." name no file
                    yield named


def _texts(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value)


def _mentions(path: Path, changed: Collection[Path]) -> bool:
    """Whether the name of a changed file stands in a file that is not YAML, such as an image's among the cases."""
    try:
        if not path.is_file():
            return False
        if path.stat().st_size > SEARCHED_BYTES:
            return bool(changed)
        text = path.read_bytes()
    except OSError:
        return False
    return any(each.name.encode() in text for each in changed)
