"""A budget that several processes spend together: each leases a part of what is left, and settles what it spent.

It is the budget of whoever works under its name at the same time. As long as one of them lives, what others spent stays
spent, and what a dead one had leased counts as spent too: nobody can tell what it did with it. When nobody lives any
more, the next one begins with all of it, as a run that is repeated does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from evalgate.store import dialect, schema
from evalgate.store.claims import Claims
from evalgate.store.store import Store

_P = schema.purses.c


@dataclass(frozen=True, slots=True)
class Purse:
    """What one worker may spend, and has spent: calls, and picodollars."""

    calls_leased: int = 0
    calls: int = 0
    picodollars_leased: int = 0
    picodollars: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """The whole budget, None where there is no limit; and how much of each is wanted beyond what was spent.

    No `wanted_calls`: nothing is, and all that was leased is given back.
    """

    calls: int | None
    picodollars: int | None
    wanted_calls: int
    wanted_picodollars: int


@dataclass(frozen=True, slots=True)
class Lent:
    """What may be spent from now on, in all; `spent`: everything is spent by somebody, and nothing more will be."""

    purse: Purse
    spent: bool


def lend(terms: Terms, mine: Purse, others: Sequence[Purse]) -> Lent:
    """Take what is wanted of what nobody has leased or spent; of dollars at least an eighth of what is left."""
    calls = dollars = 0
    spent = False
    if terms.calls is not None:
        free = terms.calls - mine.calls - sum(max(other.calls, other.calls_leased) for other in others)
        calls = mine.calls + max(0, min(free, terms.wanted_calls))
        spent = mine.calls + sum(other.calls for other in others) >= terms.calls
    if terms.picodollars is not None:
        leased = sum(max(other.picodollars, other.picodollars_leased) for other in others)
        free = terms.picodollars - mine.picodollars - leased
        wanted = max(terms.wanted_picodollars, free // 8, 1) if terms.wanted_calls else 0
        dollars = mine.picodollars + max(0, min(free, wanted))
        spent = spent or mine.picodollars + sum(other.picodollars for other in others) >= terms.picodollars
    return Lent(Purse(calls, mine.calls, dollars, mine.picodollars), spent)


class PursesLedger:
    """The purses of one worker; `claims` are its own."""

    def __init__(self, store: Store, claims: Claims) -> None:
        self._store, self._claims = store, claims

    def settle(self, name: str, terms: Terms, mine: Purse) -> Lent:
        """Say what was spent, and lease anew what is wanted of the budget `name`."""

        def work(connection: sa.Connection) -> Lent:
            self._claims.enter(connection)
            dialect.take_turn(connection, f"purse {name}")
            alive = set(connection.scalars(sa.select(schema.workers.c.worker))) - set(self._claims.dead(connection))
            rows = connection.execute(sa.select(schema.purses).where(_P.name == name)).all()
            if not any(row.worker in alive for row in rows):
                connection.execute(schema.purses.delete().where(_P.name == name))
                rows = []
            others = [
                Purse(row.calls_leased, row.calls, row.picodollars_leased, row.picodollars)
                if row.worker in alive
                else Purse(0, max(row.calls, row.calls_leased), 0, max(row.picodollars, row.picodollars_leased))
                for row in rows
                if row.worker != self._claims.worker
            ]
            lent = lend(terms, mine, others)
            row = {"calls_leased": lent.purse.calls_leased, "calls": mine.calls}
            row |= {"picodollars_leased": lent.purse.picodollars_leased, "picodollars": mine.picodollars}
            owner = {"name": name, "worker": self._claims.worker}
            connection.execute(schema.purses.delete().where(_P.name == name, _P.worker == self._claims.worker))
            connection.execute(schema.purses.insert(), owner | row)
            return lent

        return self._store.write_beside(work)
