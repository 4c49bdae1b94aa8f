"""Rows of columnar files as plain JSON data: what JSON cannot say becomes a text where that says the same."""

from __future__ import annotations

import datetime
import decimal
import math
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from evalgate.errors import InputError
from evalgate.exchange import JsonValue

MAX_UNPACKED = 1024 * 1024 * 1024  # a file of few bytes can unpack to very many
_BATCH = 256  # rows in memory at once


def parquet_rows(path: Path) -> Iterator[tuple[str, object]]:
    """The rows of a Parquet file as `(place, row)`, some at a time; raises `InputError` for a file that is none."""
    import pyarrow  # type: ignore[import-untyped]  # it has no types
    import pyarrow.parquet  # type: ignore[import-untyped]

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            found = file.metadata
            unpacked = sum(found.row_group(index).total_byte_size for index in range(found.num_row_groups))
            if unpacked > MAX_UNPACKED:
                raise InputError(f"{path}: unpacks to more than {MAX_UNPACKED >> 30} GiB")
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}:row {number}", json_row(row, f"{path}:row {number}")
    except (pyarrow.ArrowException, ValueError, OverflowError) as failure:
        raise InputError(f"{path}: not a readable Parquet file: {str(failure).splitlines()[0][:200]}") from None


def json_row(row: Mapping[str, object], place: str) -> object:
    """The row as JSON data; an `InputError` where it has what JSON has no word for, such as a picture's bytes."""
    try:
        return {str(name): _json(value, str(name)) for name, value in row.items()}
    except ValueError as failure:
        return InputError(f"{place} {failure}")


def _json(value: object, name: str) -> JsonValue:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal | uuid.UUID):
        return str(value)
    if isinstance(value, list | tuple):
        return [_json(each, name) for each in value]
    if isinstance(value, dict):
        return {str(key): _json(each, name) for key, each in value.items()}
    message = (
        f"{name}: a value of type {type(value).__name__} cannot stand in a case; leave the column out by `columns`"
    )
    raise ValueError(message)
