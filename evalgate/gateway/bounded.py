"""uvicorn's HTTP, bounded: a head that never ends takes neither memory nor a connection for ever.

And strict where a proxy in front may read a request otherwise than we do: RFC 9112, 3.2 wants exactly one Host.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD = 64 * 1024  # bytes of a head that is not complete yet
_HOSTS = "expected one Host"
HEAD_SECONDS = 60.0  # for a head, from its first byte or from the connection


class Protocol(HttpToolsProtocol):
    """Refuses with 400 what is too long, too slow or ambiguous before it is a request."""

    _head_size = 0
    _in_head = True  # as long as nothing came, too
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect a request."""
        super().connection_made(transport)  # type: ignore[arg-type]  # uvloop's do not inherit from asyncio's
        self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As uvicorn's; then look whether a head is still open."""
        super().data_received(data)
        if not self._in_head:
            return
        self._head_size += len(data)
        if self._head_size > MOST_HEAD and not self.transport.is_closing():
            self.send_400_response(f"The head of the request is longer than {MOST_HEAD // 1024} KiB.")
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head, self._head_size = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """It is complete."""
        self._in_head = False
        self._stop()
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            raise ValueError(_HOSTS)  # the parser stops, and uvicorn answers 400 and closes
        super().on_headers_complete()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.send_400_response(f"No request came within {HEAD_SECONDS:g} s.")
