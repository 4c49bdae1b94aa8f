"""The rest of a stream, from the upstream to the client, as it comes and no faster than the client takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from evalgate.gateway.asked import Send
from evalgate.gateway.attempt import Attempting
from evalgate.gateway.shapes import error_event
from evalgate.gateway.tally import Seen
from evalgate.providers.base import AttemptFailed
from evalgate.providers.connection import Connection
from evalgate.providers.reply import message_of
from evalgate.providers.streaming import FOR_THE_END, FOR_USAGE, LAST_BYTES

STUCK = 300.0  # seconds that a client may leave unread what it was sent


class Patience:
    """Closes a connection on which nobody has sent anything for too long, with one timer for the whole stream.

    `give_up` is called when it is the client who takes nothing.
    """

    def __init__(self, connection: Connection, seconds: float, give_up: Callable[[], None]) -> None:
        self._connection, self.seconds, self._give_up = connection, seconds, give_up
        self._loop = asyncio.get_running_loop()
        self._since: float | None = None  # since when a piece is waited for
        self._sent = self._loop.time()  # when the last one was taken
        self.over = False
        self._timer = self._loop.call_later(seconds, self._look)

    async def piece(self) -> bytes:
        """As the connection's."""
        self._since = self._loop.time()
        try:
            return await self._connection.piece()
        finally:
            self._since, self._sent = None, self._loop.time()

    def shorten(self, seconds: float) -> None:
        """From now on wait no longer than that."""
        if seconds < self.seconds:
            self.seconds = seconds
            self._timer.cancel()
            self._timer = self._loop.call_later(seconds, self._look)

    def end(self) -> None:
        """Nothing is waited for any more."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        waited = 0.0 if self._since is None else now - self._since
        if waited >= self.seconds:
            self.over = True
            self._connection.close()
        elif self._since is None and now - self._sent >= STUCK:
            self._give_up()
        else:
            self._timer = self._loop.call_later(self.seconds - waited, self._look)


async def relay(attempt: Attempting, send: Send, give_up: Callable[[], None]) -> str | None:
    """Pass a stream on to its end; returns None when it is whole, else why it is not, which the client was told.

    `give_up` is called where the client takes nothing any more. The last message is left to the caller, and so is the
    connection.
    """
    connection = attempt.connection
    assert connection is not None
    patience = Patience(connection, attempt.upstream.provider.timeout, give_up)
    tally, ended, trouble = attempt.tally, None, None
    try:
        while ended is None and not tally.done:
            if tally.complete:
                patience.shorten(FOR_USAGE if tally.output is None else FOR_THE_END)
            piece = await patience.piece()
            if not piece:
                told, ended = attempt.rest(), Seen.DONE
            else:
                told, ended = attempt.take(piece)
            if told:
                await send({"type": "http.response.body", "body": told, "more_body": True})
    except AttemptFailed as failure:
        trouble = f"nothing came for {patience.seconds:g} s" if patience.over else failure.reason
    finally:
        patience.end()
    if ended is Seen.ERROR:
        trouble = "the upstream reported an error"
        await send({"type": "http.response.body", "body": _error(attempt), "more_body": True})
        return trouble
    if tally.complete:
        if ending := attempt.ending():
            await send({"type": "http.response.body", "body": ending, "more_body": True})
        return None
    trouble = trouble or "the upstream's stream ended before the answer was complete"
    event = error_event(attempt.asked.speech, f"the stream broke: {trouble}")
    await send({"type": "http.response.body", "body": event, "more_body": True})
    return trouble


async def last_bytes(connection: Connection) -> None:
    """Wait a moment for the end of what is over, so that the connection can be used again."""
    if connection.ended:
        return
    try:
        async with asyncio.timeout(LAST_BYTES):
            while await connection.piece():
                pass
    except (TimeoutError, AttemptFailed):
        return


def _error(attempt: Attempting) -> bytes:
    message = " ".join(message_of(attempt.tally.error).split())[:300]
    return error_event(attempt.asked.speech, f"the stream broke: {message}")
