"""Virtual keys as they are kept: whose they are and what they may do, and of the key itself only a hash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TypeVar

import sqlalchemy as sa

from evalgate.errors import InputError
from evalgate.store import numbered, schema
from evalgate.store.pages import dollars
from evalgate.store.store import PICO, Store

T = TypeVar("T")
_K = schema.virtual_keys.c


@dataclass(frozen=True, slots=True)
class VirtualKey:
    """`digest`: SHA-256 of the key, in hex. Times in seconds since 1970. Whatever is None is not limited.

    `operation`, `tier`: of every call of this key. `dollars`: USD that may be spent in one `period`: day, month or
    total. `capture`: whether its calls may be kept, off or on.
    """

    name: str
    digest: str
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    operation: str | None = None
    tier: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    dollars: Decimal | None = None
    period: str | None = None
    capture: str = "off"


class VirtualKeys:
    """All keys of one store. They are never deleted: a name stands for one account in the books, for good."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, key: VirtualKey) -> None:
        """Keep a new key. Raises `InputError` when there is, or was, one of that name."""

        def work(connection: sa.Connection) -> None:
            there = _one(connection, key.name)
            if there is not None and there.digest != key.digest:  # the same: tried again after a restart of the server
                which = "was revoked, but its name stays in the books" if there.revoked_at else "is in use"
                raise InputError(f"--name {key.name}: there is a key of that name, which {which}; choose another name")
            numbered.replace(connection, schema.virtual_keys, [_row(key)])

        self._store.write(work)

    def revoke(self, name: str, at: float) -> VirtualKey | None:
        """Let the key in no more; the key as it is now, None when there is none of that name."""

        def work(connection: sa.Connection) -> VirtualKey | None:
            there = _one(connection, name)
            if there is None or there.revoked_at is not None:
                return there
            revoked = replace(there, revoked_at=at)
            numbered.replace(connection, schema.virtual_keys, [_row(revoked)])
            return revoked

        return self._store.write(work)

    def all(self) -> list[VirtualKey]:
        """All keys, by name."""
        query = sa.select(schema.virtual_keys).order_by(_K.name)
        return self._look(lambda connection: [_key(row) for row in connection.execute(query)], [])

    def one(self, name: str) -> VirtualKey | None:
        """The key of that name."""
        return self._look(lambda connection: _one(connection, name), None)

    def newer(self, seq: int) -> tuple[int, list[VirtualKey]]:
        """The keys that are new or changed since `seq` (0: ever), and up to which number that is."""
        last, rows = self._store.read(lambda connection: numbered.newer(connection, schema.virtual_keys, seq))
        return last, [_key(row) for row in rows]

    def _look(self, work: Callable[[sa.Connection], T], nothing: T) -> T:
        """`nothing` where an older evalgate wrote the store, which is only looked at and not brought up to date."""

        def look(connection: sa.Connection) -> T:
            return work(connection) if sa.inspect(connection).has_table(schema.virtual_keys.name) else nothing

        return self._store.read(look)


def _one(connection: sa.Connection, name: str) -> VirtualKey | None:
    row = connection.execute(sa.select(schema.virtual_keys).where(_K.name == name)).one_or_none()
    return None if row is None else _key(row)


_SAME = tuple(name for name in VirtualKey.__slots__ if name != "dollars")


def _row(key: VirtualKey) -> dict[str, object]:
    limit = None if key.dollars is None else int(key.dollars * PICO)
    return {name: getattr(key, name) for name in _SAME} | {"picodollars": limit}


def _key(row: sa.Row[Any]) -> VirtualKey:
    limit = None if row.picodollars is None else dollars(row.picodollars)
    return VirtualKey(**{name: getattr(row, name) for name in _SAME}, dollars=limit)
