"""The history of the signal: every document that was published, with all of its evidence. It only ever grows.

The next document is made and kept in one transaction in which nobody else writes, so that two publishers at once never
take the same `seq`. A heartbeat repeats the entries of the document before it; entries are kept once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from evalgate.errors import StoreError
from evalgate.store import dialect, schema
from evalgate.store.store import Store

T = TypeVar("T")
_S, _E = schema.signals.c, schema.signal_entries.c


@dataclass(frozen=True, slots=True)
class KeptSignal:
    """A published document: `head` is its JSON without the entries, `digest` that of its whole bytes.

    `signatures` is JSON as in the envelope, or None for what was published unsigned.
    """

    stream: str
    seq: int
    at: float
    digest: str
    head: bytes
    entries: bytes
    signatures: bytes | None


class Signals:
    """The published documents that one store remembers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, stream: str, make: Callable[[KeptSignal | None], KeptSignal]) -> KeptSignal:
        """Keep what `make` makes of the stream's latest document; when this returns, it is durable.

        `make` runs while nobody else writes to the store, and again when the server restarts meanwhile, so it should be
        quick and change nothing. Raises `StoreError` when its `seq` is not higher than that of the latest.
        """

        def work(connection: sa.Connection) -> KeptSignal:
            latest = _latest(connection, stream)
            made = make(latest)
            if made.stream != stream or (latest is not None and made.seq <= latest.seq):
                raise StoreError(f"store {self._store.name}: {stream} is at seq {made.seq} already; nothing was kept")
            names = ("stream", "seq", "at", "digest", "head", "signatures")
            row = {name: getattr(made, name) for name in names} | {"entries": _digest(made.entries)}
            kept = {"digest": row["entries"], "entries": made.entries}
            dialect.insert_unknown(connection, schema.signal_entries, [kept])
            connection.execute(schema.signals.insert(), row)
            return made

        return self._store.write(work)

    def latest(self, stream: str) -> KeptSignal | None:
        """The newest document of a stream."""
        return self._read(lambda connection: _latest(connection, stream), None)

    def at(self, stream: str, seq: int) -> KeptSignal | None:
        """The document of this number."""
        return self._read(lambda connection: _one(connection, _S.stream == stream, _S.seq == seq), None)

    def before(self, stream: str, at: float) -> KeptSignal | None:
        """The newest document that was issued by then (seconds since the epoch)."""
        query = sa.select(sa.func.max(_S.seq)).where(_S.stream == stream, _S.at <= at)

        def work(connection: sa.Connection) -> KeptSignal | None:
            return _one(connection, _S.stream == stream, _S.seq == query.scalar_subquery())

        return self._read(work, None)

    def changes(self, stream: str) -> list[int]:
        """The numbers of the documents whose entries are not those of the one before: no heartbeats."""
        query = sa.select(_S.seq, _S.entries).where(_S.stream == stream).order_by(_S.seq)

        def work(connection: sa.Connection) -> list[int]:
            rows = connection.execute(query).all()
            befores = [None, *(row.entries for row in rows)]
            return [row.seq for row, before in zip(rows, befores, strict=False) if row.entries != before]

        return self._read(work, list[int]())

    def has(self, stream: str, seq: int, digest: str) -> bool:
        """Whether exactly this document was published from this store."""
        query = sa.select(_S.digest).where(_S.stream == stream, _S.seq == seq)
        return self._read(lambda connection: connection.scalar(query), None) == digest

    def streams(self) -> list[str]:
        """The names of all streams, in alphabetical order."""
        query = sa.select(_S.stream).distinct().order_by(_S.stream)
        return self._read(lambda connection: list(connection.scalars(query)), [])

    def newest_first(self, stream: str, limit: int) -> Iterator[KeptSignal]:
        """The newest `limit` documents of a stream, one in memory at a time."""
        query = sa.select(_S.seq).where(_S.stream == stream).order_by(_S.seq.desc()).limit(limit)
        numbers: list[int] = []
        for seq in self._read(lambda connection: list(connection.scalars(query)), numbers):
            if (kept := self.at(stream, seq)) is not None:
                yield kept

    def _read(self, work: Callable[[sa.Connection], T], nothing: T) -> T:
        """`nothing` where an older evalgate wrote the store, which is only looked at and not brought up to date."""

        def look(connection: sa.Connection) -> T:
            return work(connection) if sa.inspect(connection).has_table(schema.signals.name) else nothing

        return self._store.read(look)


def _latest(connection: sa.Connection, stream: str) -> KeptSignal | None:
    newest = sa.select(sa.func.max(_S.seq)).where(_S.stream == stream).scalar_subquery()
    return _one(connection, _S.stream == stream, _S.seq == newest)


def _one(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> KeptSignal | None:
    columns = (_S.stream, _S.seq, _S.at, _S.digest, _S.head, _E.entries, _S.signatures)
    query = sa.select(*columns).join(schema.signal_entries, _S.entries == _E.digest).where(*conditions)
    row = connection.execute(query).one_or_none()
    return None if row is None else KeptSignal(*row)


def _digest(entries: bytes) -> str:
    return "sha256:" + hashlib.sha256(entries).hexdigest()
