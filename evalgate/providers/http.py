"""HTTP as every wire protocol here needs it: one session, bounded bodies, typed failures, and no key in any message.

aiohttp, because calls are many and a harness should cost little CPU beside them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from types import SimpleNamespace

import aiohttp
import orjson

from evalgate import __version__
from evalgate.catalog import Provider
from evalgate.errors import InputError, ProviderError
from evalgate.exchange import JsonValue
from evalgate.providers.access import authentication, query_of, root_of
from evalgate.providers.allowance import allowance_of
from evalgate.providers.assembly import Assembler
from evalgate.providers.base import Allowance, AttemptFailed
from evalgate.providers.proxy import proxy_for
from evalgate.providers.reply import THROTTLED, Reply, is_filtered, is_spent, message_of
from evalgate.providers.sse import EventReader

__all__ = ["HttpClient", "Reply", "message_of"]

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_STREAM_BYTES = 8 * MAX_BODY_BYTES  # every token of a stream is wrapped anew
RETRYABLE = {408, 409, 425, 429}  # and whatever begins with 5
KEY_REJECTED = {401, 403}
MAX_MESSAGE = 300
MIN_SECRET = 16  # characters; shorter keys are placeholders such as EMPTY, and may be words of an answer
LAST_BYTES = 0.2  # seconds in which the end of a stream may still come, so that its connection can be used again
_TURNED_AWAY = {  # scored as a bad answer, each of these would be held against the model
    402: "its credit is used up",
    404: "check base_url, and the model's name there (served_as)",
    405: "check base_url",
}


_Call = AbstractAsyncContextManager[aiohttp.ClientResponse]


class HttpClient:
    """POSTs JSON to one provider."""

    def __init__(self, provider: Provider, key: str | None) -> None:
        self._provider, self._key = provider, key
        headers = {"Content-Type": "application/json", "User-Agent": f"evalgate/{__version__}"}
        headers |= authentication(provider, key)
        self.allowance: Allowance | None = None
        self._base, self._query = root_of(provider), query_of(provider)
        self._proxy = proxy_for(self._base)
        # as it stands in JSON; an endpoint that echoes the key must not get it stored
        self._secret = orjson.dumps(key)[1:-1] if key is not None and len(key) >= MIN_SECRET else None
        # less than the whole: a provider that is not there is told from one that does not answer
        self._connect = min(provider.connect_timeout, 0.9 * provider.timeout)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=provider.concurrency),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=provider.timeout, connect=self._connect),
            trace_configs=[_stopwatch(provider.first_byte_timeout)] if provider.first_byte_timeout else None,
        )

    async def post(self, path: str, body: Mapping[str, JsonValue]) -> Reply:
        """POST `body`; raises `AttemptFailed` when another attempt may help, `ProviderError` when no call will."""
        try:
            data = orjson.dumps(body)
            hurried = self._provider.first_byte_timeout is not None
            async with await self._in_time(path, data) if hurried else self._call(path, data) as response:
                return self._judge(response, await self._read(response))
        except (aiohttp.ClientError, TimeoutError, UnicodeError) as failure:
            raise self._failure(failure) from None

    async def stream(
        self, path: str, body: Mapping[str, JsonValue], assembler: Assembler
    ) -> tuple[Reply, float, float | None]:
        """POST `body`, which asks for a stream, and give `assembler` its events.

        Returns the reply as if there had been no stream, the milliseconds until its last event, and those until the
        first that brought content (None when the server sent no stream after all). Raises as `post` does.
        """
        try:
            return await self._stream(path, orjson.dumps(body), assembler)
        except (aiohttp.ClientError, TimeoutError, UnicodeError) as failure:
            raise self._failure(failure) from None

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    def url(self, path: str) -> str:
        """Where `path` (which may have a query) is at this provider."""
        if not self._query:
            return self._base + path
        return f"{self._base}{path}{'&' if '?' in path else '?'}{self._query}"

    def redact(self, text: str) -> str:
        """`text` without the key, on one line, shortened: for messages that may echo what was sent."""
        without = text.replace(self._key, "[key]") if self._key else text
        return " ".join(without.split())[:MAX_MESSAGE]

    def _call(self, path: str, data: bytes, clock: asyncio.Timeout | None = None) -> _Call:
        return self._session.post(
            self.url(path), data=data, allow_redirects=False, proxy=self._proxy, trace_request_ctx=clock
        )

    async def _in_time(self, path: str, data: bytes) -> aiohttp.ClientResponse:
        """Begin a call whose first byte has a time limit of its own."""
        try:
            async with asyncio.timeout(None) as clock:
                return await self._call(path, data, clock).__aenter__()
        except TimeoutError as failure:
            raise self._too_slow(clock, failure) from None

    async def _stream(self, path: str, data: bytes, assembler: Assembler) -> tuple[Reply, float, float | None]:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(None) as clock, self._call(path, data, clock) as response:
                if response.status >= 300 or response.content_type != "text/event-stream":
                    clock.reschedule(None)
                    reply = self._judge(response, await self._read(response))
                    return reply, (time.perf_counter() - started) * 1000, None
                first = await self._assemble(response, assembler, clock)
                ended = time.perf_counter()
                self._note(response)
                body = self._whole(assembler.body())
                await _let_go(response)
        except TimeoutError as failure:
            raise self._too_slow(clock, failure) from None
        return (
            Reply(response.status, body),
            (ended - started) * 1000,
            None if first is None else (first - started) * 1000,
        )

    async def _assemble(
        self, response: aiohttp.ClientResponse, assembler: Assembler, clock: asyncio.Timeout
    ) -> float | None:
        """Give `assembler` all events; returns when the first of them came that brought content."""
        reader = EventReader(MAX_BODY_BYTES)
        size, first = 0, None
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > MAX_STREAM_BYTES:
                raise self._too_large(MAX_STREAM_BYTES)
            for name, data in reader.feed(chunk):
                clock.reschedule(None)
                if assembler.feed(name, data) and first is None:
                    first = time.perf_counter()
                if assembler.done:
                    return first
        for name, data in reader.close():
            assembler.feed(name, data)
        return first

    def _whole(self, assembled: JsonValue) -> JsonValue:
        """What a stream said, without the key, which may have come in two pieces."""
        try:
            data = orjson.dumps(assembled)
        except TypeError:  # orjson reads four times as deep as it writes
            reason = "the stream is nested too deeply"
            raise AttemptFailed(reason) from None
        if len(data) > MAX_BODY_BYTES:
            raise self._too_large(MAX_BODY_BYTES)
        if self._secret is None or self._secret not in data:
            return assembled
        clean: JsonValue = orjson.loads(data.replace(self._secret, b"[key]"))
        return clean

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                response.close()  # the rest is not wanted, and reading it would cost time and memory
                raise self._too_large(MAX_BODY_BYTES)
            chunks.append(chunk)
        data = b"".join(chunks)
        return data if self._secret is None else data.replace(self._secret, b"[key]")

    def _note(self, response: aiohttp.ClientResponse) -> None:
        self.allowance = allowance_of(response.headers, time.time()) or self.allowance

    def _judge(self, response: aiohttp.ClientResponse, data: bytes) -> Reply:
        status = response.status
        self._note(response)
        if status < 300:
            try:
                return Reply(status, orjson.loads(data))
            except orjson.JSONDecodeError:
                reason = "the response is not JSON"
                raise AttemptFailed(reason) from None
        try:
            body: JsonValue = orjson.loads(data)
        except orjson.JSONDecodeError:
            body = {"error": {"message": data.decode(errors="replace").strip()}}
        message = self.redact(message_of(body))
        what = f"provider {self._provider.id!r} at {response.url} turns every call away (HTTP {status})"
        if is_spent(body):
            raise ProviderError(f"{what}: {message}; {_TURNED_AWAY[402]}")
        if status in RETRYABLE or status >= 500:
            retry_after = _retry_after(response.headers)
            raise AttemptFailed(f"HTTP {status}: {message}", retry_after=retry_after, throttled=status in THROTTLED)
        if status in KEY_REJECTED and not is_filtered(body):
            variable = self._provider.api_key_env or "api_key_env (none is set in the catalogue)"
            message = f"provider {self._provider.id!r} rejects the key (HTTP {status}); check {variable}"
            raise ProviderError(message)
        if hint := _TURNED_AWAY.get(status) or (_TURNED_AWAY[404] if status < 400 else None):
            raise ProviderError(f"{what}: {message}; {hint}")
        return Reply(status, body)

    def _failure(self, failure: Exception) -> Exception:
        """What an error of the HTTP library means."""
        if isinstance(failure, aiohttp.ClientConnectorError):
            where = " to the proxy" if isinstance(failure, aiohttp.ClientProxyConnectionError) else ""
            return AttemptFailed(f"no connection{where}: {failure.strerror}", unreachable=True)
        if isinstance(failure, aiohttp.ClientHttpProxyError):
            return AttemptFailed(f"no connection: the proxy refuses (HTTP {failure.status})", unreachable=True)
        if isinstance(failure, aiohttp.InvalidURL | UnicodeError):
            return InputError(f"provider {self._provider.id!r}: invalid base_url {self._base}")
        if isinstance(failure, aiohttp.ServerTimeoutError):  # of the connection alone: no read has a limit of its own
            return AttemptFailed(f"no connection in time ({self._connect:g} s)", unreachable=True)
        if isinstance(failure, TimeoutError):
            return AttemptFailed(f"no answer within {self._provider.timeout:g} s")
        return AttemptFailed(f"connection broke: {type(failure).__name__}")

    def _too_slow(self, clock: asyncio.Timeout, failure: TimeoutError) -> Exception:
        if clock.expired():
            return AttemptFailed(f"no first byte within {self._provider.first_byte_timeout:g} s")
        return self._failure(failure)

    def _too_large(self, limit: int) -> InputError:
        message = f"provider {self._provider.id!r} sent an answer of more than {limit >> 20} MiB"
        return InputError(f"{message}; lower max_tokens in the suite, or look at what answers at {self._base}")


def _stopwatch(seconds: float) -> aiohttp.TraceConfig:
    """Starts the clock of the first byte when the request is on its way, so that connecting does not count."""

    async def sent(
        _: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceRequestHeadersSentParams
    ) -> None:
        context.trace_request_ctx.reschedule(asyncio.get_running_loop().time() + seconds)

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(sent)
    return trace


async def _let_go(response: aiohttp.ClientResponse) -> None:
    """Wait a moment for the end of a stream that has said everything: then its connection can be used again."""
    try:
        async with asyncio.timeout(LAST_BYTES):
            async for _ in response.content.iter_any():
                pass
    except (TimeoutError, aiohttp.ClientError):
        response.close()


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from `retry-after-ms` or `Retry-After`; dates and nonsense are left to the backoff."""
    for name, unit in (("retry-after-ms", 0.001), ("Retry-After", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None
