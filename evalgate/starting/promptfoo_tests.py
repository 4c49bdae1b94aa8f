"""The tests of a promptfoo configuration: inline, or in YAML, JSON, JSONL and CSV files beside it.

Files are those that a suite could name: beside the configuration or where the command runs, never elsewhere. Code
(`file://tests.js`) is not run, and a table at a URL is not fetched: both are refused with what to do.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalgate.errors import InputError
from evalgate.formats.cells import allow_long_cells
from evalgate.formats.documents import MAX_BYTES, parse_yaml
from evalgate.formats.rewriting import plain
from evalgate.starting.draft import CASES
from evalgate.starting.sources import regular
from evalgate.suite.paths import allowed

FILE = "file://"
LARGEST_TABLE = 256 * 1024 * 1024
_CODE = (".js", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".py", ".rb", ".go")
_TEXTS = (".txt", ".md", ".json", ".yaml", ".yml", ".csv", ".html", ".xml", "")
# `contains(0.8): text`; a type is looked for by what promptfoo calls them all: words with dashes
_EXPECTED = re.compile(r"((?:not-)?[a-z]+(?:-[a-z0-9]+)*)(?:\((\d+(?:\.\d+)?)\))?(?::(.*))?", re.DOTALL)
_BARE = {"is-json", "contains-json", "is-refusal", "not-is-refusal", "latency", "cost", "is-sql", "is-xml", "is-html"}
_WITH_VALUE = {
    *("equals", "contains", "icontains", "contains-any", "icontains-any", "contains-all", "icontains-all", "regex"),
    *("starts-with", "is-json", "contains-json", "levenshtein", "rouge-n", "bleu", "similar", "llm-rubric", "cost"),
    *("latency", "javascript", "python", "factuality", "model-graded-closedqa", "answer-relevance", "classifier"),
    *("context-recall", "context-relevance", "context-faithfulness", "g-eval", "webhook", "perplexity", "moderation"),
    *("perplexity-score", "gleu", "meteor", "word-count", "select-best", "contains-sql", "contains-xml", "is-sql"),
}


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the configuration stands."""

    path: Path

    def text(self, name: str, place: str, most: int = MAX_BYTES) -> str:
        """What is in a file that is named `file://NAME`; raises `InputError` that begins with `place`."""
        name = name.removeprefix(FILE)
        bare = name.rpartition(":")[0] or name
        if Path(bare).suffix in _CODE or Path(name).suffix in _CODE:
            raise InputError(f"{place}: {name[:200]!r} is code, which is not run; write what it makes into a file")
        try:
            return regular(allowed(self.path, name, place), place, most).decode("utf-8-sig")
        except UnicodeDecodeError as failure:
            raise InputError(f"{place}: {name[:200]!r} is not UTF-8 at byte {failure.start}") from None

    def data(self, name: str, place: str) -> Any:
        """The same for what is YAML or JSON."""
        bare = name.removeprefix(FILE)
        return parse_yaml(self.text(name, place), self.path / bare).data


@dataclass(frozen=True, slots=True)
class Test:
    """One test. `other`: what it says beside its variables and assertions."""

    place: str
    vars: Mapping[str, Any]
    assertions: Sequence[Mapping[str, Any]]
    metadata: Mapping[str, Any]
    description: str
    other: Mapping[str, Any]


def read_tests(given: Any, common: Mapping[str, Any], folder: Folder, place: str) -> list[Test]:
    """All tests, each with what all have in `common` (`defaultTest`); those of lists of values taken apart."""
    found: list[Test] = []
    for row, where in _rows(given, folder, place):
        if not isinstance(row, dict):
            raise InputError(f"{where}: expected a test with vars and assert")
        found += _test(row, common, folder, where)
        if len(found) > CASES:
            raise InputError(f"{place}: more than {CASES} tests")
    return found


def _rows(given: Any, folder: Folder, place: str) -> Iterator[tuple[Any, str]]:
    if isinstance(given, str):
        yield from _of_file(given, folder, place)
    elif isinstance(given, list):
        for index, row in enumerate(given):
            where = f"{place}.{index}"
            if isinstance(row, str):
                yield from _of_file(row, folder, where)
            else:
                yield row, where
    elif isinstance(given, dict) and isinstance(given.get("path"), str):
        raise InputError(
            f"{place}: tests that code makes ({given['path'][:200]!r}) are not run; write them into a file"
        )
    elif given is not None:
        raise InputError(f"{place}: expected a list of tests, or the name of a file with them")


def _of_file(name: str, folder: Folder, place: str) -> Iterator[tuple[Any, str]]:
    if re.match(r"(?!file://)[a-z]+://", name):
        raise InputError(f"{place}: {name[:200]!r} is not fetched; save it as CSV or JSONL beside the configuration")
    bare = name.removeprefix(FILE)
    names = [bare]
    if any(sign in bare for sign in "*?["):
        inner = allowed(folder.path, bare.split("*")[0].split("?")[0].split("[")[0] or ".", place)
        del inner  # only to see that it does not lead elsewhere
        names = sorted(each.relative_to(folder.path).as_posix() for each in folder.path.glob(bare))
    if not names:
        raise InputError(f"{place}: no file {bare[:200]!r}")
    for one in names:
        suffix = Path(one).suffix.lower()
        if suffix == ".csv":
            yield from _of_csv(folder.text(one, place, LARGEST_TABLE), one)
        elif suffix == ".jsonl":
            yield from _of_jsonl(folder.text(one, place, LARGEST_TABLE), one)
        elif suffix in (".yaml", ".yml", ".json"):
            read = folder.data(one, place)
            rows = read if isinstance(read, list) else [read]
            yield from ((row, f"{one} {index}") for index, row in enumerate(rows))
        else:
            folder.text(one, place, 0) if suffix in _CODE else None  # which says that it is code
            raise InputError(f"{place}: {one[:200]!r}: expected tests as .yaml, .json, .jsonl or .csv")


