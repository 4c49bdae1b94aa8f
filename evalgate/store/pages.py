"""Goes through a store of any size with little memory: some answers at a time, in the order of their keys.

One statement for all of them, of which the database keeps the place (in PostgreSQL a cursor of the server): to look for
the next page by its first key costs PostgreSQL ten times as much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from evalgate.store import dialect, schema

PAGE = 500  # answers; also keys in one statement: SQLite binds 999 variables at the least
Scores = dict[tuple[str, str], float]  # of one answer, by grading and metric


def pages(
    connection: sa.Connection, query: sa.Select[Any], *conditions: sa.ColumnElement[bool]
) -> Iterator[tuple[Sequence[sa.Row[Any]], dict[str, Scores]]]:
    """The answers that a query finds under conditions of theirs, `PAGE` at a time, each time with all their scores.

    The answers' key must be among its columns.
    """
    a, s = schema.answers.c, schema.scores.c
    scored = sa.select(s.key, s.grading, s.metric, s.score)
    if conditions:
        scored = scored.join(schema.answers, a.key == s.key).where(*conditions)
    scores = (score for some in _streamed(connection, scored, s.key, s.grading, s.metric) for score in some)
    waiting = next(scores, None)
    for page in _streamed(connection, query.where(*conditions), a.key):
        found: dict[str, Scores] = {row.key: {} for row in page}
        while waiting is not None and waiting.key <= page[-1].key:  # hex digits have one order, in every language
            if waiting.key in found:  # or it is of no answer
                found[waiting.key][waiting.grading, waiting.metric] = waiting.score
            waiting = next(scores, None)
        yield page, found


def _streamed(connection: sa.Connection, query: sa.Select[Any], *order: sa.Column[Any]) -> Iterator[Any]:
    return connection.execute(query.order_by(*order).execution_options(yield_per=PAGE)).partitions()


def scores_of(connection: sa.Connection, keys: Sequence[str]) -> dict[str, Scores]:
    """All scores of some answers (at most `PAGE`); answers without any are absent."""
    s = schema.scores.c
    query = sa.select(s.key, s.grading, s.metric, s.score).where(dialect.among(connection, s.key, keys))
    query = query.order_by(s.key, s.grading, s.metric)
    found: dict[str, Scores] = {}
    for key, grading, metric, score in connection.execute(query):
        found.setdefault(key, {})[grading, metric] = score
    return found


def forget(connection: sa.Connection, keys: Sequence[str]) -> None:
    """Delete some answers (at most `PAGE`) with their bodies and scores."""
    for table in (schema.answers, schema.bodies, schema.scores):
        connection.execute(table.delete().where(dialect.among(connection, table.c.key, keys)))


def dollars(picodollars: int | Decimal | None) -> Decimal:
    """The exact USD of what the store counts in millionths of a millionth; PostgreSQL's sums are decimals."""
    return Decimal(int(picodollars or 0)).scaleb(-12)
