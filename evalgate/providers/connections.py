"""Connections to one server: opened when there is none to use again, by TCP, TLS and a proxy."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from aiohappyeyeballs import AddrInfoType, start_connection

from evalgate.providers.base import AttemptFailed
from evalgate.providers.connection import Connection

IDLE_SECONDS = 15.0  # servers close what is idle for long, some without a word
LOOKUP_SECONDS = 10.0
SECOND_ADDRESS_SECONDS = 0.25  # RFC 8305: when the first does not answer, the next is tried beside it
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Who is connected to; `credentials` are those of a proxy."""

    scheme: str
    host: str
    port: int
    credentials: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str) -> Address:
        """Where `url` leads; raises `ValueError` when that is nowhere."""
        parts = urlsplit(url)
        host = (parts.hostname or "").removesuffix(".")
        if not host or host != host.encode("idna").decode() or parts.port == 0:
            # of names that are not ASCII Python knows the standard of 2003 alone, by which some lead elsewhere
            reason = "it names no host, or not in ASCII"
            raise ValueError(reason)
        return cls(parts.scheme, host, parts.port or _PORTS[parts.scheme], _credentials(parts))

    @property
    def authority(self) -> str:
        """Host and port, as URLs have them."""
        return self.full_authority.removesuffix(f":{_PORTS[self.scheme]}")

    @property
    def full_authority(self) -> str:
        """Host and port, also where the port is the usual one."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def authorization(self) -> str:
        """The header that shows a proxy its credentials; nothing where there are none."""
        if self.credentials is None:
            return ""
        return f"Proxy-Authorization: Basic {base64.b64encode(self.credentials.encode()).decode()}\r\n"


class Connections:
    """All connections to `server`, through `proxy` if there is one; must be made inside a running event loop."""

    def __init__(self, server: Address, proxy: Address | None, connect_timeout: float) -> None:
        self._server, self._proxy, self._timeout = server, proxy, connect_timeout
        self._loop = asyncio.get_running_loop()
        self._idle: list[tuple[Connection, float]] = []  # the one that was used last is the last
        self._addresses: asyncio.Future[Any] | None = None  # of the one that is connected to
        self._looked_up_at = 0.0
        self._tls: ssl.SSLContext | None = None
        self._closed = self._hurried = False
        self._opening: set[asyncio.Timeout] = set()

    async def take(self) -> Connection:
        """A connection for one call; raises `AttemptFailed` when none comes about."""
        while self._idle:
            connection, since = self._idle.pop()
            if connection.reusable and self._loop.time() - since < IDLE_SECONDS:
                return connection
            connection.close()
        try:
            async with asyncio.timeout(0 if self._hurried else self._timeout) as clock:
                self._opening.add(clock)
                try:
                    return await self._open()
                finally:
                    self._opening.discard(clock)
        except TimeoutError:
            reason = "not waited for" if self._hurried else f"no connection in time ({self._timeout:g} s)"
        except OSError as failure:
            reason = f"no connection: {_why(failure)}"
        raise AttemptFailed(reason, unreachable=True)

    def give_back(self, connection: Connection) -> None:
        """Keep it for another call if it is good for one."""
        if connection.finished and not self._closed:  # looked at once more when it is taken
            self._idle.append((connection, self._loop.time()))
        else:
            connection.close()

    def hurry(self) -> None:
        """Wait for no connection any more: who does fails at once, and so does who would."""
        self._hurried = True
        for clock in self._opening:
            clock.reschedule(self._loop.time())

    async def close(self) -> None:
        """Close what is idle now, and the others when they are given back."""
        self._closed = True
        for connection, _ in self._idle:
            connection.close()
        await asyncio.sleep(0)  # in which the event loop lets go of them; nothing is waited for, they are cut off

    async def _open(self) -> Connection:
        if self._proxy is None:
            return await self._reach(self._server)
        try:
            connection = await self._reach(self._proxy)
        except OSError as failure:
            reason = f"no connection to the proxy: {_why(failure)}"
            raise AttemptFailed(reason, unreachable=True) from None
        if self._server.scheme == "http":
            return connection
        await self._ask_for_tunnel(connection, self._proxy)
        return await self._encrypted(connection, self._server.host)

    async def _reach(self, address: Address) -> Connection:
        """A connection to `address` itself, by TCP and then TLS."""
        reached = await start_connection(await self._look_up(address), happy_eyeballs_delay=SECOND_ADDRESS_SECONDS)
        try:
            _, connection = await self._loop.create_connection(Connection, sock=reached)
        except BaseException:
            reached.close()
            raise
        return connection if address.scheme == "http" else await self._encrypted(connection, address.host)

    async def _look_up(self, address: Address) -> Sequence[AddrInfoType]:
        """The addresses of a name, asked for once for all who want to connect, and again after some seconds."""
        addresses, now = self._addresses, self._loop.time()
        if addresses is None or _failed(addresses) or now - self._looked_up_at > LOOKUP_SECONDS:
            looking_up = self._loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
            addresses = self._addresses = asyncio.ensure_future(looking_up)
            addresses.add_done_callback(_failed)  # seen, also if nobody waits any more
            self._looked_up_at = now
        infos: Sequence[AddrInfoType] = await asyncio.shield(addresses)
        return infos

    async def _ask_for_tunnel(self, connection: Connection, proxy: Address) -> None:
        named = self._server.full_authority
        request = f"CONNECT {named} HTTP/1.1\r\nHost: {named}\r\n{proxy.authorization}\r\n"
        try:
            status = (await connection.call(request.encode())).status
            refusal = f"the proxy refuses (HTTP {status})" if status != 200 else None
        except AttemptFailed as failure:
            refusal = f"to the proxy, {failure.reason}"
        except BaseException:
            connection.close()
            raise
        if refusal is not None:
            connection.close()
            reason = f"no connection: {refusal}"
            raise AttemptFailed(reason, unreachable=True)

    async def _encrypted(self, outer: Connection, host: str) -> Connection:
        """A connection within another one that is used for nothing else."""
        inner = Connection()
        inner.wire = outer.wire
        try:
            transport = await self._start_tls(outer, inner, host)
        except BaseException:
            outer.close()
            raise
        inner.connection_made(transport)
        return inner

    async def _start_tls(self, outer: Connection, inner: Connection, host: str) -> asyncio.BaseTransport:
        assert outer.transport is not None
        try:
            transport = await self._loop.start_tls(outer.transport, inner, self._context(), server_hostname=host)
        except TypeError:  # CPython 3.11 calls its own _abort() wrongly when TLS within TLS fails
            transport = None
        if transport is None or outer.transport.is_closing():  # uvloop returns as if nothing had happened
            reason = "closed in the TLS handshake"
            raise ConnectionResetError(reason)
        return transport

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:  # looked up late: reading the certificates of this machine takes its time
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


def _failed(lookup: asyncio.Future[Any]) -> bool:
    return lookup.done() and (lookup.cancelled() or lookup.exception() is not None)


def _why(failure: OSError) -> str:
    return failure.strerror or str(failure) or type(failure).__name__


def _credentials(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    return f"{unquote(parts.username)}:{unquote(parts.password or '')}"