def _of_jsonl(text: str, name: str) -> Iterator[tuple[Any, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                yield json.loads(line), f"{name}:{number}"
            except (ValueError, RecursionError):
                raise InputError(f"{name}:{number}: not JSON; expected one test a line") from None


def _of_csv(text: str, name: str) -> Iterator[tuple[Any, str]]:
    """A column is a variable, but for those that begin with two underscores."""
    allow_long_cells()
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if len(set(header)) < len(header) or "" in header:
            raise InputError(f"{name}:1: a column without a name, or two of one")
        for cells in reader:
            if not any(cells):
                continue
            place = f"{name}:{reader.line_num}"
            if len(cells) != len(header):
                raise InputError(f"{place}: {len(cells)} cells, expected {len(header)} as in the header")
            yield _of_row(dict(zip(header, cells, strict=True))), place
    except csv.Error as failure:
        raise InputError(f"{name}:{reader.line_num}: malformed CSV: {failure}") from None


def _of_row(row: Mapping[str, str]) -> dict[str, Any]:
    asserted = [expected(cell) for key, cell in row.items() if key.startswith("__expected") and cell.strip()]
    if metric := row.get("__metric"):
        asserted = [{**each, "metric": metric} for each in asserted]
    test: dict[str, Any] = {"vars": {key: cell for key, cell in row.items() if not key.startswith("__")}}
    test["assert"] = asserted
    options = {key.removeprefix("__"): row[key] for key in ("__prefix", "__suffix") if row.get(key)}
    named = {"__description": "description", "__threshold": "threshold", "__providerOutput": "providerOutput"}
    test |= {name: row[key] for key, name in named.items() if row.get(key)}
    test["metadata"] = {
        key.partition(":")[2]: cell for key, cell in row.items() if key.startswith("__metadata:") and cell
    }
    return test | ({"options": options} if options else {})


def expected(cell: str) -> dict[str, Any]:
    """What a cell `__expected` asserts: `contains: text`, `similar(0.8): text`, or the text that the answer is."""
    for legacy, kind in (("fn:", "javascript"), ("eval:", "javascript"), ("grade:", "llm-rubric")):
        if cell.startswith(legacy):
            return {"type": kind, "value": cell[len(legacy) :]}
    match = _EXPECTED.fullmatch(cell)
    bare = match[1].removeprefix("not-") if match else ""
    if match is None or not (bare in _WITH_VALUE if match[3] is not None else bare in _BARE or match[2] is not None):
        return {"type": "equals", "value": cell}
    value = (match[3] or "").strip() if bare != "equals" else match[3] or ""
    said: dict[str, Any] = {"type": match[1]} | ({"value": value} if value else {})
    return said | ({"threshold": float(match[2])} if match[2] else {})


def _test(row: Mapping[str, Any], common: Mapping[str, Any], folder: Folder, place: str) -> Iterator[Test]:
    for key in ("<<",):
        if key in row or key in common:
            raise InputError(f"{place}: merge keys (<<) are not read; write out what they stand for")
    values = {**_mapping(common, "vars", folder, place), **_mapping(row, "vars", folder, place)}
    metadata = {**_mapping(common, "metadata", folder, place), **_mapping(row, "metadata", folder, place)}
    asserted = [*_list(common.get("assert"), place), *_list(row.get("assert"), place)]
    known = {"vars", "assert", "metadata", "description"}
    options = {**_mapping(common, "options", folder, place), **_mapping(row, "options", folder, place)}
    flat = {**common, **row}
    other = {key: value for key, value in flat.items() if key not in known and key != "options"}
    other |= {f"options.{key}": value for key, value in options.items()}
    apart = options.get("disableVarExpansion") is not True
    other.pop("options.disableVarExpansion", None)
    lists = [key for key, value in values.items() if isinstance(value, list) and apart]
    read = {
        key: [_value(each, folder, place) for each in (value if key in lists else [value])]
        for key, value in values.items()
    }
    told = str(row.get("description") or "")[:500]
    told = "" if re.fullmatch(r"Row #\d+", told) else told  # what promptfoo calls the rows of a table
    count = 1
    for each in read.values():
        count *= len(each)
    if count > CASES:
        raise InputError(f"{place} vars: lists that make {count} tests, expected at most {CASES}")
    for combination in itertools.product(*read.values()):
        yield Test(place, dict(zip(read, combination, strict=True)), asserted, metadata, told, other)


def _mapping(row: Mapping[str, Any], key: str, folder: Folder, place: str) -> dict[str, Any]:
    value = row.get(key)
    if isinstance(value, str) and value.startswith(FILE):
        value = folder.data(value, f"{place} {key}")
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError(f"{place} {key}: expected names with values")
    if "<<" in value:
        raise InputError(f"{place} {key}: merge keys (<<) are not read; write out what they stand for")
    return value


def _list(value: Any, place: str) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise InputError(f"{place} assert: expected a list of assertions")
    return value


def _value(value: Any, folder: Folder, place: str) -> Any:
    if isinstance(value, str) and value.startswith(FILE):
        name = value.removeprefix(FILE)
        if Path(name).suffix.lower() not in (*_TEXTS, *_CODE):
            raise InputError(
                f"{place} vars: {name[:200]!r} is no text; pictures and other files have to be added by hand"
            )
        return folder.text(name, f"{place} vars")
    value = plain(value)
    return (
        int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
    )  # as JS has it
