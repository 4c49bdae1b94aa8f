"""How many calls to a provider each worker may have under way, so that all together have no more than it allows.

Who is alone has all places, and others get theirs as soon as he has looked again and his calls have come back: places
in use cannot be taken away. Those who want more than there are share evenly. A worker that dies leaves its places as
its claims, when its beat has stood still (`Claims`), which compares no clocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from evalgate.store import dialect, schema
from evalgate.store.claims import Claims
from evalgate.store.store import Store

_P = schema.places.c


@dataclass(frozen=True, slots=True)
class Holding:
    """What one worker has of a provider's places, and how many it could use now."""

    worker: str
    wanted: int
    held: int


@dataclass(frozen=True, slots=True)
class Need:
    """What this worker wants of the `most` places of a provider.

    `busy` are those in which calls are under way, `held` those that it has so far, in use or not.
    """

    name: str
    most: int
    busy: int
    wanted: int
    held: int


@dataclass(frozen=True, slots=True)
class Places:
    """How many places this worker has from now on; `contested`: they are not its part yet, so it looks again soon."""

    held: int
    contested: bool


def allot(need: Need, worker: str, others: Sequence[Holding]) -> Places:
    """What of a provider's places is this worker's now."""
    unmet = any(other.wanted > other.held for other in others)
    free = need.most - sum(other.held for other in others)
    if not others:
        part = need.most
    elif unmet or free < need.wanted:
        part = share_out(need.most, {other.worker: other.wanted for other in others} | {worker: need.wanted})[worker]
    else:
        part = max(need.wanted, need.held)
    held = max(need.busy, min(part, free), 0)
    return Places(held, contested=held != part if others else held < need.most)


def share_out(most: int, wanted: dict[str, int]) -> dict[str, int]:
    """`most` among those who want some: as evenly as can be, and nobody gets more than it wants."""
    parts, left = {}, most
    for position, name in enumerate(sorted(wanted, key=lambda each: (wanted[each], each))):
        parts[name] = min(wanted[name], -(-left // (len(wanted) - position)))
        left -= parts[name]
    return parts


class PlacesLedger:
    """The places of one worker; `claims` are its own. They end with its claims (`Claims.leave`)."""

    def __init__(self, store: Store, claims: Claims) -> None:
        self._store, self._claims = store, claims

    def alone(self, names: Sequence[str]) -> bool:
        """Whether nobody else has any of these providers' places, or wants some; only reads."""
        others = sa.select(_P.worker).where(_P.name.in_(names), _P.worker != self._claims.worker).limit(1)
        return self._store.read(lambda connection: connection.scalar(others) is None)

    def settle(self, needs: Sequence[Need]) -> dict[str, Places]:
        """Say what is wanted; returns what this worker has now, by name."""

        def work(connection: sa.Connection) -> dict[str, Places]:
            self._claims.enter(connection)
            if dead := self._claims.dead(connection):
                connection.execute(schema.places.delete().where(_P.worker.in_(dead)))
            found: dict[str, Places] = {}
            for need in sorted(needs, key=lambda each: each.name):
                dialect.take_turn(connection, need.name)
                others = self._others(connection, need.name)
                places = found[need.name] = allot(need, self._claims.worker, others)
                row = {"name": need.name, "worker": self._claims.worker, "wanted": need.wanted, "held": places.held}
                mine = sa.and_(_P.name == need.name, _P.worker == self._claims.worker)
                connection.execute(schema.places.delete().where(mine))
                connection.execute(schema.places.insert(), row)
            return found

        return self._store.write_beside(work)

    def _others(self, connection: sa.Connection, name: str) -> list[Holding]:
        query = sa.select(_P.worker, _P.wanted, _P.held).where(_P.name == name, _P.worker != self._claims.worker)
        return [Holding(*row) for row in connection.execute(query)]
