"""What was concluded and what it cost, to look at later: runs by their names, and the costs of some answers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import orjson
import sqlalchemy as sa

from evalgate.exchange import JsonValue
from evalgate.store import dialect, schema
from evalgate.store.pages import dollars
from evalgate.store.store import LOOKUP, Store, batches


def run_names(store: Store) -> list[str]:
    """The runs in the store, newest first; none of what they concluded is read."""
    query = sa.select(schema.runs.c.run).order_by(schema.runs.c.at.desc(), schema.runs.c.run.desc())
    return store.read(lambda connection: list(connection.scalars(query)))


def board_of(store: Store, run: str) -> dict[str, JsonValue]:
    """The board of one of `run_names`; raises `KeyError` for another name."""
    query = sa.select(schema.runs.c.board).where(schema.runs.c.run == run)

    def work(connection: sa.Connection) -> bytes | None:
        return connection.scalar(query)

    board = store.read(work)
    if board is None:
        raise KeyError(run)
    found: dict[str, JsonValue] = orjson.loads(board)
    return found


def costs_of(store: Store, keys: Sequence[str]) -> dict[str, Decimal]:
    """What each of these answers cost, in USD, by key; those that are not there are absent."""
    a = schema.answers.c
    query = sa.select(a.key, a.picodollars)

    def work(connection: sa.Connection) -> dict[str, Decimal]:
        wanted = query.where(dialect.among(connection, a.key))
        found = (connection.execute(wanted, {"keys": some}).all() for some in batches(keys, LOOKUP))
        return {key: dollars(picodollars) for rows in found for key, picodollars in rows}

    return store.read(work)
