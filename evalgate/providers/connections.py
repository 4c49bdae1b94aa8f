"""Connections to one server: opened when there is none to use again, by TCP, TLS and a proxy."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from aiohappyeyeballs import start_connection

from evalgate.providers.base import AttemptFailed
from evalgate.providers.connection import Connection

IDLE_SECONDS = 15.0  # servers close what is idle for long, some without a word
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
        host = (parts.hostname or "").encode("idna").decode()
        if not host.strip(".") or parts.port == 0:
            reason = "there is no host in it"
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
        self._tls: ssl.SSLContext | None = None
        self._closed = False

    async def take(self) -> Connection:
        """A connection for one call; raises `AttemptFailed` when none comes about."""
        while self._idle:
            connection, since = self._idle.pop()
            if connection.reusable and self._loop.time() - since < IDLE_SECONDS:
                return connection
            connection.close()
        try:
            async with asyncio.timeout(self._timeout):
                return await self._open()
        except TimeoutError:
            reason = f"no connection in time ({self._timeout:g} s)"
        except OSError as failure:
            reason = f"no connection: {failure.strerror or failure}"
        raise AttemptFailed(reason, unreachable=True)

    def give_back(self, connection: Connection) -> None:
        """Keep it for another call if it is good for one."""
        if connection.reusable and not self._closed:
            self._idle.append((connection, self._loop.time()))
        else:
            connection.close()

    async def close(self) -> None:
        """Close what is idle now, and the others when they are given back."""
        self._closed = True
        for connection, _ in self._idle:
            connection.close()
        await asyncio.sleep(0)  # in which the event loop lets go of them

    async def _open(self) -> Connection:
        if self._proxy is None:
            return await self._reach(self._server)
        try:
            connection = await self._reach(self._proxy)
        except OSError as failure:
            reason = f"no connection to the proxy: {failure.strerror or failure}"
            raise AttemptFailed(reason, unreachable=True) from None
        return connection if self._server.scheme == "http" else await self._tunnel(connection, self._proxy)

    async def _reach(self, address: Address) -> Connection:
        infos = await self._loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        reached = await start_connection(infos, happy_eyeballs_delay=SECOND_ADDRESS_SECONDS)
        reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if address.scheme == "http":
                return (await self._loop.create_connection(Connection, sock=reached))[1]
            tls = self._context()
            return (
                await self._loop.create_connection(Connection, sock=reached, ssl=tls, server_hostname=address.host)
            )[1]
        except BaseException:
            reached.close()
            raise

    async def _tunnel(self, connection: Connection, proxy: Address) -> Connection:
        """A connection to the server inside of that to the proxy, who cannot look into it."""
        named = self._server.full_authority
        request = f"CONNECT {named} HTTP/1.1\r\nHost: {named}\r\n{proxy.authorization}\r\n"
        try:
            head = await connection.call(request.encode())
            if head.status == 200:
                return await self._encrypted(connection)
        except BaseException:
            connection.close()
            raise
        connection.close()
        reason = f"no connection: the proxy refuses (HTTP {head.status})"
        raise AttemptFailed(reason, unreachable=True)

    async def _encrypted(self, connection: Connection) -> Connection:
        inner, outer, tls = Connection(), connection.transport, self._context()
        assert outer is not None
        transport = await self._loop.start_tls(outer, inner, tls, server_hostname=self._server.host)
        assert transport is not None
        inner.connection_made(transport)
        return inner

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:  # looked up late: reading the certificates of this machine takes its time
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


def _credentials(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    return f"{unquote(parts.username)}:{unquote(parts.password or '')}"
