"""The reading of one stream: how long what is left of it is waited for.

Until it has said why the model stopped, all of it is needed, and an end before that is a failure. From then on the
answer is whole and paid: the usage and the terminal event may still come, and are waited for a little while, but
nothing that goes wrong any more can take the answer away.
"""

from __future__ import annotations

import asyncio
import time

from evalgate.providers.assembly import Assembler
from evalgate.providers.base import AttemptFailed
from evalgate.providers.connection import Connection, Head
from evalgate.providers.sse import Event, EventReader

MAX_STREAM_BYTES = 64 * 1024 * 1024  # every token of a stream is wrapped anew
FOR_USAGE = 5.0  # seconds, after the finish reason
FOR_THE_END = 1.0  # after finish reason and usage
_BEGINNINGS = (b"data:", b"event:", b": ", b"id:")  # of lines in a stream of events, and of no JSON
LAST_BYTES = 0.2  # after the terminal event: then the connection can be used again, and some send the usage last


class StreamTooLarge(Exception):
    """More came than is held in memory: `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class Reading:
    """Gives an assembler its events; `first` and `last` are when content first came, and when an event last did."""

    def __init__(self, assembler: Assembler) -> None:
        self._assembler = assembler
        self.first: float | None = None
        self.last = time.perf_counter()
        self.begun = False

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing but what may be."""
        return self._assembler.done or self._assembler.complete

    async def read(
        self, connection: Connection, clock: asyncio.Timeout, total: asyncio.Timeout, largest_event: int
    ) -> None:
        """Read to the end; `clock` runs until the first event, and then again when the answer is whole.

        Raises `AttemptFailed` for a stream that breaks off, `StreamTooLarge`, and `TimeoutError` by one of the clocks.
        """
        reader, size = EventReader(largest_event), 0
        self.begun = True
        try:
            while chunk := await connection.piece():
                size += len(chunk)
                if size > MAX_STREAM_BYTES:
                    raise StreamTooLarge(MAX_STREAM_BYTES)
                was_done = self._assembler.done
                if events := reader.feed(chunk):
                    self._take(events)
                    clock.reschedule(self._deadline())
                    if self.is_whole:
                        total.reschedule(None)
                    if not was_done:
                        self.last = time.perf_counter()
            self._take(reader.close())
        except AttemptFailed:
            if not self.is_whole:
                raise

    def take_whole(self, data: bytes, largest_event: int) -> bool:
        """Take a body that is a stream but by its label; returns whether it is one."""
        if not data.lstrip().startswith(_BEGINNINGS):
            return False
        reader, self.begun = EventReader(largest_event), True
        self._take(reader.feed(data))
        self._take(reader.close())
        self.first, self.last = None, time.perf_counter()  # all came at once
        return True

    def _take(self, events: list[Event]) -> None:
        for name, data in events:
            try:
                if self._assembler.feed(name, data) and self.first is None:
                    self.first = time.perf_counter()
            except AttemptFailed:
                if not self.is_whole:
                    raise

    def _deadline(self) -> float | None:
        assembler = self._assembler
        if assembler.done:
            seconds = LAST_BYTES
        elif assembler.complete:
            seconds = FOR_THE_END if assembler.counted else FOR_USAGE
        else:
            return None
        return asyncio.get_running_loop().time() + seconds


def is_stream(head: Head) -> bool:
    """Whether a response is a stream of events."""
    return head.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/event-stream"
