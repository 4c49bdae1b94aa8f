"""Writes all answers of a store to one file that other programs read: JSON Lines or Parquet, one row for each answer.

Both have the same columns. An amount is exact in both: decimal text in JSON, whose numbers most readers take for
floats, and a decimal with twelve places in Parquet. The store is read page by page and at one moment, so that the file
is of one piece, and a store of any size needs little memory.
"""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import orjson
import sqlalchemy as sa

from evalgate.errors import InputError
from evalgate.store import schema
from evalgate.store.pages import Scores, dollars, pages
from evalgate.store.store import Store

if TYPE_CHECKING:
    from pyarrow import Schema  # type: ignore[import-untyped]  # it has no types

Format = Literal["jsonl", "jsonl.gz", "parquet"]
Row = dict[str, object]
Writer = Callable[[Sequence[Row]], None]
BODY = ("text", "error", "details")  # what was said, as opposed to what it took
_ROWS = 5_000  # in a row group of Parquet: enough for its compression …
_CHARACTERS = 64_000_000  # … and little enough for the memory, however long the texts are


def export(store: Store, file: BinaryIO, form: Format, *, variant: str | None = None, text: bool = True) -> int:
    """Write the answers (of one variant) to `file`, in the order of their keys; returns how many they are.

    Without `text` the columns `BODY` are left out. Raises `InputError` when Parquet cannot be written for want of
    pyarrow, before anything is written.
    """
    count = 0
    with _WRITERS[form](file, text) as write:
        for rows in _rows(store, variant, text):
            write(rows)
            count += len(rows)
    return count


def variants(store: Store) -> set[str]:
    """Every variant of which the store has an answer."""
    with store.snapshot() as connection:
        return set(connection.scalars(sa.select(schema.answers.c.variant).distinct()))


def require_parquet(*, instead: str = ".jsonl") -> None:
    """Raise `InputError` unless Parquet can be written; `instead`: what to write without it."""
    try:
        import pyarrow.parquet  # type: ignore[import-untyped]  # noqa: F401
    except ImportError:
        advice = f"pip install 'evalgate-harness[parquet]', or write {instead}"
        raise InputError(f"Parquet needs pyarrow, which is not installed: {advice}") from None


def _rows(store: Store, variant: str | None, text: bool) -> Iterator[list[Row]]:
    answers, bodies = schema.answers, schema.bodies
    query = sa.select(answers)
    if text:
        query = query.add_columns(bodies.c.body).join(bodies, answers.c.key == bodies.c.key)
    conditions = [] if variant is None else [answers.c.variant == variant]
    with store.snapshot() as connection:
        for page, scores in pages(connection, query, *conditions):
            yield [_row(row, scores[row.key], text) for row in page]


def _row(row: sa.Row[Any], scores: Scores, text: bool) -> Row:
    facts: Row = {
        "key": row.key,
        "request": row.request,
        "config": row.config,
        "repeat": row.repeat,
        "variant": row.variant,
        "answered_at": datetime.fromtimestamp(row.answered_at, UTC),
        "finish_reason": row.finish_reason,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "latency_ms": row.latency_ms,
        "cost_usd": dollars(row.picodollars),
    }
    if text:
        body = orjson.loads(row.body)
        facts |= {"text": body["text"], "error": body.get("error"), "details": body.get("details", {})}
    listed = [{"grading": grading, "metric": metric, "score": score} for (grading, metric), score in scores.items()]
    return facts | {"scores": listed}


@contextlib.contextmanager
def _json_lines(file: BinaryIO, text: bool) -> Iterator[Writer]:
    del text

    def write(rows: Sequence[Row]) -> None:
        option = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
        file.write(b"".join(orjson.dumps(row, default=_plain, option=option) for row in rows))

    yield write


@contextlib.contextmanager
def _json_lines_gz(file: BinaryIO, text: bool) -> Iterator[Writer]:
    with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed, _json_lines(packed, text) as write:  # type: ignore[arg-type]  # a binary file but by its type
        yield write


@contextlib.contextmanager
def _parquet(file: BinaryIO, text: bool) -> Iterator[Writer]:
    require_parquet()
    from pyarrow import RecordBatch
    from pyarrow.parquet import ParquetWriter

    columns, waiting = _columns(text), list[Row]()
    with ParquetWriter(file, columns, compression="zstd") as writer:

        def flush() -> None:
            if waiting:
                writer.write_batch(RecordBatch.from_pylist(waiting, schema=columns))
                waiting.clear()

        def write(rows: Sequence[Row]) -> None:
            waiting.extend(row | {"details": _json(row["details"])} if text else row for row in rows)
            if len(waiting) >= _ROWS or sum(len(str(row.get("text", ""))) for row in waiting) >= _CHARACTERS:
                flush()

        yield write
        flush()


def _columns(text: bool) -> Schema:
    import pyarrow as pa

    string, integer, number = pa.string(), pa.int64(), pa.float64()
    score = pa.struct([("grading", string), ("metric", string), ("score", number)])
    return pa.schema(
        [
            ("key", string),
            ("request", string),
            ("config", string),
            ("repeat", integer),
            ("variant", string),
            ("answered_at", pa.timestamp("us", tz="UTC")),
            ("finish_reason", string),
            ("input_tokens", integer),
            ("output_tokens", integer),
            ("latency_ms", number),
            ("cost_usd", pa.decimal128(38, 12)),
            *((name, string) for name in BODY if text),
            ("scores", pa.list_(score)),
        ]
    )


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _plain(value: object) -> str:
    if not isinstance(value, Decimal):
        raise TypeError
    return f"{value:f}"


_WRITERS: dict[Format, Callable[[BinaryIO, bool], AbstractContextManager[Writer]]] = {
    "jsonl": _json_lines,
    "jsonl.gz": _json_lines_gz,
    "parquet": _parquet,
}
