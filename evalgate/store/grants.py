"""Limits per minute that all processes on a store keep together, exactly: leased in small amounts, settled by use.

A worker takes some of what is free, to use it at once or within the next moments. From then on it counts as used, until
the last moment at which it can have been used has left the window. At its next visit the worker says what it used and
how long ago, and what is left over is free again. So whoever dies gives back by time what it held. Nobody's clock is
compared with another's: `until` is of the store's clock, and a worker counts its seconds from before it asked.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from evalgate.store import dialect, schema
from evalgate.store.store import Store

_G = schema.grants.c
_ROUNDING = 1e-9  # of a limit: tokens are estimated, and sums of floats are not exact


@dataclass(frozen=True, slots=True)
class Wish:
    """What a worker would like to use of a limit: `most` in any `window` seconds, by all.

    Less than `needed` is of no use to it; `wanted` covers whoever waits, and the next moments.
    """

    name: str
    most: float
    window: float
    needed: float
    wanted: float


@dataclass(frozen=True, slots=True)
class Entry:
    """An amount of a limit that `worker` may use, or has used; it leaves the window at `until`."""

    worker: str
    until: float
    amount: float


@dataclass(frozen=True, slots=True)
class Used:
    """What of an earlier lease was used, by limit, the last of it `ago` seconds before now."""

    number: int
    amounts: Mapping[str, float]
    ago: float


@dataclass(frozen=True, slots=True)
class Leased:
    """The amounts that were granted, by limit, under `number`; none when one has to wait for `seconds` first."""

    number: int
    amounts: Mapping[str, float]
    seconds: float


def grant(wishes: Sequence[tuple[Wish, Sequence[Entry]]], worker: str, now: float) -> tuple[list[float], float]:
    """What is granted of each wish, given the entries of its limit, or nothing, and the seconds until it could be.

    All that is needed, or nothing. Beyond that a worker gets its part of what is free among those who used any lately.
    What is more than the whole limit is granted when nothing else is used.
    """
    seconds, amounts = 0.0, []
    for wish, entries in wishes:
        there = [entry for entry in entries if entry.until > now]
        used = sum(entry.amount for entry in there)
        excess = used + wish.needed - wish.most * (1 + _ROUNDING)
        for entry in sorted(there, key=lambda each: each.until):
            if excess <= 0:
                break
            seconds, excess = max(seconds, entry.until - now), excess - entry.amount
        workers = {entry.worker for entry in there} | {worker}
        part = (wish.most - used - wish.needed) / len(workers)
        amounts.append(wish.needed + max(0.0, min(wish.wanted - wish.needed, part)))
    return ([0.0] * len(amounts), seconds) if seconds > 0 else (amounts, 0.0)


class Grants:
    """What one worker leases."""

    def __init__(self, store: Store, worker: str) -> None:
        self._store, self._worker = store, worker
        self._numbers = itertools.count(1)

    def lease(self, wishes: Sequence[Wish], used: Sequence[Used], good_for: float) -> Leased:
        """Settle what was used, and take what is granted of `wishes`: to be used within `good_for` seconds from now."""
        number, names = next(self._numbers), [wish.name for wish in wishes]

        def work(connection: sa.Connection) -> Leased:
            dialect.take_turn(connection, names[0])
            now = dialect.clock(connection)
            self._settle(connection, wishes, used, now)
            connection.execute(schema.grants.delete().where(_G.name.in_(names), _G.until <= now))
            entries: dict[str, list[Entry]] = {name: [] for name in names}
            latest = now + good_for + max(wish.window for wish in wishes)
            query = sa.select(_G.name, _G.worker, _G.until, _G.amount).where(_G.name.in_(names))
            for name, worker, until, amount in connection.execute(query):
                entries[name].append(Entry(worker, until, amount))
                if until > latest:  # the clock was set back: it is as if it had been taken now
                    ahead = schema.grants.update().where(_G.name == name, _G.worker == worker, _G.until > latest)
                    connection.execute(ahead.values(until=latest))
            amounts, seconds = grant([(wish, entries[wish.name]) for wish in wishes], self._worker, now)
            rows = [
                self._row(wish.name, number, now + good_for + wish.window, amount)
                for wish, amount in zip(wishes, amounts, strict=True)
                if amount > 0
            ]
            dialect.insert_unknown(connection, schema.grants, rows)
            return Leased(number, dict(zip(names, amounts, strict=True)), min(seconds, latest - now))

        return self._store.write_beside(work)

    def settle(self, wishes: Sequence[Wish], used: Sequence[Used]) -> None:
        """Say what was used, and take nothing."""

        def work(connection: sa.Connection) -> None:
            dialect.take_turn(connection, wishes[0].name)
            self._settle(connection, wishes, used, dialect.clock(connection))

        self._store.write_beside(work)

    def _settle(self, connection: sa.Connection, wishes: Sequence[Wish], used: Sequence[Used], now: float) -> None:
        for each in used:
            for wish in wishes:
                mine = sa.and_(_G.name == wish.name, _G.worker == self._worker, _G.number == each.number)
                if amount := each.amounts.get(wish.name, 0.0):
                    until = now - each.ago + wish.window
                    # never longer than it was taken for: whoever was suspended has used it in time all the same
                    row = (
                        schema.grants.update()
                        .where(mine)
                        .values(amount=amount, until=sa.case((_G.until < until, _G.until), else_=until))
                    )
                    connection.execute(row)
                else:
                    connection.execute(schema.grants.delete().where(mine))

    def _row(self, name: str, number: int, until: float, amount: float) -> dict[str, object]:
        return {"name": name, "worker": self._worker, "number": number, "until": until, "amount": amount}
