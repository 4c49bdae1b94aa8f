"""What a wire protocol consists of, and the one client that speaks any of them.

A protocol is plain functions: `build` a request, `read` a reply. Everything that all have in common (connections,
limits, keys, streams) is done once, in `HttpClient` and here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import orjson

from evalgate.catalog import Endpoint, Provider
from evalgate.exchange import Answer, JsonValue, Question, Request
from evalgate.providers.assembly import Assembler
from evalgate.providers.base import Allowance, AttemptFailed
from evalgate.providers.http import HttpClient
from evalgate.providers.reply import Reply, error_in, message_of
from evalgate.providers.usage import plausible

Redact = Callable[[str], str]
_USAGE = "stream_options"


def _anybody(endpoint: Endpoint, answer: Answer) -> None:
    """Whoever answers at the provider's URL is the one who was asked."""


@dataclass(frozen=True, slots=True)
class Wire:
    """One protocol.

    `build` gives the path below base_url and the body, `read` the answer in a reply that took so many ms, `assembler`
    what makes one body of a stream, `streamed` what is added to a body to ask for a stream. `check` raises
    `ProviderError` when somebody else answered than was asked.
    """

    build: Callable[[Endpoint, Request], tuple[str, dict[str, JsonValue]]]
    read: Callable[[Reply, float, Redact], Answer]
    assembler: Callable[[], Assembler]
    streamed: Mapping[str, JsonValue]
    check: Callable[[Endpoint, Answer], None] = _anybody


class WireClient:
    """Asks the endpoints of one provider."""

    def __init__(self, provider: Provider, key: str | None, wire: Wire) -> None:
        self._http, self._wire = HttpClient(provider, key), wire
        self._streamed = dict(wire.streamed) if provider.stream else None

    @property
    def allowance(self) -> Allowance | None:
        """What the latest rate-limit headers said."""
        return self._http.allowance

    async def ask(self, endpoint: Endpoint, question: Question) -> Answer:
        """Make one attempt; see `ProviderClient.ask`."""
        path, body = self._wire.build(endpoint, question.request)
        if self._streamed is None:
            started = time.perf_counter()
            reply = await self._http.post(path, body)
            answer = self._read(path, reply, (time.perf_counter() - started) * 1000)
        else:
            answer = await self._stream(path, body, self._streamed)
        self._wire.check(endpoint, answer)
        return plausible(endpoint, answer)

    def hurry(self, seconds: float | None) -> None:
        """See `ProviderClient.hurry`."""
        self._http.hurry(seconds)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    async def _stream(self, path: str, body: Mapping[str, JsonValue], streamed: dict[str, JsonValue]) -> Answer:
        assembler = self._wire.assembler()
        reply, latency_ms, first_ms = await self._http.stream(path, {**body, **streamed}, assembler)
        if reply.status in (400, 422) and _USAGE in streamed and _USAGE in message_of(reply.body):
            # a server that does not count tokens in a stream is asked without, from now on
            self._streamed = {name: value for name, value in streamed.items() if name != _USAGE}
            return await self._stream(path, body, self._streamed)
        answer = self._read(path, reply, latency_ms, assembler.arrived)
        if first_ms is None:
            return answer
        return replace(answer, details={**answer.details, "first_token_ms": round(first_ms, 1)})

    def _read(self, path: str, reply: Reply, latency_ms: float, arrived: int = 0) -> Answer:
        """The answer in a reply; one that cannot be used is paid all the same, unless it is nothing but an error."""
        try:
            return self._wire.read(self._http.heed(path, reply), latency_ms, self._http.redact)
        except AttemptFailed as failure:
            if reply.status < 300:
                failure.arrived = arrived or (None if error_in(reply.body) else len(orjson.dumps(reply.body)))
            raise
