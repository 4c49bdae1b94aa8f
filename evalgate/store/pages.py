"""Goes through a store of any size with little memory: some answers at a time, in the order of their keys.

Each page begins after the last key of the one before, so that it costs the same wherever it is, and keys that come and
go meanwhile move nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from evalgate.store import schema

PAGE = 500  # answers; also keys in one statement: SQLite binds 999 variables at the least
Scores = dict[tuple[str, str], float]  # of one answer, by grading and metric


def pages(connection: sa.Connection, query: sa.Select[Any], size: int = PAGE) -> Iterator[Sequence[sa.Row[Any]]]:
    """The rows of a query over the answers, `size` at a time; the answers' key must be among its columns."""
    last, key = "", schema.answers.c.key
    while rows := connection.execute(query.where(key > last).order_by(key).limit(size)).all():
        yield rows
        last = rows[-1].key


def scores_of(connection: sa.Connection, keys: Sequence[str]) -> dict[str, Scores]:
    """All scores of some answers (at most `PAGE`); answers without any are absent."""
    s = schema.scores.c
    query = sa.select(s.key, s.grading, s.metric, s.score).where(s.key.in_(keys)).order_by(s.key, s.grading, s.metric)
    found: dict[str, Scores] = {}
    for key, grading, metric, score in connection.execute(query):
        found.setdefault(key, {})[grading, metric] = score
    return found


def forget(connection: sa.Connection, keys: Sequence[str]) -> None:
    """Delete some answers (at most `PAGE`) with their bodies and scores."""
    for table in (schema.answers, schema.bodies, schema.scores):
        connection.execute(table.delete().where(table.c.key.in_(keys)))


def dollars(picodollars: int | Decimal | None) -> Decimal:
    """The exact USD of what the store counts in millionths of a millionth; PostgreSQL's sums are decimals."""
    return Decimal(int(picodollars or 0)).scaleb(-12)
