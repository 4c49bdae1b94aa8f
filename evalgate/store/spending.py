"""What virtual keys used and spent, as processes tell each other, and as it stays in the books."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from evalgate.store import schema
from evalgate.store.numbered import latest, newer, replace
from evalgate.store.store import Store

MINUTE, DAY = 60, 86_400  # spans, in seconds: minutes are kept for a while, for limits of rate, and days for good
_S = schema.spending.c
_NAMES = ("name", "span", "start", "worker", "requests", "tokens", "picodollars")


@dataclass(frozen=True, slots=True)
class Spent:
    """All that one process has booked of a key in one span so far; `span` in seconds, `start` since 1970, in UTC."""

    name: str
    span: int
    start: int
    worker: str
    requests: int
    tokens: int
    picodollars: int


class Spending:
    """The rows of this process (`worker`), and those of all others."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.worker = secrets.token_hex(16)
        self._seen = 0

    def put(self, rows: Sequence[Spent]) -> None:
        """Write rows of ours in place of what they said before; when this returns, they survive a crash."""
        if rows:
            given = [{name: getattr(row, name) for name in _NAMES} for row in rows]
            self._store.write(lambda connection: replace(connection, schema.spending, given))

    def news(self, since: int) -> list[Spent]:
        """Others' rows that were written since the last look; the first look is at all that still limits a key.

        That is what began at `since` (seconds since 1970) or later, and whatever is of keys with a limit in total.
        """
        keys = schema.virtual_keys.c
        in_total = sa.select(keys.name).where(keys.period == "total")
        wanted = (_S.worker != self.worker, (_S.start >= since) | _S.name.in_(in_total))
        last, rows = self._store.read(lambda each: newer(each, schema.spending, self._seen, *wanted))
        self._seen = last
        return [Spent(*(getattr(row, name) for name in _NAMES)) for row in rows]

    def forget_minutes(self, before: int) -> None:
        """Delete what minutes used that began before so many seconds since 1970; days stay."""

        def work(connection: sa.Connection) -> None:
            old = sa.and_(_S.span == MINUTE, _S.start < before, _S.seq < latest(connection, schema.spending))
            connection.execute(schema.spending.delete().where(old))

        self._store.write(work)

    def by_day(self, name: str | None = None) -> list[Spent]:
        """What each key used each day, over all processes; of all keys, or of one. By name, then by day."""
        sums = (sa.func.sum(_S[each]).label(each) for each in ("requests", "tokens", "picodollars"))
        query = sa.select(_S.name, _S.start, *sums).where(_S.span == DAY)
        query = query.group_by(_S.name, _S.start).order_by(_S.name, _S.start)
        if name is not None:
            query = query.where(_S.name == name)

        def work(connection: sa.Connection) -> list[Spent]:
            if not sa.inspect(connection).has_table(schema.spending.name):  # an older store
                return []
            return [
                Spent(row.name, DAY, row.start, "", int(row.requests), int(row.tokens), int(row.picodollars))
                for row in connection.execute(query)
            ]

        return self._store.read(work)
