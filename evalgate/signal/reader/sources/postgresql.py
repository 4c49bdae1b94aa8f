"""A table of a PostgreSQL database; a notification with the new `seq` says when to look.

The table is that of `evalgate signal publish postgresql://…`: `evalgate_signal (stream, seq, document)`, and so is the
channel called. Nothing is believed of the notification but that it is time to look.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from evalgate.errors import InfrastructureError, InputError
from evalgate.signal.envelope import MAX_BYTES
from evalgate.signal.reader.sources import Fetched

if TYPE_CHECKING:
    import psycopg

_SECONDS = 10  # to connect, and to answer
_LATEST = """
    SELECT stream, seq, CASE WHEN seq = %(seq)s THEN NULL ELSE document END FROM evalgate_signal
    WHERE (%(stream)s::text IS NULL OR stream = %(stream)s) AND octet_length(document) <= %(most)s LIMIT 2
"""


class PostgreSQLSource:
    """One connection, which listens; made anew whenever it breaks."""

    def __init__(self, url: str, stream: str | None) -> None:
        try:
            import psycopg  # noqa: F401  # told at the start, not in the background
        except ImportError:
            advice = "pip install 'evalgate-harness[postgres]'"
            raise InputError(f"PostgreSQL needs psycopg, which is not installed: {advice}") from None
        from evalgate.store.url import parse

        self._url, self.shown = parse(url)
        self._stream = stream
        self._connection: psycopg.AsyncConnection | None = None

    async def fetch(self, tag: str | None, wait: float) -> Fetched | None:
        """As `Source` says."""
        import psycopg

        from evalgate.store.url import reason

        try:
            async with asyncio.timeout(2 * _SECONDS + wait):
                connection = await self._listening()
                fetched = await self._latest(connection, tag)
                if fetched is None and wait > 0:
                    async for _ in connection.notifies(timeout=wait, stop_after=1):
                        pass  # the connection is locked in here: it is asked afterwards
                    fetched = await self._latest(connection, tag)
                return fetched
        except (psycopg.Error, TimeoutError, OSError) as failure:
            await self.close()
            told = reason(failure, self._url) or "no answer in time"
            if isinstance(failure, psycopg.errors.UndefinedTable):
                told = "nothing was published there yet"
            raise InfrastructureError(f"{self.shown}: the signal cannot be read: {told[:300]}") from None
        except BaseException:  # cancelled in the middle of an answer: nobody knows what comes next on this connection
            await self.close()
            raise

    async def _listening(self) -> psycopg.AsyncConnection:
        import psycopg

        if self._connection is None:
            address = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
            self._connection = await psycopg.AsyncConnection.connect(
                address, autocommit=True, connect_timeout=_SECONDS, fallback_application_name="evalgate signal"
            )
            await self._connection.execute("LISTEN evalgate_signal")  # before the first look, so that nothing is missed
        return self._connection

    async def _latest(self, connection: psycopg.AsyncConnection, tag: str | None) -> Fetched | None:
        known = int(tag) if tag is not None else -1
        cursor = await connection.execute(_LATEST, {"seq": known, "stream": self._stream, "most": MAX_BYTES})
        rows = await cursor.fetchall()
        if not rows:
            whose = f" of stream {self._stream!r}" if self._stream is not None else ""
            raise InfrastructureError(f"{self.shown}: there is no signal{whose}")
        if len(rows) > 1:
            raise InfrastructureError(f"{self.shown}: several streams are published there; name one: stream=…")
        _, seq, document = rows[0]
        return None if document is None else Fetched(bytes(document), str(seq))

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
