"""HTTP as every wire protocol needs it: bounded bodies, limits of time, typed failures, and no key in any message."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping

import orjson

from evalgate.catalog import Provider
from evalgate.errors import ProviderError
from evalgate.exchange import JsonValue
from evalgate.providers.again import seconds_until_retry
from evalgate.providers.allowance import allowance_of
from evalgate.providers.assembly import Assembler
from evalgate.providers.base import Allowance, AttemptFailed
from evalgate.providers.body import mended, parse, parse_whole
from evalgate.providers.connection import Connection, Head
from evalgate.providers.origin import Origin
from evalgate.providers.reply import THROTTLED, Reply, as_said, error_in, is_filtered, is_spent, message_of
from evalgate.providers.streaming import FOR_THE_END, Reading, StreamTooLarge, is_stream

__all__ = ["HttpClient", "Reply", "message_of"]

MAX_BODY_BYTES = 8 * 1024 * 1024
RETRYABLE = {408, 409, 425, 429}  # and whatever begins with 5
KEY_REJECTED = {401, 403}
MAX_MESSAGE = 300
_TURNED_AWAY = {  # scored as a bad answer, each of these would be held against the model
    402: "its credit is used up",
    404: "check base_url, and the model's name there (served_as)",
    405: "check base_url",
}


class HttpClient:
    """Makes calls to one provider; must be made inside a running event loop."""

    def __init__(self, provider: Provider, key: str | None) -> None:
        self._provider, self._key = provider, key
        self.allowance: Allowance | None = None
        self._calls: dict[asyncio.Timeout, Connection | None] = {}  # that are under way, by their clocks
        self._origin = Origin(provider, key)
        self._connections, self._secret = self._origin.connections, self._origin.secret

    async def post(self, path: str, body: Mapping[str, JsonValue]) -> Reply:
        """POST `body`; raises `AttemptFailed` when another attempt may help, `ProviderError` when no call will."""
        async with self._connection(self._provider.timeout) as (connection, _):
            call = self._call(connection, "POST", path, orjson.dumps(body))
            if self._provider.first_byte_timeout is None:
                head = await call
            else:
                try:
                    async with asyncio.timeout(self._provider.first_byte_timeout):
                        head = await call
                except TimeoutError:
                    raise self._too_slow() from None
            return self._judge(path, head, await self._read(connection))

    async def stream(
        self, path: str, body: Mapping[str, JsonValue], assembler: Assembler
    ) -> tuple[Reply, float, float | None]:
        """POST `body`, which asks for a stream, and give `assembler` its events.

        Returns the reply as if there had been no stream, the milliseconds until its last event, and those until the
        first that brought content (None when the server sent no stream after all). Raises as `post` does.
        """
        started, reading = time.perf_counter(), Reading(assembler)
        try:
            async with self._connection(self._provider.timeout) as (connection, total):
                try:
                    async with asyncio.timeout(self._provider.first_byte_timeout) as clock:
                        head = await self._call(connection, "POST", path, orjson.dumps(body))
                        if head.status >= 300 or not is_stream(head):
                            clock.reschedule(None)
                            data = await self._read(connection)
                            if head.status >= 300 or not reading.take_whole(data, MAX_BODY_BYTES):
                                reply = self._judge(path, head, data)
                                return reply, (time.perf_counter() - started) * 1000, None
                        else:
                            await reading.read(connection, clock, total, MAX_BODY_BYTES)
                except StreamTooLarge as excess:
                    raise self._too_large(excess.limit) from None
                except TimeoutError:
                    if not reading.is_whole:
                        raise self._too_slow() from None
                self._note(head)
                reply = Reply(head.status, self._whole(assembler.body()))
        except AttemptFailed as failure:
            if failure.arrived and reading.begun:  # a stream's bytes say little: each token is wrapped anew
                failure.arrived = assembler.arrived
            raise
        first = None if reading.first is None else (reading.first - started) * 1000
        return reply, (reading.last - started) * 1000, first

    def heed(self, path: str, reply: Reply) -> Reply:
        """What a reply of status 200 says when it is an error that ends everything, or turns down the question.

        Raises `ProviderError`, as if its own words had been the status; whatever may pass is left to who reads it.
        """
        if reply.status >= 300 or not error_in(reply.body):
            return reply
        status = as_said(reply).status
        may_pass = status in RETRYABLE or status >= 500
        if not is_spent(reply.body) and (status == reply.status or may_pass or is_filtered(reply.body)):
            return reply
        return self._turned_away(path, status, reply.body)

    def hurry(self, seconds: float | None) -> None:
        """See `ProviderClient.hurry`."""
        self._connections.hurry()
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, self._cut_off_the_silent)

    async def close(self) -> None:
        """Close all connections."""
        await self._connections.close()

    def url(self, path: str) -> str:
        """Where `path` (which may have a query) is at this provider."""
        return self._origin.url(path)

    def redact(self, text: str) -> str:
        """`text` without the key, on one line, shortened: for messages that may echo what was sent."""
        without = text.replace(self._key, "[key]") if self._key else text
        return " ".join(without.split())[:MAX_MESSAGE]

    @contextlib.asynccontextmanager
    async def _connection(self, seconds: float) -> AsyncIterator[tuple[Connection, asyncio.Timeout]]:
        """A connection for one call, which may take so long in all; and the clock that sees to it."""
        connection = None
        try:
            async with asyncio.timeout(seconds) as clock:
                self._calls[clock] = None
                try:
                    connection = self._calls[clock] = await self._connections.take()
                    try:
                        yield connection, clock
                    finally:
                        self._connections.give_back(connection)
                finally:
                    del self._calls[clock]
        except TimeoutError:
            failure = self._timed_out(seconds)
            failure.arrived = connection.received if connection is not None and connection.asked else None
            raise failure from None
        except AttemptFailed as failure:
            if connection is not None and failure.arrived is None:
                failure.arrived = connection.paid
            raise

    def _cut_off_the_silent(self) -> None:
        now = asyncio.get_running_loop().time()
        for clock, connection in self._calls.items():
            if connection is None or not connection.received:
                clock.reschedule(now)

    async def _call(
        self, connection: Connection, method: str, path: str, *body: bytes, kind: str = "application/json"
    ) -> Head:
        """Begin a call; `kind` is the media type of the body, if there is one."""
        request = self._origin.head(method, path, kind if body else None, sum(map(len, body)))
        return await connection.call(request, *body)

    def _whole(self, assembled: JsonValue) -> JsonValue:
        """What a stream said, without the key, which may have come in two pieces."""
        try:
            try:
                data = orjson.dumps(assembled)
            except (
                TypeError
            ):  # half of a surrogate pair, or as deep as orjson reads, which is four times what it writes
                data = orjson.dumps(assembled := mended(assembled))
        except (TypeError, ValueError):
            reason = "the stream is nested too deeply"
            raise AttemptFailed(reason) from None
        if len(data) > MAX_BODY_BYTES:
            raise self._too_large(MAX_BODY_BYTES)
        if self._secret is None or self._secret not in data:
            return assembled
        clean: JsonValue = orjson.loads(data.replace(self._secret, b"[key]"))
        return clean

    async def _read(self, connection: Connection) -> bytes:
        chunks: list[bytes] = []
        try:
            while chunk := await _more(connection, chunks):
                if connection.received > MAX_BODY_BYTES:
                    raise self._too_large(MAX_BODY_BYTES)
                chunks.append(chunk)
        except AttemptFailed:
            if not _is_object(b"".join(chunks)):  # which is whole, whatever was promised after it
                raise
        data = b"".join(chunks)
        return data if self._secret is None else data.replace(self._secret, b"[key]")

    def _note(self, head: Head) -> None:
        self.allowance = allowance_of(head.headers, time.time()) or self.allowance

    def _judge(self, path: str, head: Head, data: bytes) -> Reply:
        status = head.status
        self._note(head)
        if status < 300:
            try:
                return Reply(status, parse_whole(data))
            except ValueError:
                encoding = head.headers.get("content-encoding", "")  # some encode though they were asked not to
                reason = self.redact(f"the response is not JSON{f', but {encoding}' if encoding else ''}")
                raise AttemptFailed(reason) from None
        try:
            body = parse_whole(data)
        except ValueError:
            body = {"error": {"message": data.decode(errors="replace").strip()}}
        if not is_spent(body) and (status in RETRYABLE or status >= 500):
            reason = f"HTTP {status}: {self.redact(message_of(body))}"
            again = seconds_until_retry(head.headers, time.time())
            raise AttemptFailed(reason, retry_after=again, throttled=status in THROTTLED)
        return self._turned_away(path, status, body)

    def _turned_away(self, path: str, status: int, body: JsonValue) -> Reply:
        """The refusal of a question; raises `ProviderError` when every other one would be refused as well."""
        message = self.redact(message_of(body))
        what = f"provider {self._provider.id!r} at {self.url(path)} turns every call away (HTTP {status})"
        if is_spent(body):
            raise ProviderError(f"{what}: {message}; {_TURNED_AWAY[402]}")
        if status in KEY_REJECTED and not is_filtered(body):
            variable = self._provider.api_key_env or "api_key_env (none is set in the catalogue)"
            message = f"provider {self._provider.id!r} rejects the key (HTTP {status}); check {variable}"
            raise ProviderError(message)
        if hint := _TURNED_AWAY.get(status) or (_TURNED_AWAY[404] if status < 400 else None):
            raise ProviderError(f"{what}: {message}; {hint}")
        return Reply(status, body)

    def _timed_out(self, seconds: float) -> AttemptFailed:
        return AttemptFailed(f"no answer within {seconds:g} s")

    def _too_slow(self) -> AttemptFailed:
        return AttemptFailed(f"no first byte within {self._provider.first_byte_timeout:g} s", arrived=0)

    def _too_large(self, limit: int) -> ProviderError:
        message = f"provider {self._provider.id!r} sent an answer of more than {limit >> 20} MiB"
        return ProviderError(
            f"{message}; lower max_tokens in the suite, or look at what answers at {self._origin.base}"
        )


async def _more(connection: Connection, chunks: list[bytes]) -> bytes:
    """More of a body; nothing at its end, or when it is whole already and no end of it comes."""
    if not chunks or connection.ended or not chunks[-1].rstrip().endswith(b"}") or not _is_object(b"".join(chunks)):
        return await connection.piece()
    try:
        async with asyncio.timeout(FOR_THE_END):
            return await connection.piece()
    except TimeoutError:
        return b""


def _is_object(data: bytes) -> bool:
    try:
        return isinstance(parse(data), dict)
    except ValueError:
        return False
