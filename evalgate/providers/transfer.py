"""Large bodies over HTTP: files that go up, and results of any length that come down line by line.

`HttpClient` is made for a question and its answer: short, and within a time limit. Here a body may take minutes; what
must not happen is that it takes for ever, or all of the memory.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from typing import TypeVar
from urllib.parse import urlsplit

from evalgate.catalog import Provider
from evalgate.providers.base import AttemptFailed
from evalgate.providers.connection import Connection
from evalgate.providers.http import MAX_BODY_BYTES, HttpClient, Reply, message_of

T = TypeVar("T")

MAX_LINE_BYTES = MAX_BODY_BYTES
SLOWEST = 250_000  # bytes per second that a line to the internet takes at the least (2 Mbit/s)


class Transfer(HttpClient):
    """An `HttpClient` for large bodies; its methods raise as `HttpClient.post` does."""

    def __init__(self, provider: Provider, key: str | None) -> None:
        super().__init__(provider.model_copy(update={"first_byte_timeout": None}), key)

    async def get(self, path: str) -> Reply:
        """GET a small JSON document. That there is none (404; 405 where there never is one) is a reply with 404."""
        async with self._connection(self._provider.timeout) as (connection, _):
            head = await self._call(connection, "GET", path)
            data = await self._read(connection)
            return Reply(404, {}) if head.status in {404, 405} else self._judge(path, head, data)

    async def send(self, path: str, data: bytes) -> Reply:
        """POST a large JSON body."""
        return await self._send(path, data)

    async def upload(self, path: str, fields: Mapping[str, str], name: str, content: bytes) -> Reply:
        """POST a file called `name`, with `fields` before it, as a form does (RFC 7578)."""
        boundary = secrets.token_hex(16)
        part = f'--{boundary}\r\nContent-Disposition: form-data; name="'
        before = "".join(f'{part}{field}"\r\n\r\n{value}\r\n' for field, value in fields.items())
        before += f'{part}file"; filename="{name}"\r\nContent-Type: application/jsonl\r\n\r\n'
        after = f"\r\n--{boundary}--\r\n"
        kind = f"multipart/form-data; boundary={boundary}"
        return await self._send(path, before.encode(), content, after.encode(), kind=kind)

    async def lines(self, path: str) -> AsyncGenerator[bytes, None]:
        """The lines of a file at the provider; in place of one that is too long there is an empty one.

        A file that is not there has no lines.
        """
        connection = await self._connections.take()
        try:
            head = await self._in_time(self._call(connection, "GET", path))
            if head.status == 404:
                return
            if head.status >= 300:
                reply = self._judge(path, head, await self._in_time(self._read(connection)))
                reason = self.redact(f"HTTP {reply.status}: {message_of(reply.body)}")
                raise AttemptFailed(reason)
            if head.is_open_ended:
                reason = "nothing says where the file ends, so that it may be cut off"
                raise AttemptFailed(reason)
            async with aclosing(self._split(connection)) as lines:
                async for line in lines:
                    yield line if self._secret is None else line.replace(self._secret, b"[key]")
        finally:
            self._connections.give_back(connection)

    def path_of(self, url: str) -> str | None:
        """The path of a URL that the provider named; None when it is elsewhere, where the key must not go."""
        base = urlsplit(self.url("/"))
        try:
            named = urlsplit(url)
        except ValueError:
            return None
        root = base.path.removesuffix("/")
        if (named.scheme, named.netloc) != (base.scheme, base.netloc) or not named.path.startswith(f"{root}/"):
            return None
        path = named.path.removeprefix(root)
        return f"{path}?{named.query}" if named.query else path

    async def _send(self, path: str, *body: bytes, kind: str = "application/json") -> Reply:
        seconds = self._provider.timeout + sum(map(len, body)) / SLOWEST
        async with self._connection(seconds) as (connection, _):
            head = await self._call(connection, "POST", path, *body, kind=kind)
            return self._judge(path, head, await self._read(connection))

    async def _in_time(self, waiting: Awaitable[T]) -> T:
        """Wait for something that is limited by itself, and not together with all that comes after it."""
        try:
            async with asyncio.timeout(self._provider.timeout):
                return await waiting
        except TimeoutError:
            raise self._timed_out(self._provider.timeout) from None

    async def _split(self, connection: Connection) -> AsyncGenerator[bytes, None]:
        pieces: list[bytes] = []  # of a line that is not complete yet
        size = 0
        while chunk := await self._in_time(connection.piece()):
            *complete, rest = chunk.split(b"\n")
            for line in complete:
                yield b"" if size + len(line) > MAX_LINE_BYTES else b"".join((*pieces, line))
                pieces, size = [], 0
            size += len(rest)
            pieces = [*pieces, rest] if size <= MAX_LINE_BYTES else []
        if size:
            yield b"" if size > MAX_LINE_BYTES else b"".join(pieces)
