"""The grader for SQL: is what a query finds what the right query finds?

Answers are hostile, so they run in SQLite in memory, on a database that is made anew for each: an authorizer lets them
read and nothing else (no files, no other databases, no extensions, no settings, nothing random), and a query ends after
so many steps of SQLite's machine, so that the same one always ends at the same place. Texts are short, and memory and
time are looked at as well: a single step may take long.
"""

from __future__ import annotations

import functools
import math
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from evalgate.exchange import Answer, JsonValue
from evalgate.graders import ideal
from evalgate.graders.registry import grader
from evalgate.graders.same import Tolerance
from evalgate.graders.tools.matching import most_pairs
from evalgate.graders.transform import extract_code

MAX_QUERY = 50_000  # characters
MAX_ROWS = 10_000  # of a result
MAX_VALUE = 10_000  # bytes of a text while a query runs; longer ones in the database can be compared, not built
MAX_STEPS = 20_000_000  # of SQLite's machine; some seconds
SECONDS = 10.0  # of processor time
MEMORY = 256 << 20  # bytes that the process may grow by
_LOOK = 10_000  # steps between two looks
_MATCHED = 500  # rows that are held each against each, where tolerances leave more than one way
_TOO_WIDE = re.compile(r"\*|\d{4}")  # in what printf is told
_KEYS = {"setup", "query", "rows"}
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
_FORBIDDEN = {"random", "randomblob", "load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"}

Value = None | int | float | str | bytes
Row = tuple[Value, ...]


class _Refused(Exception):
    """A query that cannot be run, or not to its end."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A target: the database, and the rows that are to be found."""

    setup: str
    rows: tuple[Row, ...]


