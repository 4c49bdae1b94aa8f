"""Large bodies over HTTP: files that go up, and results of any length that come down line by line.

`HttpClient` is made for a question and its answer: short, and within a time limit. Here a body may take minutes; what
must not happen is that it takes for ever, or all of the memory.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from urllib.parse import urlsplit

import aiohttp

from evalgate.catalog import Provider
from evalgate.providers.http import MAX_BODY_BYTES, HttpClient, Reply

MAX_LINE_BYTES = MAX_BODY_BYTES
SLOWEST = 250_000  # bytes per second that a line to the internet takes at the least (2 Mbit/s)


class Transfer(HttpClient):
    """An `HttpClient` for large bodies; its methods raise as `HttpClient.post` does."""

    def __init__(self, provider: Provider, key: str | None) -> None:
        super().__init__(provider.model_copy(update={"first_byte_timeout": None}), key)

    async def get(self, path: str) -> Reply:
        """GET a small JSON document. That there is none (404; 405 where there never is one) is a reply with 404."""
        try:
            async with self._session.get(self.url(path), allow_redirects=False, proxy=self._proxy) as response:
                data = await self._read(response)
                return Reply(404, {}) if response.status in {404, 405} else self._judge(response, data)
        except (aiohttp.ClientError, TimeoutError, UnicodeError) as failure:
            raise self._failure(failure) from None

    async def send(self, path: str, data: bytes) -> Reply:
        """POST a large JSON body."""
        return await self._send(path, io.BytesIO(data), len(data), {})

    async def upload(self, path: str, fields: Mapping[str, str], name: str, content: bytes) -> Reply:
        """POST a file called `name`, with `fields` before it, as a form does."""
        with aiohttp.MultipartWriter("form-data") as form:
            for field, value in fields.items():
                form.append(value, {"Content-Type": "text/plain"}).set_content_disposition("form-data", name=field)
            file = form.append(io.BytesIO(content), {"Content-Type": "application/jsonl"})
            file.set_content_disposition("form-data", name="file", filename=name)
        return await self._send(path, form, len(content), {"Content-Type": form.content_type})

    async def lines(self, path: str) -> AsyncGenerator[bytes, None]:
        """The lines of a file at the provider; in place of one that is too long there is an empty one.

        A file that is not there has no lines.
        """
        limits = aiohttp.ClientTimeout(total=None, connect=self._connect)
        try:
            async with self._session.get(
                self.url(path), allow_redirects=False, proxy=self._proxy, timeout=limits
            ) as response:
                if response.status == 404:
                    return
                if response.status >= 300:
                    self._judge(response, await self._read(response))
                async with aclosing(self._split(response)) as lines:
                    async for line in lines:
                        yield line if self._secret is None else line.replace(self._secret, b"[key]")
        except (aiohttp.ClientError, TimeoutError, UnicodeError) as failure:
            raise self._failure(failure) from None

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

    async def _send(
        self, path: str, data: io.BytesIO | aiohttp.MultipartWriter, size: int, headers: Mapping[str, str]
    ) -> Reply:
        seconds = self._provider.timeout + size / SLOWEST
        limits = aiohttp.ClientTimeout(total=seconds, connect=self._connect)
        try:
            async with self._session.post(
                self.url(path), data=data, headers=headers, allow_redirects=False, proxy=self._proxy, timeout=limits
            ) as response:
                return self._judge(response, await self._read(response))
        except (aiohttp.ClientError, TimeoutError, UnicodeError) as failure:
            raise self._failure(failure) from None

    async def _split(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        pieces: list[bytes] = []  # of a line that is not complete yet
        size = 0
        chunks = response.content.iter_any()
        while True:
            async with asyncio.timeout(self._provider.timeout):
                chunk = await anext(chunks, None)
            if chunk is None:
                break
            *complete, rest = chunk.split(b"\n")
            for line in complete:
                yield b"" if size + len(line) > MAX_LINE_BYTES else b"".join((*pieces, line))
                pieces, size = [], 0
            size += len(rest)
            pieces = [*pieces, rest] if size <= MAX_LINE_BYTES else []
        if size:
            yield b"" if size > MAX_LINE_BYTES else b"".join(pieces)
