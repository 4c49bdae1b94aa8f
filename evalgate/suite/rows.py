"""The rows of a dataset file, JSONL or CSV: found one after the other, and read again one at a time.

A file is never in memory as a whole. What was checked when a row was found is not checked again when it is read again.
Numbers of JSONL keep their text where it says more than their value; the cells of a CSV file are texts.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

import orjson

from evalgate.errors import InputError
from evalgate.exchange import JsonValue
from evalgate.formats.cells import allow_long_cells
from evalgate.formats.documents import MAX_DEPTH
from evalgate.formats.written import integer, real

MAX_LINE_BYTES = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class Record(NamedTuple):
    """A row, the bytes that it was read from with their offset in the file, and the line on which it ends.

    The row is an `InputError` where it cannot be read, and the next can.
    `written`: has a number that keeps its text, which takes longer to read.
    """

    offset: int
    line: int
    data: bytes
    row: object
    written: bool = False


class RowError(InputError):
    """A row that can be read and cannot be a case; what is in it (`row`) may be a reason to leave it out."""

    def __init__(self, message: str, row: dict[str, JsonValue]) -> None:
        super().__init__(message)
        self.row = row


class Rows(Protocol):
    """A file format."""

    def find(self, file: BinaryIO) -> Iterator[Record]:
        """All rows of `file`, in order; raises `InputError` where there is no going on."""

    def again(self, data: bytes, written: bool) -> dict[str, JsonValue]:
        """The row that was found in `data`, as `Record` has the two."""


class JsonlRows:
    """One JSON object a line; empty lines are passed over."""

    def __init__(self, name: str) -> None:
        self._name, self._written = name, False
        self._decoder = json.JSONDecoder(
            object_pairs_hook=_without_repeats, parse_int=self._integer, parse_float=self._real
        )

    def find(self, file: BinaryIO) -> Iterator[Record]:
        """As `Rows.find`."""
        offset = _pass_over_mark(file)
        for number, line in enumerate(_lines(file, self._name), start=1):
            data = line.removesuffix(b"\n")
            if data.strip():
                row = self._parse(data, number)  # or why it is none: those behind it are looked at, too
                yield Record(offset, number, data, row, self._written)
            offset += len(line)

    def again(self, data: bytes, written: bool) -> dict[str, JsonValue]:
        """As `Rows.again`."""
        row: dict[str, JsonValue] = self._decoder.decode(data.decode()) if written else orjson.loads(data)
        return row

    def _integer(self, text: str) -> int:
        value = integer(text)
        self._written = self._written or type(value) is not int
        return value

    def _real(self, text: str) -> float:
        value = real(text)
        self._written = self._written or type(value) is not float
        return value

    def _parse(self, data: bytes, number: int) -> object:
        self._written = False
        try:
            return self._read(data, number)
        except InputError as failure:
            return failure

    def _read(self, data: bytes, number: int) -> object:
        try:
            orjson.loads(data)  # the stricter of the two, but it would let the last of two keys win
            row: object = self._decoder.decode(data.decode())
        except orjson.JSONDecodeError as failure:
            message = f"{self._name}:{number}:{failure.colno}: malformed JSON: {failure.msg}"
            raise InputError(message) from None
        except _Repeated as failure:
            raise InputError(f"{self._name}:{number} {failure}: duplicate key") from None
        except ValueError as failure:
            raise InputError(f"{self._name}:{number}: {failure}") from None
        except RecursionError:
            raise InputError(f"{self._name}:{number}: nested deeper than {MAX_DEPTH} levels") from None
        return row


class CsvRows:
    """A header with `input` (and `id`, `target`); any other column goes to the case's metadata."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._header: list[str] = []

    def find(self, file: BinaryIO) -> Iterator[Record]:
        """As `Rows.find`; a row may span lines."""
        lines = _TextLines(file, self._name)
        allow_long_cells()
        reader = csv.reader(lines, strict=True)
        try:
            self._header = self._checked_header(next(reader, None))
            lines.take()
            for values in reader:
                offset, data = lines.take()
                if not values:
                    continue
                row: object = None
                if len(values) == len(self._header):
                    row = self._row(values)
                else:
                    message = f"{len(values)} values for {len(self._header)} columns"
                    row = InputError(f"{self._name}:{reader.line_num}: {message}")
                yield Record(offset, reader.line_num, data, row)
        except csv.Error as failure:
            raise InputError(f"{self._name}:{reader.line_num}: malformed CSV: {failure}") from None

    def again(self, data: bytes, written: bool) -> dict[str, JsonValue]:
        """As `Rows.again`."""
        del written
        allow_long_cells()
        return self._row(next(csv.reader(io.StringIO(data.decode(), newline=""), strict=True)))

    def _checked_header(self, header: list[str] | None) -> list[str]:
        if header is None:
            return []
        self._without_repeats(header)
        if "input" not in header:
            found = f"found {', '.join(header)}"[:500]
            mapped = "" if len(header) < 2 else f"; or say what is what: {mapping(self._name, header)}"
            hint = next(
                (f"; separate columns by commas, not by {mark!r}" for mark in ";\t|" if mark in "".join(header)), mapped
            )
            raise InputError(f"{self._name}:1: no column 'input'; {found}{hint}")
        return header

    def _without_repeats(self, header: list[str]) -> list[str]:
        if repeated := [name for name in header if header.count(name) > 1]:
            raise InputError(f"{self._name}:1: duplicate column {repeated[0]!r}")
        return header

    def _row(self, values: list[str]) -> dict[str, JsonValue]:
        metadata: dict[str, JsonValue] = dict(zip(self._header, values, strict=True))
        row = {name: metadata.pop(name) or None for name in ("id", "input", "target") if name in metadata}
        return row | {"metadata": metadata}


