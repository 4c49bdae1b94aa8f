"""One HTTP/1.1 connection, which has one call on it at a time.

What arrives is parsed by httptools (the parser of Node.js); this is the little that remains: who waits for it, how much
of it is held, and when it has ended. A harness makes many small calls to few servers, and a general HTTP client, with
its redirects, cookies and tracing, costs several times the CPU of everything else that is done for an answer:
`benchmarks/collect.py` has the figures.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn, cast

import httptools

from evalgate.providers.base import AttemptFailed

MAX_SILENT_BYTES = 64 * 1024  # of headers, and of whatever else is not a body
MAX_HELD_BYTES = 1024 * 1024  # of a body that nobody has read yet; then the server is made to wait
_TOO_MANY_HEADERS = f"more than {MAX_SILENT_BYTES // 1024} KiB of headers"


@dataclass(frozen=True, slots=True)
class Head:
    """What comes before a body: the status, and the headers by their names in lower case."""

    status: int
    headers: Mapping[str, str]


class _Refused(Exception):
    """What comes is not taken."""


class Connection(asyncio.Protocol):
    """See the module; every method that waits raises `AttemptFailed` when the connection breaks.

    The methods that asyncio and httptools call are the last ones.
    """

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiting: asyncio.Future[None] | None = None
        self._failure: str | None = None
        self._lost = False
        self._begin()
        self._ended = True  # nothing has been asked yet

    def _begin(self) -> None:
        self._head: Head | None = None
        self._headers: dict[str, str] = {}
        self._pieces: deque[bytes] = deque()
        self._silent = self._held = 0
        self._ended = self._paused = False

    @property
    def reusable(self) -> bool:
        """Whether another call can be made: the last one has ended, and nothing speaks against it."""
        return self._ended and not self._paused and not self._lost and self._failure is None

    async def call(self, *request: bytes) -> Head:
        """Send a request as it goes over the wire, and wait for the head of its response."""
        self._begin()
        if self.transport is None or self._lost:
            raise self._broken()
        self.transport.writelines(request)
        while self._head is None:
            await self._news()
        return self._head

    async def piece(self) -> bytes:
        """Wait for more of the body, and return all that there is of it; nothing at its end."""
        while not self._pieces:
            if self._ended:
                return b""
            await self._news()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._held = 0
        if self._paused and self.transport is not None:
            self._paused = False
            self.transport.resume_reading()
        return data

    def close(self) -> None:
        """Let go of it at once, whatever is under way."""
        if self.transport is not None:
            self.transport.abort()

    async def _news(self) -> None:
        if self._failure is not None:
            raise self._broken()
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _broken(self) -> AttemptFailed:
        return AttemptFailed(f"connection broke: {self._failure or 'it was closed'}")

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _fail(self, why: str) -> None:
        self._failure = self._failure or why
        self.close()
        self._wake()

    def _refuse(self, why: str) -> NoReturn:
        """Let the parser go no further."""
        self._failure = why
        raise _Refused

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the server."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's do not inherit from it

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, and wake whoever waits for it."""
        held = self._held
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("what came is not HTTP")
            return
        self._silent = 0 if self._held > held else self._silent + len(data)
        if self._silent > MAX_SILENT_BYTES and not self._ended:
            self._fail(_TOO_MANY_HEADERS)
            return
        if self._held > MAX_HELD_BYTES and not self._paused and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        """End what is under way: as it should when the end of the connection is that of the body."""
        self._lost = True
        if self._head is not None and error is None and self._failure is None and _ends_with_connection(self._head):
            self._ended = True
        elif not self._ended:
            self._failure = self._failure or ("the server closed it" if error is None else type(error).__name__)
        self._wake()

    # httptools

    def on_message_begin(self) -> None:
        """Take only what was asked for: a response too many would become part of this one, or that of the next call."""
        if self._ended:
            self._refuse("more came than was asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; those after a body are not looked at."""
        if self._head is None:
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Tell the head; that of an interim response (1xx) is not the one that is waited for."""
        if sum(map(len, self._headers.values())) > MAX_SILENT_BYTES:
            self._refuse(_TOO_MANY_HEADERS)
        status = self._parser.get_status_code()
        if status >= 200:
            self._head = Head(status, self._headers)
        self._headers = {}

    def on_body(self, data: bytes) -> None:
        """Hold a piece of the body until it is read."""
        self._pieces.append(data)
        self._held += len(data)

    def on_message_complete(self) -> None:
        """Note the end of the body."""
        if self._head is not None:
            self._ended = True
            if not self._parser.should_keep_alive() or (self.transport and self.transport.get_write_buffer_size()):
                self._failure = "the server closes it"


def _ends_with_connection(head: Head) -> bool:
    return "content-length" not in head.headers and "chunked" not in head.headers.get("transfer-encoding", "").lower()
