"""One HTTP/1.1 connection, which has one call on it at a time.

What arrives is parsed by httptools (the parser of Node.js); this is the little that remains: who waits for it, how much
of it is held, and when it has ended. A harness makes many small calls to few servers, and a general HTTP client, with
its redirects, cookies and tracing, costs several times the CPU of everything else that is done for an answer:
`benchmarks/collect.py` has the figures.
"""

from __future__ import annotations

import asyncio
import select
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn, cast

import httptools

from evalgate.providers.base import AttemptFailed

MAX_SILENT_BYTES = 64 * 1024  # of headers, and of whatever else is not a body
MAX_HELD_BYTES = 1024 * 1024  # of a body that nobody has read yet; then the server is made to wait
_SLICE = 256 * 1024  # of a large body that goes out
_TOO_MANY_HEADERS = f"more than {MAX_SILENT_BYTES // 1024} KiB of headers"


@dataclass(frozen=True, slots=True)
class Head:
    """What comes before a body: the status, and the headers by their names in lower case."""

    status: int
    headers: Mapping[str, str]

    @property
    def is_open_ended(self) -> bool:
        """Whether nothing but the end of the connection ends the body."""
        encoding = self.headers.get("transfer-encoding", "")
        return "content-length" not in self.headers and "chunked" not in encoding.lower()


class _Refused(Exception):
    """What comes is not taken."""


class Connection(asyncio.Protocol):
    """See the module; every method that waits raises `AttemptFailed` when the connection breaks.

    What is said goes through `transport`; `wire` is the TCP transport beneath, if that one encrypts. The methods that
    asyncio and httptools call come last.
    """

    def __init__(self) -> None:
        self.wire: asyncio.Transport | None = None
        self.transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        # aiohttp and browsers take these too; they are dangerous to proxies, which pass on what others read again
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._poll: select.poll | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._failure: str | None = None  # why nothing more can come
        self._spent = False  # the last call may end, but there must be no other one
        self._reading_paused = self._writing_paused = False
        self._forget()

    def _forget(self) -> None:
        self._head: Head | None = None
        self._headers: dict[str, str] = {}
        self._pieces: deque[bytes] = deque()
        self._held = self._silent = self.received = 0
        self._sent = self._under_way = False

    @property
    def reusable(self) -> bool:
        """Whether another call can be made: the last one has ended, and nothing speaks against it."""
        return self.finished and not self._is_readable()  # what comes unasked would be taken for the next answer

    @property
    def finished(self) -> bool:
        """Whether the last call has ended well, so that it may be kept for another one."""
        return not (self._under_way or self._spent or self._failure is not None or self._reading_paused)

    @property
    def ended(self) -> bool:
        """Whether all of the body has come."""
        return not self._under_way

    @property
    def paid(self) -> int | None:
        """Bytes of a body that came, when it is one that a provider charges for (2xx); None when there is none yet."""
        return self.received if self._head is not None and self._head.status < 300 else None

    @property
    def asked(self) -> bool:
        """Whether the request has been sent as a whole, and no status of it says that nobody answers it."""
        return self._sent and (self._head is None or self._head.status < 300)

    async def call(self, *request: bytes) -> Head:
        """Send a request as it goes over the wire, and wait for the head of its response."""
        self._forget()
        self._under_way = True
        await self._send(request)
        while self._head is None:
            await self._news()
        return self._head

    async def piece(self) -> bytes:
        """Wait for more of the body, and return all that there is of it; nothing at its end."""
        while not self._pieces:
            if not self._under_way:
                return b""
            await self._news()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._held = 0
        if self._reading_paused and self.wire is not None:
            self._reading_paused = False
            self.wire.resume_reading()
        return data

    def close(self) -> None:
        """Let go of it at once, whatever is under way."""
        self._failure = self._failure or "it was closed"
        if self.wire is not None:
            self.wire.abort()

    async def _send(self, request: tuple[bytes, ...]) -> None:
        if self.transport is None or self._failure is not None:
            raise self._broken()
        if sum(map(len, request)) <= _SLICE:
            self.transport.writelines(request)
        else:
            for part in request:
                for start in range(0, len(part), _SLICE):
                    self.transport.write(memoryview(part)[start : start + _SLICE])
                    await asyncio.sleep(0)  # a server that takes it fast must not keep all others waiting
                    while self._writing_paused and self._head is None:
                        await self._news()
                    if self._head is not None:  # it has heard enough
                        return
                    if self._failure is not None:
                        raise self._broken()
        self._sent = True

    async def _news(self) -> None:
        if self._failure is not None:
            raise self._broken()
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _is_readable(self) -> bool:
        if self.wire is None or not hasattr(select, "poll"):  # Windows has none
            return False
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(self.wire.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(self._poll.poll(0))

    def _broken(self) -> AttemptFailed:
        return AttemptFailed(f"connection broke: {self._failure}")

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
        self.wire = self.wire or self.transport

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, and wake whoever waits for it."""
        held = self._held
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("what came is not HTTP")
            return
        self._silent = 0 if self._held > held else self._silent + len(data)
        if self._silent > MAX_SILENT_BYTES and self._under_way:
            self._fail(_TOO_MANY_HEADERS)
            return
        if self._held > MAX_HELD_BYTES and not self._reading_paused and self.wire is not None:
            self._reading_paused = True
            self.wire.pause_reading()  # not the transport that decrypts: uvloop's loses what it holds at the end then
        self._wake()

    def eof_received(self) -> None:
        """End what is under way at once, though some of the request may not have been taken."""
        self.connection_lost(None)
        self.close()

    def connection_lost(self, error: Exception | None) -> None:
        """End what is under way: as it should when the end of the connection is that of the body."""
        if self._failure is None and error is None and self._head is not None and self._head.is_open_ended:
            self._under_way = False
        self._failure = self._failure or ("the server closed it" if error is None else type(error).__name__)
        self._wake()

    def pause_writing(self) -> None:
        """Send no more before the server has taken what was sent."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Go on sending."""
        self._writing_paused = False
        self._wake()

    # httptools

    def on_message_begin(self) -> None:
        """Take only what was asked for: a response too many would become part of this one, or that of the next call."""
        if not self._under_way:
            self._refuse("more came than was asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; those after a body are not looked at."""
        if self._head is None:
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        """Tell the head; that of an interim response (1xx) is not the one that is waited for."""
        if sum(map(len, self._headers.values())) > MAX_SILENT_BYTES:  # they may have come in one large piece
            self._refuse(_TOO_MANY_HEADERS)
        status = self._parser.get_status_code()
        if status >= 200:
            self._head = Head(status, self._headers)
        self._headers = {}

    def on_body(self, data: bytes) -> None:
        """Hold a piece of the body until it is read."""
        self._pieces.append(data)
        self._held += len(data)
        self.received += len(data)

    def on_message_complete(self) -> None:
        """Note the end of the body, and whether there may be another call.

        Not after an error: it may have been told before the request was read, the rest of which would be read as the
        next one.
        """
        if self._head is not None:
            self._under_way = False
            self._spent = not (self._sent and self._head.status < 400 and self._parser.should_keep_alive())
