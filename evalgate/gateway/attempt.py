"""One attempt at one upstream: a whole answer, or a stream that is opened and held until content has come."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NoReturn

import orjson

from evalgate.errors import ProviderError
from evalgate.gateway.asked import Asked
from evalgate.gateway.outgoing import encoded, outgoing, with_usage
from evalgate.gateway.refusal import Refused
from evalgate.gateway.shapes import error_body
from evalgate.gateway.spelled import Spelled
from evalgate.gateway.splitter import Splitter
from evalgate.gateway.tally import Seen, Tally
from evalgate.gateway.translation import Translation, Untranslatable
from evalgate.gateway.translations import between
from evalgate.gateway.trouble import Trouble, of_error, of_failure, of_status, silent
from evalgate.gateway.upstreams import Upstream
from evalgate.providers.base import AttemptFailed
from evalgate.providers.connection import Connection, Head
from evalgate.providers.openrouter import require_pinned
from evalgate.providers.reply import error_in
from evalgate.router import Option

if TYPE_CHECKING:
    from evalgate.gateway.translation import StreamTranslation

MIB = 1024 * 1024
LARGEST_ANSWER = 64 * MIB  # of a whole one: it is held in memory
LARGEST_ERROR = MIB
LARGEST_EVENT = 16 * MIB
MOST_HELD = 4 * MIB  # of a stream, before content comes
MOST_COMMENTS = 64 * 1024
_BETA = "anthropic-beta"
_TOLD_KEY = "the upstream told a key that is not for clients"


class Attempting:
    """What goes on at one upstream; whoever interrupts it reads here how far it came.

    `started` and `first` (the first content) in seconds of `time.perf_counter`; `sent`: whether the request went out,
    so that it may be charged.
    """

    __slots__ = (
        "_body",
        "_held",
        "_held_size",
        "_path",
        "_spelled",
        "_splitter",
        "_translator",
        "_withhold",
        "asked",
        "connection",
        "first",
        "option",
        "request_id",
        "sent",
        "started",
        "tally",
        "translated",
        "upstream",
    )

    def __init__(self, asked: Asked, option: Option, upstream: Upstream) -> None:
        """Raises `Trouble` where the upstream's API has no words for the request."""
        self.asked, self.option, self.upstream = asked, option, upstream
        self.translated: Translation | None = between(asked.speech, upstream.provider.protocol, asked.path)
        choices = asked.body.get("n")
        self.tally = Tally(upstream.speech, choices if isinstance(choices, int) and choices > 0 else 1)
        self.connection: Connection | None = None
        self.first: float | None = None
        self.sent = False
        self.request_id = ""
        self.started = time.perf_counter()
        self._path = asked.path if self.translated is None else self.translated.path
        self._body = outgoing(asked.body, option.endpoint)
        if self.translated is not None:
            try:
                self._body = self.translated.request(self._body)
            except Untranslatable as failure:
                body = error_body(asked.speech, Refused(400, "invalid_request_error", str(failure)))
                raise Trouble("wordless", 400, str(failure), body=body) from None
        self._translator: StreamTranslation | None = None
        self._splitter = Splitter(LARGEST_EVENT)
        self._spelled = None if upstream.secret is None else Spelled(upstream.secret)
        self._withhold = False
        self._held: list[bytes] = []
        self._held_size = 0

    async def whole(self, limit: float | None) -> bytes:
        """The answer as the client is sent it. `limit`: seconds until the first byte. Raises `Trouble`, `Refused`."""
        seconds = self.upstream.provider.timeout
        connections = self.upstream.origin.connections
        try:
            async with asyncio.timeout(seconds):
                connection = self.connection = await connections.take()
                try:
                    head = await self._call(connection, limit)
                    data = await _read(connection, LARGEST_ANSWER if head.status < 300 else LARGEST_ERROR)
                finally:
                    self.connection = None
                    connections.give_back(connection)
        except TimeoutError:
            raise silent(seconds) from None
        except AttemptFailed as failure:
            raise of_failure(failure, asked=self.sent) from None
        return self._judged(head, self.upstream.redacted(data))

    async def open(self, limit: float | None) -> bytes:
        """Open a stream; returns what the client is sent first, which carries content.

        `limit`: seconds until then, None for the last attempt, which has `timeout` between two pieces. When this
        returns, `connection` is the stream's, to be given back; when it raises `Trouble` nothing has to be done.
        """
        connections = self.upstream.origin.connections
        patience = self.upstream.provider.timeout
        if limit is not None:
            limit = min(limit, patience)
        connection = None
        try:
            async with asyncio.timeout(patience if limit is None else limit) as clock:
                connection = self.connection = await connections.take()
                head = await self._call(connection, None)
                if head.status in (400, 422) and self._withhold and "stream_options" not in self.asked.body:
                    await self._refused_with_usage(connection, head)
                    connections.give_back(connection)
                    connection = self.connection = await connections.take()
                    head = await self._call(connection, None, count=False)
                    self.upstream.tells_usage = head.status >= 300  # then it was not for that
                if head.status >= 300:
                    await self._refused(connection, head)
                if "text/event-stream" not in head.headers.get("content-type", "").lower():
                    await self._not_a_stream(connection)
                if self.translated is not None:
                    self._translator = self.translated.stream(self.asked.body)
                while self.first is None:
                    piece = await connection.piece()
                    if not piece:
                        self._closed()
                        break
                    if limit is None:
                        clock.reschedule(asyncio.get_running_loop().time() + patience)
                    self._hold(piece)
            self._require_pinned()
        except BaseException as failure:
            self.connection = None
            if connection is not None:
                connections.give_back(connection)
            if isinstance(failure, TimeoutError):
                raise silent(patience if limit is None else limit) from None
            if isinstance(failure, AttemptFailed):
                raise of_failure(failure, asked=self.sent) from None
            raise
        held, self._held = b"".join(self._held), []
        return held

    def take(self, piece: bytes) -> tuple[bytes, Seen | None]:
        """What the client is sent for a piece of the stream, and what ended it: DONE, ERROR, or nothing."""
        told: list[bytes] = []
        ended: Seen | None = None
        for each in self._splitter.feed(piece):
            event = self.upstream.redacted(each)
            seen = self.tally.event(event)
            if seen is Seen.ERROR:
                ended = seen
                break
            passed = self._passed(event, seen)
            if passed is None:
                self.tally.error, ended = {"error": {"message": _TOLD_KEY}}, Seen.ERROR
                break
            told.append(passed)
            if seen is Seen.DONE:
                ended = seen
                break
        return b"".join(told), ended

    def rest(self) -> bytes:
        """What the client is sent for an event whose empty line never came."""
        event = self.upstream.redacted(self._splitter.close())
        if not event.strip():
            return b""
        return self._passed(event + b"\n\n", self.tally.event(event)) or b""

    def ending(self) -> bytes:
        """What the client is still sent after the end of a stream that is whole."""
        held = b"" if self._spelled is None else self._spelled.rest()
        return held if self._translator is None else held + self._translator.end()

    def _passed(self, event: bytes, seen: Seen) -> bytes | None:
        """What the client is sent now; None: with this event the upstream has told the key of the gateway."""
        told = self._translate(event, seen)
        if self._spelled is None:
            return told
        if seen is Seen.DONE:
            return self._spelled.rest() + told
        return self._spelled.passes(told, self.tally.text)

    def _translate(self, event: bytes, seen: Seen) -> bytes:
        if seen is Seen.MALFORMED or (seen is Seen.USAGE and self._withhold and self._translator is None):
            return b""
        if self._translator is None:
            return event
        return self._translator.feed(event)

    def _hold(self, piece: bytes) -> None:
        for each in self._splitter.feed(piece):
            event = self.upstream.redacted(each)
            seen = self.tally.event(event)
            if seen is Seen.ERROR:
                raise of_error(self.tally.error, orjson.dumps(self.tally.error))
            if seen is Seen.DONE and self.first is None:
                raise Trouble("unusable", 502, "the stream ended without content", asked=True)
            if seen is Seen.CONTENT and self.first is None:
                self.first = time.perf_counter()
            if event.startswith(b":") and self._held_size > MOST_COMMENTS and self.first is None:
                continue
            told = self._passed(event, seen)
            if told is None:
                raise Trouble("unusable", 502, _TOLD_KEY, asked=True)
            self._held.append(told)
            self._held_size += len(told)
            if seen is Seen.DONE:
                break
        if self.first is None and self._held_size > MOST_HELD:
            raise Trouble(
                "unusable", 502, f"more than {MOST_HELD // MIB} MiB of a stream came without content", asked=True
            )

    def _closed(self) -> None:
        """The stream ended before content came, or in the middle of the event that has it."""
        event = self._splitter.close()
        if event.strip():
            self._hold(event.rstrip(b"\r\n") + b"\n\n")
        if self.first is None:
            raise Trouble("unusable", 502, "the stream ended before any content came", asked=True)

    async def _refused(self, connection: Connection, head: Head) -> NoReturn:
        data = await _read(connection, LARGEST_ERROR)
        raise of_status(head.status, head.headers, self.upstream.redacted(data))

    async def _refused_with_usage(self, connection: Connection, head: Head) -> None:
        """Returns when it seems to be for asking to count the tokens."""
        data = await _read(connection, LARGEST_ERROR)
        if b"stream_options" not in data:
            raise of_status(head.status, head.headers, self.upstream.redacted(data))

    async def _not_a_stream(self, connection: Connection) -> None:
        data = self.upstream.redacted(await _read(connection, LARGEST_ERROR))
        try:
            body = orjson.loads(data)
        except orjson.JSONDecodeError:
            body = None
        if error_in(body):
            raise of_error(body, data)
        raise Trouble("unusable", 502, "the upstream sent no stream of events, though it was asked for one", asked=True)

    async def _call(self, connection: Connection, limit: float | None, *, count: bool = True) -> Head:
        request = self._request(count=count)
        self.sent = True
        try:
            if limit is None:
                head = await connection.call(*request)
            else:
                async with asyncio.timeout(limit):
                    head = await connection.call(*request)
        except TimeoutError:
            if limit is None:
                raise
            raise silent(limit) from None
        self.request_id = head.headers.get("x-request-id") or head.headers.get("request-id") or ""
        return head

    def _request(self, *, count: bool) -> tuple[bytes, bytes]:
        asked, endpoint, body = self.asked, self.option.endpoint, dict(self._body)
        self._withhold = False
        if asked.stream and self.upstream.speech == "openai" and self.upstream.tells_usage and count:
            self._withhold = with_usage(body)
        more = ""
        if self.upstream.speech == "anthropic" and (beta := asked.headers.get(_BETA)) and beta.isprintable():
            more = f"{_BETA}: {beta}\r\n" if beta.isascii() else ""
        return self.upstream.request(endpoint, self._path, encoded(body), more)

    def _require_pinned(self) -> None:
        """An answer of anybody else than the variant's own provider must not be served."""
        if self.upstream.provider.protocol == "openrouter":
            try:
                require_pinned(self.option.endpoint, self.tally.served_by)
            except ProviderError as failure:
                raise Trouble("operator", 502, str(failure), asked=True) from None

    def _judged(self, head: Head, data: bytes) -> bytes:
        if head.status >= 300:
            raise of_status(head.status, head.headers, data)
        try:
            body = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise Trouble("unusable", 502, "what the upstream sent is not JSON", asked=True) from None
        if error_in(body):
            raise of_error(body, data)
        if not isinstance(body, dict) or not self.tally.whole(body):
            raise Trouble("unusable", 502, "what the upstream sent has no answer in it", asked=True)
        self._require_pinned()
        if self.translated is None:
            return data
        try:
            return self.translated.response(data)
        except ValueError as failure:
            raise Trouble("unusable", 502, f"the answer cannot be translated: {failure}", asked=True) from None


async def _read(connection: Connection, most: int) -> bytes:
    pieces = []
    while piece := await connection.piece():
        pieces.append(piece)
        if connection.received > most:
            reason = f"the upstream sent more than {most // MIB} MiB"
            raise Trouble("unusable", 502, reason, asked=True)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
