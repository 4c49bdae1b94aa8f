"""What watching remembers. One transaction holds a whole step: the detectors' new state, and what happened.

So whoever is killed has either not looked at a day's answers yet, or knows what came of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa

from evalgate.exchange import JsonValue
from evalgate.store import dialect, schema
from evalgate.store.leases import Lease
from evalgate.store.store import Store

T = TypeVar("T")
Content = Mapping[str, JsonValue]
_R, _E, _W = schema.rounds.c, schema.events.c, schema.watched.c


@dataclass(frozen=True, slots=True)
class Round:
    """A day's draw of one operation: `number` counts up from 1, `day` is the period by the clock at that time."""

    operation: str
    number: int
    day: int
    begun: float
    closed: bool
    draw: Content


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a variant, with its evidence; `at` in seconds since the epoch."""

    at: float
    operation: str
    variant: str
    config: str
    kind: str
    content: Content

    @property
    def key(self) -> str:
        """The same for the same event: after a server's restart it may be written twice."""
        told = [self.at, self.operation, self.variant, self.config, self.kind, self.content]
        return hashlib.sha256(orjson.dumps(told)).hexdigest()[:32]

    def row(self) -> dict[str, object]:
        """As the table has it."""
        named = {name: getattr(self, name) for name in ("at", "operation", "variant", "config", "kind", "key")}
        return named | {"event": orjson.dumps(self.content)}


class Watching:
    """What one store remembers of watching."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def watched(self, operation: str | None = None) -> dict[tuple[str, str], Content]:
        """What is kept of each variant that is or was watched, by operation and configuration."""
        query = sa.select(schema.watched)
        if operation is not None:
            query = query.where(_W.operation == operation)

        def work(connection: sa.Connection) -> dict[tuple[str, str], Content]:
            return {(row.operation, row.config): orjson.loads(row.content) for row in connection.execute(query)}

        return self._read(work, {})

    def last_round(self, operation: str) -> Round | None:
        """The newest round, by its number."""
        query = sa.select(schema.rounds).where(_R.operation == operation).order_by(_R.round.desc()).limit(1)
        return self._read(lambda connection: _round(connection.execute(query).one_or_none()), None)

    def has_day(self, operation: str, day: int) -> bool:
        """Whether some round was asked in this period."""
        query = sa.select(_R.round).where(_R.operation == operation, _R.day == day).limit(1)
        return self._read(lambda connection: connection.scalar(query), None) is not None

    def begin(self, lease: Lease, round: Round) -> None:
        """Keep a round before anything is asked for it; one that is open already is asked on in another period."""
        row = {"operation": round.operation, "round": round.number, "begun": round.begun, "closed": 0}
        row |= {"day": round.day, "draw": orjson.dumps(round.draw)}

        def work(connection: sa.Connection) -> None:
            lease.require(connection)
            this = sa.and_(_R.operation == round.operation, _R.round == round.number)
            connection.execute(schema.rounds.update().where(this).values(day=round.day))
            dialect.insert_unknown(connection, schema.rounds, [row])

        self._store.write(work)

    def record(
        self,
        lease: Lease,
        *,
        watched: Mapping[tuple[str, str], Content] = {},
        events: Sequence[Event] = (),
        close: Round | None = None,
    ) -> None:
        """Keep what came of a step, all of it or nothing. Raises `InfrastructureError` when the lease is lost."""

        def work(connection: sa.Connection) -> None:
            lease.require(connection)
            for (operation, config), content in watched.items():
                connection.execute(schema.watched.delete().where(_W.operation == operation, _W.config == config))
                kept = {"operation": operation, "config": config, "content": orjson.dumps(content)}
                connection.execute(schema.watched.insert(), kept)
            for event in events:
                known = sa.select(_E.number).where(_E.key == event.key)
                if connection.scalar(known) is None:
                    connection.execute(schema.events.insert(), event.row())
            if close is not None:
                this = sa.and_(_R.operation == close.operation, _R.round == close.number)
                connection.execute(schema.rounds.update().where(this).values(closed=1))

        self._store.write(work)

    def events(self, operation: str | None = None) -> list[Event]:
        """What happened, in its order."""
        query = sa.select(schema.events).order_by(_E.number)
        if operation is not None:
            query = query.where(_E.operation == operation)

        def work(connection: sa.Connection) -> list[Event]:
            return [_event(row) for row in connection.execute(query)]

        return self._read(work, [])

    def last_event(self, operation: str, variant: str) -> Event | None:
        """The newest thing that happened to a variant."""
        query = sa.select(schema.events).where(_E.operation == operation, _E.variant == variant)
        query = query.order_by(_E.number.desc()).limit(1)

        def work(connection: sa.Connection) -> Event | None:
            row = connection.execute(query).one_or_none()
            return None if row is None else _event(row)

        return self._read(work, None)

    def _read(self, work: Callable[[sa.Connection], T], nothing: T) -> T:
        """`nothing` where an older evalgate wrote the store, which is only looked at and not brought up to date."""

        def look(connection: sa.Connection) -> T:
            return work(connection) if sa.inspect(connection).has_table(schema.watched.name) else nothing

        return self._store.read(look)


def _event(row: sa.Row[Any]) -> Event:
    return Event(row.at, row.operation, row.variant, row.config, row.kind, orjson.loads(row.event))


def _round(row: sa.Row[Any] | None) -> Round | None:
    if row is None:
        return None
    number, draw = row._mapping["round"], orjson.loads(row._mapping["draw"])
    named = {name: row._mapping[name] for name in ("operation", "day", "begun")}
    return Round(number=number, closed=bool(row._mapping["closed"]), draw=draw, **named)