@functools.lru_cache(maxsize=64)
def _database(setup: str) -> bytes:
    """The database that `setup` makes, as bytes; raises `sqlite3.Error`. Not even a suite may attach files."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.executescript(setup)
        connection.commit()
        return connection.serialize()
    finally:
        connection.close()


def found_by(query: str, setup: str) -> list[Row]:
    """The rows that `query` finds; raises `_Refused` when it reads anything but the database, or takes too much."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(_database(setup))
        connection.execute("PRAGMA temp_store = MEMORY")  # nothing of an answer reaches the disk
        for limit, most in (
            (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
            (sqlite3.SQLITE_LIMIT_LENGTH, max(MAX_VALUE, 2 * len(query.encode(errors="replace")))),
            (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 200),
            (sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 100),
            (sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
            (sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0),
        ):
            connection.setlimit(limit, most)
        for name in ("printf", "format"):
            connection.create_function(name, -1, _printf, deterministic=True)
        connection.set_authorizer(_authorise)
        connection.set_progress_handler(_watch(), _LOOK)
        cursor = connection.execute(query)
        if cursor.description is None:
            raise _Refused("no query")
        rows: list[Row] = cursor.fetchmany(MAX_ROWS + 1)
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError, MemoryError) as failure:
        raise _Refused(str(failure)) from None
    finally:
        connection.close()
    if len(rows) > MAX_ROWS:
        raise _Refused(f"more than {MAX_ROWS} rows")
    return rows


def _authorise(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
    del first, database, trigger
    allowed = action in _READING or (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _FORBIDDEN)
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _printf(form: Value = None, *values: Value) -> Value:
    """SQLite's own, but for widths beyond all measure: it would count to a billion in one step."""
    if _TOO_WIDE.search(str(form)):
        raise ValueError("too wide")
    plain = sqlite3.connect(":memory:")
    try:
        found: Value = plain.execute(
            f"SELECT printf({', '.join('?' * (1 + len(values)))})", (form, *values)
        ).fetchone()[0]
        return found
    finally:
        plain.close()


class _watch:  # noqa: N801  # it is called as a function
    """Stops a query that has had its steps, its time or its memory."""

    def __init__(self) -> None:
        self._looks, self._began, self._memory = 0, time.thread_time(), _resident()

    def __call__(self) -> int:
        self._looks += 1
        late = time.thread_time() - self._began > SECONDS
        return int(self._looks * _LOOK > MAX_STEPS or late or _resident() - self._memory > MEMORY)


def _resident() -> int:
    """Bytes of memory of this process, where the system says."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    except (OSError, ValueError, IndexError):
        return 0


@functools.lru_cache(maxsize=4096)
def _found(query: str, setup: str) -> tuple[Row, ...]:
    return tuple(found_by(query, setup))


def _wanted(expected: JsonValue, setup: str | None) -> Wanted:
    """Raises `ValueError` for what is no target."""
    if isinstance(expected, str):
        expected = {"query": expected}
    if not isinstance(expected, dict) or not expected.keys() <= _KEYS or ("query" in expected) == ("rows" in expected):
        raise ValueError("a query, or an object with setup and either query or rows")
    made = expected.get("setup", setup)
    if not isinstance(made, str) or not made.strip():
        raise ValueError("a 'setup' (SQL that makes the tables), in the assertion or beside the query")
    try:
        _database(made)
        if "rows" in expected:
            return Wanted(made, _as_rows(expected["rows"]))
        query = expected["query"]
        rows = _found(query, made) if isinstance(query, str) else ()
    except sqlite3.Error as failure:
        raise ValueError(f"a setup that SQLite can run ({failure})") from None
    except _Refused as failure:
        raise ValueError(f"a query that SQLite can run ({failure})") from None
    if not rows:
        raise ValueError(
            "a query that finds something: many wrong ones find nothing, too (`rows: []` where that is right)"
        )
    return Wanted(made, rows)


def _as_rows(rows: JsonValue) -> tuple[Row, ...]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise ValueError("rows as lists of values")
    kept: list[Row] = []
    for row in rows:
        values = row if isinstance(row, list) else []
        if any(isinstance(value, list | dict) for value in values):
            raise ValueError("rows as lists of texts, numbers and nulls")
        kept.append(tuple(_plain(value) for value in values))
    return tuple(kept)


def _plain(value: JsonValue) -> Value:
    if isinstance(value, int):  # SQLite has no truth values; and numbers of a suite keep their text
        return int(value)
    return float(value) if isinstance(value, float) else value if isinstance(value, str) else None


def _a_query(expected: JsonValue, *, setup: str | None = None) -> str | None:
    if expected is None:
        return "there is no target (and no value in the assertion)"
    try:
        _wanted(expected, setup)
    except ValueError as failure:
        return f"expected {failure} as target"
    return None


def _right_query(expected: JsonValue) -> Answer | None:
    query = expected.get("query") if isinstance(expected, dict) else expected
    return ideal.a_text(query) if isinstance(query, str) else None


@grader("sql", expects=_a_query, slow=True, ideal=_right_query, cpus=1.0)
def sql(
    text: str,
    expected: JsonValue,
    *,
    setup: Annotated[str, Field(max_length=10_000_000)] | None = None,
    order: Literal["any", "given"] = "any",
    tolerance: Tolerance = 1e-9,
    extract: Literal["fence", "whole"] = "fence",
) -> float:
    """1 when the answer is a query for SQLite that finds what the target finds; else 0.

    The query is what the last code fence holds, or the whole answer (`extract: whole`: always). The target is the right
    query, or `{setup, query}`, or `{setup, rows}`; `setup` makes the tables, and may stand in the assertion for all
    cases. Rows are compared in any order unless `order: given`, columns in theirs and whatever their names, numbers by
    value (floats within `tolerance`, absolute or relative), texts exactly; 5 and '5' are two, and so are null and ''.
    One statement that only reads; no random numbers; 10,000 rows and 20 million steps at most.
    """
    query = extract_code(text) if extract == "fence" else text
    if len(query) > MAX_QUERY:
        return 0.0
    wanted = _wanted(expected, setup)
    try:
        rows = found_by(query, wanted.setup)
    except _Refused:
        return 0.0
    return float(_are_same(wanted.rows, rows, tolerance, ordered=order == "given"))


def _are_same(wanted: Sequence[Row], found: Sequence[Row], tolerance: float, *, ordered: bool) -> bool:
    if len(wanted) != len(found):
        return False
    if ordered:
        return all(_is_near(one, other, tolerance) for one, other in zip(wanted, found, strict=True))
    if Counter(wanted) == Counter(found):  # 2 and 2.0 are one key
        return True
    left, other = Counter(wanted), Counter(found)
    ours, theirs = list((left - other).elements()), list((other - left).elements())
    if len(ours) > _MATCHED:
        return all(_is_near(a, b, tolerance) for a, b in zip(*map(_sorted, (ours, theirs)), strict=True))
    fits = [[at for at, row in enumerate(theirs) if _is_near(one, row, tolerance)] for one in ours]
    return all(fits) and len(most_pairs(fits)) == len(ours)


def _sorted(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: [(type(value) is str, str(type(value)), str(value)) for value in row])


def _is_near(one: Row, other: Row, tolerance: float) -> bool:
    return len(one) == len(other) and all(_same(a, b, tolerance) for a, b in zip(one, other, strict=True))


def _same(one: Value, other: Value, tolerance: float) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        numbers = isinstance(one, int | float) and isinstance(other, int | float)
        return numbers and math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)  # type: ignore[arg-type]  # both are numbers
    return type(one) is type(other) and one == other
