"""Cases: inline, or from a JSONL or CSV file. Baseline and variant are paired by case id, so ids must be stable."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from evalgate.canonical import digest
from evalgate.documents import MAX_DEPTH, did_you_mean
from evalgate.errors import InputError
from evalgate.exchange import JsonValue

KEYS = {"id", "input", "target", "metadata"}
MAX_ID_LENGTH = 200
MAX_LINE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Case:
    """One dataset row. `place` is the `file:line` it came from; `target` is None where the row has none."""

    id: str
    input: JsonValue
    target: JsonValue
    metadata: dict[str, JsonValue] = field(default_factory=dict)
    place: str = ""


def read_cases(path: Path) -> list[Case]:
    """Read the cases of a `.jsonl` or `.csv` file, in file order.

    Raises `InputError` (with file and line) for a missing or empty file, an unknown ending, malformed rows, unknown
    keys and duplicate ids.
    """
    readers = {".jsonl": _jsonl_rows, ".csv": _csv_rows}
    if path.suffix not in readers:
        raise InputError(f"{path}: expected a .jsonl or .csv file")
    try:
        text = path.read_bytes()
    except (OSError, ValueError) as failure:  # ValueError: a NUL character in the name
        reason = getattr(failure, "strerror", failure)
        message = f"{path}: the dataset cannot be read: {reason}; paths are relative to the suite's file"
        raise InputError(message) from None
    return build_cases(readers[path.suffix](text, path), str(path))


def build_cases(rows: Iterable[tuple[str, object]], source: str) -> list[Case]:
    """Build cases from `(place, row)` pairs; refuses an empty sequence and duplicate ids."""
    seen: dict[str, str] = {}
    cases = []
    for place, row in rows:
        case = _case(row, place)
        if case.id in seen:
            raise InputError(f"{place}: duplicate case id {case.id!r}; first used at {seen[case.id]}")
        seen[case.id] = place
        cases.append(case)
    if not cases:
        raise InputError(f"{source}: no cases; a suite without cases would pass without having asked anything")
    return cases


def _case(row: object, place: str) -> Case:
    if not isinstance(row, dict):
        raise InputError(f"{place}: expected an object with {', '.join(sorted(KEYS))}")
    for key in row:
        if key not in KEYS:
            raise InputError(f"{place} {key}: unknown key{did_you_mean(str(key), KEYS)}")
    if _deeper_than(MAX_DEPTH, row):
        raise InputError(f"{place}: nested deeper than {MAX_DEPTH} levels")
    if row.get("input") in (None, "", {}, []):
        raise InputError(f"{place}: a case needs an 'input'")
    identity = row.get("id")
    if identity is None:
        identity = digest(row["input"])[7:23]  # by content, so that it stays when rows are added or sorted
    if isinstance(identity, bool) or not isinstance(identity, str | int) or identity == "":
        raise InputError(f"{place} id: expected a text or a whole number, got {identity!r}")
    if len(str(identity)) > MAX_ID_LENGTH:
        raise InputError(f"{place} id: longer than {MAX_ID_LENGTH} characters")
    metadata = {} if row.get("metadata") is None else row["metadata"]
    if not isinstance(metadata, dict):
        raise InputError(f"{place} metadata: expected an object, got {metadata!r}")
    return Case(str(identity), row["input"], row.get("target"), metadata, place)


def _deeper_than(levels: int, value: object) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_deeper_than(levels - 1, each) for each in inner)


def _without_repeats(pairs: list[tuple[str, object]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError(next(name for name in names if names.count(name) > 1))


def _jsonl_rows(data: bytes, path: Path) -> Iterator[tuple[str, object]]:
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not line.strip():
            continue
        if len(line) > MAX_LINE_BYTES:
            raise InputError(f"{path}:{number}: a row of more than {MAX_LINE_BYTES >> 20} MiB")
        try:
            row = orjson.loads(line)
            json.loads(line, object_pairs_hook=_without_repeats)  # orjson would let the last one win
        except orjson.JSONDecodeError as failure:
            raise InputError(f"{path}:{number}: malformed JSON: {failure.msg} (column {failure.colno})") from None
        except ValueError as failure:
            raise InputError(f"{path}:{number} {failure}: duplicate key") from None
        except RecursionError:
            raise InputError(f"{path}:{number}: nested deeper than {MAX_DEPTH} levels") from None
        yield f"{path}:{number}", row


def _csv_rows(data: bytes, path: Path) -> Iterator[tuple[str, object]]:
    """A header with `input` (and `id`, `target`); any other column goes to the case's metadata."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        raise InputError(f"{path}: not UTF-8 at byte {failure.start}") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, None)
        if header is None:
            return
        if repeated := [name for name in header if header.count(name) > 1]:
            raise InputError(f"{path}:1: duplicate column {repeated[0]!r}")
        if "input" not in header:
            raise InputError(f"{path}:1: no column 'input'; found {', '.join(header)}")
        for values in reader:
            place = f"{path}:{reader.line_num}"
            if not values:
                continue
            if len(values) != len(header):
                raise InputError(f"{place}: {len(values)} values for {len(header)} columns")
            row = dict(zip(header, values, strict=True))
            case: dict[str, object] = {name: row.pop(name) or None for name in ("id", "input", "target") if name in row}
            yield place, case | {"metadata": row}
    except csv.Error as failure:
        raise InputError(f"{path}:{reader.line_num}: malformed CSV: {failure}") from None
