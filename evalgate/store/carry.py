"""What a merge brings beside answers: virtual keys, what they spent, and how greens were watched.

Soundly, or not at all. What a process booked only ever rises, so of two rows of one process the greater stands. A name
that is two keys' is two accounts: neither the second key nor its spending is brought. A watched operation is a history,
of which each round rests on the one before: the longer one stands where it goes on from the other, and two that went
ways of their own cannot be made into one. All that is left behind is named. Telemetry is not brought: it is about the
last hours, and about the places where it was counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from evalgate.store import dialect, numbered, schema
from evalgate.store.pages import PAGE
from evalgate.store.store import Store

_KEYS, _SPENDING = schema.virtual_keys, schema.spending
_BOOKED = ("requests", "tokens", "picodollars")
_OF_WATCHING = (schema.watched, schema.rounds, schema.events)


def bring_books(source: sa.Connection, target: Store) -> tuple[int, Sequence[str]]:
    """Bring keys and what they spent; returns how many keys were new, and the names that are another key's there.

    A key that one of both revoked is revoked.
    """
    rows = source.execute(sa.select(_KEYS).order_by(_KEYS.c.name)).all()

    def keys(connection: sa.Connection) -> tuple[list[str], list[str]]:
        there = {row.name: row for row in connection.execute(sa.select(_KEYS))}
        new = [row for row in rows if row.name not in there]
        foreign = [row.name for row in rows if row.name in there and row.digest != there[row.name].digest]
        known = {row.digest for row in there.values()}
        foreign += [row.name for row in new if row.digest in known]  # one key, of two names: of two accounts
        same = [row for row in rows if row.name in there and row.name not in foreign]
        ended = [row for row in same if row.revoked_at is not None and there[row.name].revoked_at is None]
        brought = [row for row in new if row.name not in foreign]
        revoked = [there[row.name]._asdict() | {"revoked_at": row.revoked_at} for row in ended]
        numbered.replace(connection, _KEYS, [row._asdict() for row in brought] + revoked)
        return [row.name for row in brought], foreign

    brought, foreign = target.write(keys) if rows else ([], [])
    spent = sa.select(_SPENDING).where(_SPENDING.c.name.not_in(foreign)).order_by(*_SPENDING.primary_key)
    for some in source.execute(spent.execution_options(yield_per=PAGE)).partitions():
        _book(target, some)
    return len(brought), tuple(foreign)


def _book(target: Store, some: Sequence[sa.Row[Any]]) -> None:
    def work(connection: sa.Connection) -> None:
        s = _SPENDING.c
        names, starts = {row.name for row in some}, [row.start for row in some]
        near = sa.select(_SPENDING).where(s.name.in_(names), s.start.between(min(starts), max(starts)))
        there = {tuple(row[:4]): _booked(row) for row in connection.execute(near)}
        more = [row._asdict() for row in some if _booked(row) > there.get(tuple(row[:4]), (-1,))]
        numbered.replace(connection, _SPENDING, more)

    target.write(work)


def _booked(row: sa.Row[Any]) -> tuple[int, ...]:
    return tuple(getattr(row, name) for name in _BOOKED)


def bring_watching(source: sa.Connection, target: Store) -> tuple[int, Sequence[str]]:
    """Bring watched operations; returns how many were new or went on, and those that went two ways."""
    operations = source.scalars(sa.select(schema.watched.c.operation).distinct().order_by(schema.watched.c.operation))
    brought, left = 0, []
    for operation in operations.all():
        theirs = [source.execute(_of(table, operation)).all() for table in _OF_WATCHING]
        went = target.write(partial(_go_on, operation=operation, theirs=theirs))
        brought += went is True
        left += [operation] if went is None else []
    return brought, tuple(left)


def _of(table: sa.Table, operation: str) -> sa.Select[Any]:
    return sa.select(table).where(table.c.operation == operation).order_by(*table.primary_key)


def _go_on(connection: sa.Connection, operation: str, theirs: Sequence[Sequence[sa.Row[Any]]]) -> bool | None:
    """Take their history where it goes on from ours: True. False when ours does, or is the same; None for neither."""
    ours = [connection.execute(_of(table, operation)).all() for table in _OF_WATCHING]
    here, there = (_course(*each[1:]) for each in (ours, theirs))
    if ours[0] and there <= here:
        return False
    if not here <= there:
        return None
    known = {row.key for row in ours[2]}
    for table in _OF_WATCHING[:2]:
        connection.execute(table.delete().where(table.c.operation == operation))
    for table, rows in zip(_OF_WATCHING[:2], theirs, strict=False):
        dialect.insert_unknown(connection, table, [row._asdict() for row in rows])
    for row in theirs[2]:
        if row.key not in known:  # in their order, with numbers of the target's own
            told = {name: value for name, value in row._asdict().items() if name != "number"}
            connection.execute(schema.events.insert(), told)
    return True


def _course(rounds: Sequence[sa.Row[Any]], events: Sequence[sa.Row[Any]]) -> set[object]:
    """All that happened to an operation: a history that goes on from another one has all of that one."""
    closed = {(row.round, row.begun, "closed") for row in rounds if row.closed}
    return closed | {(row.round, row.begun) for row in rounds} | {row.key for row in events}
