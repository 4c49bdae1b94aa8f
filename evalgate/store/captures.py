"""Traffic that was captured with consent: kept until it became a case, was turned down, or is too old."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import orjson
import sqlalchemy as sa

from evalgate.exchange import JsonValue
from evalgate.store import dialect, schema
from evalgate.store.store import PICO, Store

MOST = 10_000  # captures that are looked at in one go


def new_capture_id() -> str:
    """An id that nobody else makes."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Captured:
    """A call and its answer, both redacted. `response`: the id that the client got; `shadow_of`: see `schema.captures`.

    `answer` is the whole response's JSON, assembled where it was streamed. `at` in seconds since the epoch.
    """

    capture: str
    response: str
    at: float
    caller: str
    operation: str
    model: str
    variant: str
    path: str
    body: Mapping[str, JsonValue]
    answer: JsonValue
    shadow_of: str | None = None
    correction: JsonValue = None


class Captures:
    """The captures of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, captured: Sequence[Captured]) -> None:
        """Keep captures; those that are there already are left alone."""
        rows = [
            {
                "capture": one.capture,
                "response": one.response[:200],
                "shadow_of": one.shadow_of,
                "at": one.at,
                "caller": one.caller,
                "operation": one.operation[:200],
                "model": one.model,
                "variant": one.variant,
                "path": one.path[:40],
                "body": orjson.dumps(one.body),
                "answer": orjson.dumps(one.answer),
                "correction": None if one.correction is None else orjson.dumps(one.correction),
                "decided_at": None,
            }
            for one in captured
        ]
        if rows:
            self._store.write(lambda connection: dialect.insert_unknown(connection, schema.captures, rows))

    def correct(self, response: str, caller: str, correction: JsonValue) -> bool:
        """Note what the answer with this response id should have been; False when that caller has no such capture."""
        c = schema.captures.c
        mine = sa.and_(c.response == response, c.caller == caller, c.shadow_of.is_(None))
        change = schema.captures.update().where(mine).values(correction=orjson.dumps(correction), decided_at=None)
        return bool(self._store.write(lambda connection: connection.execute(change).rowcount))

    def undecided(self, operation: str, *, limit: int = MOST) -> list[Captured]:
        """Calls of an operation that nobody has decided on, those with a correction first, then the oldest first."""
        c = schema.captures.c
        mine = sa.and_(c.operation == operation, c.decided_at.is_(None), c.shadow_of.is_(None))
        query = sa.select(schema.captures).where(mine).order_by(c.correction.is_(None), c.at, c.capture).limit(limit)
        return self._store.read(lambda connection: [_captured(row) for row in connection.execute(query).mappings()])

    def shadows(self, captures: Iterable[str]) -> dict[str, list[Captured]]:
        """What other variants answered to the same calls."""
        c, found = schema.captures.c, dict[str, list[Captured]]()
        query = sa.select(schema.captures).where(c.shadow_of.in_(list(captures))).order_by(c.at, c.capture)
        for row in self._store.read(lambda connection: connection.execute(query).mappings().all()):
            found.setdefault(str(row["shadow_of"]), []).append(_captured(row))
        return found

    def counts(self) -> list[tuple[str, int, int, int]]:
        """(operation, calls, of which corrected, of which nobody has decided on), by name."""
        c = schema.captures.c
        query = (
            sa.select(
                c.operation,
                sa.func.count(),
                sa.func.count(c.correction),
                sa.func.count() - sa.func.count(c.decided_at),
            )
            .where(c.shadow_of.is_(None))
            .group_by(c.operation)
            .order_by(c.operation)
        )
        return self._store.read(lambda connection: [tuple(row) for row in connection.execute(query)])

    def decide(self, captures: Sequence[str], at: float) -> None:
        """Note that these became cases, or were turned down."""
        change = schema.captures.update().where(schema.captures.c.capture.in_(captures)).values(decided_at=at)
        if captures:
            self._store.write(lambda connection: connection.execute(change))

    def forget(self, before: float) -> int:
        """Delete what was captured before; returns how many."""
        old = schema.captures.delete().where(schema.captures.c.at < before)
        return int(self._store.write(lambda connection: connection.execute(old).rowcount))

    def spend(self, day: str, dollars: Decimal, budget: Decimal) -> bool:
        """Take from the day's budget for shadow traffic, which all processes share; False when it is not enough."""
        s, cost = schema.shadow_spending.c, int(dollars * PICO)

        def work(connection: sa.Connection) -> bool:
            dialect.insert_unknown(connection, schema.shadow_spending, [{"day": day, "picodollars": 0}])
            spent = int(connection.scalar(sa.select(s.picodollars).where(s.day == day)) or 0)
            if spent + cost > int(budget * PICO):
                return False
            taken = schema.shadow_spending.update().where(s.day == day).values(picodollars=s.picodollars + cost)
            connection.execute(taken)
            return True

        return self._store.write(work)


def _captured(row: sa.RowMapping) -> Captured:
    return Captured(
        capture=row["capture"],
        response=row["response"],
        at=row["at"],
        caller=row["caller"],
        operation=row["operation"],
        model=row["model"],
        variant=row["variant"],
        path=row["path"],
        body=orjson.loads(row["body"]),
        answer=orjson.loads(row["answer"]),
        shadow_of=row["shadow_of"],
        correction=None if row["correction"] is None else orjson.loads(row["correction"]),
    )
