"""The memory of attempts: what was certified before, with what result, and in which order cases were asked.

What is kept here is small and is never tidied up: whoever forgets an attempt gives the next one a fresh alpha.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
import sqlalchemy as sa

from evalgate.exchange import JsonValue
from evalgate.store import dialect, schema
from evalgate.store.store import Store


class Attempts:
    """The attempts that one store remembers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, operation: str, baseline: str) -> list[dict[str, JsonValue]]:
        """The attempts on an operation against the baseline of this configuration, the oldest first."""
        a = schema.attempts.c
        query = sa.select(a.attempt).where(a.operation == operation, a.baseline == baseline).order_by(a.at, a.key)
        return self._store.read(lambda connection: [orjson.loads(one) for one in connection.scalars(query)])

    def remember(
        self, operation: str, baseline: str, attempts: Sequence[tuple[str, float, Mapping[str, JsonValue]]]
    ) -> None:
        """Remember attempts as (key, time, content); one with a known key takes its place."""
        rows = [
            {"key": key, "operation": operation, "baseline": baseline, "at": at, "attempt": orjson.dumps(content)}
            for key, at, content in attempts
        ]

        def work(connection: sa.Connection) -> None:
            known = schema.attempts.delete().where(
                schema.attempts.c.operation == operation,
                schema.attempts.c.baseline == baseline,
                schema.attempts.c.key.in_([row["key"] for row in rows]),
            )
            connection.execute(known)
            dialect.insert_unknown(connection, schema.attempts, rows)

        if rows:
            self._store.write(work)

    def order(self, operation: str, seed: int) -> bytes:
        """The order in which the operation's cases were asked under `seed`, as it was kept; empty when it never was."""
        o = schema.orders.c
        query = sa.select(o.cases).where(o.operation == operation, o.seed == str(seed))
        return bytes(self._store.read(lambda connection: connection.scalar(query)) or b"")

    def keep_order(self, operation: str, seed: int, cases: bytes) -> None:
        """Remember the order in which the operation's cases are asked."""
        o = schema.orders.c

        def work(connection: sa.Connection) -> None:
            connection.execute(schema.orders.delete().where(o.operation == operation, o.seed == str(seed)))
            row = {"operation": operation, "seed": str(seed), "cases": cases}
            dialect.insert_unknown(connection, schema.orders, [row])

        if cases != self.order(operation, seed):
            self._store.write(work)
