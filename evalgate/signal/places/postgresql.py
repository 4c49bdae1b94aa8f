"""A table of a PostgreSQL database, one row for each stream; whoever listens is told the new `seq`, and no more.

CREATE TABLE evalgate_signal (stream text PRIMARY KEY, seq bigint NOT NULL, document bytea NOT NULL)
LISTEN evalgate_signal        -- the payload of a notification is the seq, as decimal text
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from evalgate.errors import InfrastructureError, InputError
from evalgate.signal.places import Keeps

if TYPE_CHECKING:
    import psycopg

TABLE = CHANNEL = "evalgate_signal"
_LOCK = 0x65767369676E616C  # "evsignal": publishers to one database take turns
_SECONDS = 10  # to connect, and to wait for another publisher
_MAKE = f"CREATE TABLE {TABLE} (stream text PRIMARY KEY, seq bigint NOT NULL, document bytea NOT NULL)"
_READ = f"SELECT document FROM {TABLE} WHERE stream = %s"  # noqa: S608  # a constant of this file
_WRITE = (
    f"INSERT INTO {TABLE} (stream, seq, document) VALUES (%s, %s, %s)"  # noqa: S608  # as above
    " ON CONFLICT (stream) DO UPDATE SET seq = excluded.seq, document = excluded.document"
)


class PostgresqlPlace:
    """The row of one stream."""

    def __init__(self, url: str, stream: str) -> None:
        from evalgate.store.url import parse

        try:
            import psycopg  # noqa: F401  # told here, before anything is checked and paid for
        except ImportError:
            advice = "pip install 'evalgate-harness[postgres]'"
            raise InputError(f"PostgreSQL needs psycopg, which is not installed: {advice}") from None
        self._url, self.name = parse(url)
        self._stream = stream

    def read(self) -> bytes | None:
        """What is there now; None: nothing."""
        with self._connected() as connection:
            return self._there(connection)

    def replace(self, data: bytes, seq: int, keeps: Keeps) -> bytes | None:
        """Put `data` there and tell who listens, unless what is there must stay, which is then returned."""
        with self._connected() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            there = self._there(connection)
            if keeps(there):
                return there
            if not _is_made(connection):
                connection.execute(_MAKE)
            connection.execute(_WRITE, (self._stream, seq, data))
            connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, str(seq)))
        return None

    def _there(self, connection: psycopg.Connection) -> bytes | None:
        if not _is_made(connection):
            return None
        row = connection.execute(_READ, (self._stream,)).fetchone()
        return None if row is None else bytes(row[0])

    @contextlib.contextmanager
    def _connected(self) -> Iterator[psycopg.Connection]:
        """One transaction, durable at its end."""
        import psycopg

        from evalgate.store.url import reason

        address = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        options = {"connect_timeout": _SECONDS} if "connect_timeout" not in self._url.query else {}
        try:
            with psycopg.connect(address, **options) as connection:  # type: ignore[arg-type]  # of no overload
                connection.execute(f"SET LOCAL lock_timeout = '{_SECONDS}s'")
                connection.execute("SET LOCAL synchronous_commit = on")
                yield connection
        except psycopg.Error as failure:
            said = reason(failure, self._url)
            raise InfrastructureError(f"{self.name}: the signal cannot be read or published: {said}") from None


def _is_made(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (TABLE,)).fetchone()
    return row is not None and bool(row[0])
