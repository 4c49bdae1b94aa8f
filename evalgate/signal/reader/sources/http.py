"""An HTTP server: ETag and 304, and `?wait=` where the server knows it; one that does not is polled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from evalgate.errors import InfrastructureError, InputError
from evalgate.signal.envelope import MAX_BYTES
from evalgate.signal.reader.sources import Fetched

_CONNECT, _SILENCE, _WHOLE = 5.0, 10.0, 60.0  # seconds: to connect, between two pieces, for all of an answer


class HTTPSource:
    """One URL, with a bearer token if need be. What is told of it in errors has neither password nor query."""

    def __init__(self, url: str, token: str | None = None) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:  # a port that is no number, half an IPv6 address; not quoted, it may hold a password
            host, port = None, None
        if not host:
            raise InputError("the signal's URL cannot be read: expected https://host/path")
        self.shown = f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"
        self._url = url
        self._headers = {"Accept-Encoding": "identity"}  # so that no small answer grows large
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._client: httpx.AsyncClient | None = None

    async def fetch(self, tag: str | None, wait: float) -> Fetched | None:
        """As `Source` says."""
        headers, url = dict(self._headers), httpx.URL(self._url)
        if tag is not None:
            headers["If-None-Match"] = tag
            if wait >= 1:
                url = url.copy_merge_params({"wait": str(int(wait))})
        return await self.get(url, headers, wait)

    async def get(self, url: httpx.URL, headers: Mapping[str, str], wait: float) -> Fetched | None:
        """One conditional GET; None for 304. Raises `InfrastructureError`."""
        if self._client is None:
            self._client = httpx.AsyncClient(follow_redirects=False)
        timeout = httpx.Timeout(_SILENCE, connect=_CONNECT, read=_SILENCE + wait)
        try:
            async with (
                asyncio.timeout(_WHOLE + wait),
                self._client.stream("GET", url, headers=headers, timeout=timeout) as response,
            ):
                if response.status_code == httpx.codes.NOT_MODIFIED:
                    return None
                self._require_document(response)
                data = bytearray()
                async for piece in response.aiter_raw():
                    data += piece
                    if len(data) > MAX_BYTES:
                        break
                return Fetched(bytes(data), response.headers.get("ETag"))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as failure:
            told = str(failure) or type(failure).__name__
            raise InfrastructureError(f"{self.shown}: cannot be reached: {told[:300]}") from None

    def _require_document(self, response: httpx.Response) -> None:
        if response.status_code != httpx.codes.OK:
            advice = "; is the token right?" if response.status_code in (401, 403) else ""
            raise InfrastructureError(f"{self.shown}: HTTP {response.status_code}, expected 200 or 304{advice}")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise InfrastructureError(f"{self.shown}: answered with an encoding that was not asked for")

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None