def mapping(name: str, columns: Sequence[str]) -> str:
    """How a suite says which column is what, with the first two of a file as example."""
    target = f", target: {columns[1]}" if len(columns) > 1 else ""
    return f"dataset: {{path: {Path(name).name}, columns: {{input: {columns[0]}{target}}}}}"[:200]


class _TextLines:
    """The lines that `csv` asks for, ended by any of \\n, \\r and \\r\\n, and the bytes that it has taken of them."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._name, self._offset, self._taken = name, _pass_over_mark(file), bytearray()
        self._lines = (part for line in _lines(file, name) for part in line.splitlines(keepends=True))

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        try:
            text = line.decode()
        except UnicodeDecodeError as failure:
            place = self._offset + len(self._taken) + failure.start
            raise InputError(f"{self._name}: not UTF-8 at byte {place}") from None
        self._taken += line
        if len(self._taken) > MAX_LINE_BYTES:
            message = f"a row of more than {MAX_LINE_BYTES >> 20} MiB, from byte {self._offset} on"
            raise InputError(f"{self._name}: {message}")
        return text

    def take(self) -> tuple[int, bytes]:
        """What was taken since the last time, and its offset in the file."""
        offset, data = self._offset, bytes(self._taken)
        self._offset += len(data)
        self._taken.clear()
        return offset, data


def _pass_over_mark(file: BinaryIO) -> int:
    """Pass over a byte order mark; returns the offset of what comes then."""
    return file.tell() if file.read(len(_BOM)) == _BOM else file.seek(0)


def _lines(file: BinaryIO, name: str) -> Iterator[bytes]:
    for number, line in enumerate(iter(partial(file.readline, MAX_LINE_BYTES + 2), b""), start=1):
        if len(line.removesuffix(b"\n")) > MAX_LINE_BYTES:
            raise InputError(f"{name}:{number}: a row of more than {MAX_LINE_BYTES >> 20} MiB")
        yield line


class _Repeated(Exception):
    """A key of an object stands in it twice."""


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Repeated(next(name for name in names if names.count(name) > 1))
    return row
