"""Rows that are not cases yet: of JSONL, CSV, Parquet or the Hugging Face hub, chosen and renamed into cases.

What is chosen is in memory, so it is bounded; a file whose rows are cases as they stand needs none of this, and stays
in its file however large it is (`evalgate.suite.case_file`).
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from pydantic import Field, model_validator

from evalgate.errors import InputError
from evalgate.exchange import JsonValue, as_text
from evalgate.formats.canonical import canonical
from evalgate.formats.documents import Document, Strict, did_you_mean
from evalgate.suite.cases import KEYS
from evalgate.suite.paths import named_file
from evalgate.suite.rows import CsvRows, JsonlRows, RowError, Rows
from evalgate.suite.table import parquet_rows
from evalgate.suite.written import Written

MAX_ROWS = 200_000
MAX_BYTES = 256 * 1024 * 1024
FILES = (".jsonl", ".csv", ".parquet")

Columns = Annotated[list[str], Field(min_length=1, max_length=100)]


class Dataset(Strict):
    """Where the rows are, which of them are cases, and what of a row is what of a case."""

    path: Annotated[str, Field(min_length=1, max_length=500)] = Field(
        description="a .jsonl, .csv or .parquet file or a folder beside the suite, or owner/name on the hub",
        examples=["tickets.parquet"],
    )
    name: str | None = Field(default=None, description="the configuration of a dataset of the hub")
    split: str | None = Field(default=None, description="of a folder or of the hub, such as test")
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = Field(
        default=None, description="the commit of a dataset of the hub: another one is another suite"
    )
    format: Literal["bfcl"] | None = Field(
        default=None,
        description="of a data set whose files are no rows as they stand: bfcl, the Berkeley leaderboard's of calls;"
        " split names its categories, such as simple+multiple",
    )
    columns: dict[str, str | Columns] = Field(
        default={},
        description="what of a case is in which column; a list makes an object. Default: as they are, others metadata",
        examples=[{"input": ["text", "screenshot"], "target": "queue"}],
    )
    filter: dict[str, Written] = Field(
        default={}, description="the value of a column, or a list of values", examples=[{"lang": ["de", "en"]}]
    )
    without: dict[str, Written] = Field(
        default={},
        description="rows that are left out, by the value of a column, or by a list of values",
        examples=[{"id": ["broken-1", "broken-2"]}],
    )
    limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] | None = Field(default=None, description="the first so many rows")
    shuffle: Annotated[int, Field(ge=0, lt=2**63)] | None = Field(
        default=None, description="a seed: with limit, so many rows at random"
    )

    @model_validator(mode="after")
    def _that_fit_together(self) -> Dataset:
        if unknown := [key for key in self.columns if key not in KEYS]:
            message = f"columns.{unknown[0]}: no key of a case{did_you_mean(unknown[0], KEYS)}"
            raise ValueError(message)
        if self.columns and not self.columns.keys() & {"input", "messages"}:
            message = "columns: a case needs its input, so name the column (or messages)"
            raise ValueError(message)
        if self.format is not None and (wrong := [key for key in ("name", "columns") if getattr(self, key)]):
            message = f"{wrong[0]}: format {self.format} has its own; leave it out"
            raise ValueError(message)
        if self.shuffle is not None and self.limit is None:
            message = (
                "shuffle: of all rows the order does not matter, cases are asked in random order; give a limit too"
            )
            raise ValueError(message)
        return self

    def rows(self, document: Document) -> Iterator[tuple[str, object]]:
        """The cases as `(place, row)`; raises `InputError` for what cannot be read or has not the columns."""
        choice = _Choice(self)
        chosen = ((place, row) for place, row in self._all(document) if choice.takes(place, row))
        size = count = 0
        for place, row in self._sample(chosen):
            case = row if isinstance(row, InputError) else self._case(place, row)
            count, size = count + 1, size + (0 if isinstance(case, InputError) else len(canonical(case)))
            if count > MAX_ROWS or size > MAX_BYTES:
                most = f"{MAX_ROWS} rows" if count > MAX_ROWS else f"{MAX_BYTES >> 20} MiB"
                raise document.error(f"more than {most}; give a limit, or write the cases into a JSONL file", "dataset")
            yield place, case
        if self.limit is None or self.shuffle is not None:  # all rows were seen
            choice.require_met(document)

    def _all(self, document: Document) -> Iterator[tuple[str, object]]:
        suffix = Path(self.path).suffix
        if suffix not in FILES:
            from evalgate.suite.hub import hub_rows

            yield from hub_rows(self, document)
            return
        if wrong := [key for key in ("name", "split", "revision", "format") if getattr(self, key) is not None]:
            raise document.error("a file has none; leave it out", "dataset", wrong[0])
        path = named_file(document, self.path, "dataset", "path")
        yield from rows_of(path, document.at("dataset", "path"))

    def _sample(self, rows: Iterator[tuple[str, object]]) -> Iterable[tuple[str, object]]:
        if self.limit is None or self.shuffle is None:
            return islice(rows, self.limit)
        ranked = ((_rank(self.shuffle, number), number, row) for number, row in enumerate(rows))
        smallest = heapq.nsmallest(self.limit, ranked)
        return [row for _, _, row in sorted(smallest, key=lambda each: each[1])]

    def _case(self, place: str, row: object) -> object:
        if not isinstance(row, dict):
            return row
        if not self.columns:
            named = {key: row[key] for key in row if key in KEYS - {"metadata"}}
            rest = {key: value for key, value in row.items() if key not in named and key != "metadata"}
            metadata = row.get("metadata")
            return named | {"metadata": {**rest, **metadata} if isinstance(metadata, dict) else rest}
        return {key: _of(row, columns, place, together=key == "metadata") for key, columns in self.columns.items()}


class _Choice:
    """Which rows `filter` and `without` leave, and which of their values no row has had."""

    def __init__(self, dataset: Dataset) -> None:
        self._filters = len(dataset.filter)
        self._values = [
            (key, column, list(map(as_text, values if isinstance(values, list) else [values])))
            for key, columns in (("filter", dataset.filter), ("without", dataset.without))
            for column, values in columns.items()
        ]
        self._met: set[tuple[str, str, str]] = set()

    def takes(self, place: str, row: object) -> bool:
        """Whether a row is one of those that are meant; what is no row at all is, for it has to be told."""
        row = row.row if isinstance(row, RowError) else row
        if not isinstance(row, dict):
            return True
        told = ((key, column, as_text(_value(row, column, place)), texts) for key, column, texts in self._values)
        found = [(key, column, text) for key, column, text, texts in told if text in texts]
        self._met.update(found)
        return [key for key, _, _ in found] == ["filter"] * self._filters

    def require_met(self, document: Document) -> None:
        """Raise `InputError` for a value that no row has: a slip, by which cases are missing or too many."""
        for key, column, texts in self._values:
            for text in texts:
                if (key, column, text) not in self._met:
                    raise document.error(f"no row has {text[:80]!r} in this column", "dataset", key, column)


def rows_of(path: Path, place: str) -> Iterator[tuple[str, object]]:
    """The rows of a file as `(place, row)`; a row that cannot be read is an `InputError`."""
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{place}: {path} is not a regular file")
        if path.suffix == ".parquet":
            yield from parquet_rows(path)
            return
        rows: Rows = JsonlRows(str(path)) if path.suffix == ".jsonl" else _AnyColumns(str(path))
        with path.open("rb") as file:
            yield from _found(rows, file, path)
    except OSError as failure:
        raise InputError(f"{place}: {path} cannot be read: {failure.strerror}") from None


def _found(rows: Rows, file: BinaryIO, path: Path) -> Iterator[tuple[str, object]]:
    for record in rows.find(file):
        yield f"{path}:{record.line}", record.row


class _AnyColumns(CsvRows):
    """A CSV file whose columns are not those of cases."""

    def _checked_header(self, header: list[str] | None) -> list[str]:
        return self._without_repeats(header or [])

    def _row(self, values: list[str]) -> dict[str, JsonValue]:
        return dict(zip(self._header, values, strict=True))


def _of(row: Mapping[str, JsonValue], columns: str | list[str], place: str, *, together: bool) -> JsonValue:
    if isinstance(columns, str) and not together:
        return _value(row, columns, place)
    names = [columns] if isinstance(columns, str) else columns
    return {name: _value(row, name, place) for name in names}


def _value(row: Mapping[str, JsonValue], column: str, place: str) -> JsonValue:
    if column not in row:
        raise InputError(f"{place}: no column {column!r}{did_you_mean(column, set(map(str, row)))}")
    return row[column]


def _rank(seed: int, number: int) -> bytes:
    """The same on every machine, and whatever library read the rows."""
    return hashlib.sha256(f"{seed}:{number}".encode()).digest()
