"""One request of a batch at one upstream: what goes out for it, and what its response means.

The connections, time limits and readings are those of `evalgate.providers`; here a client's own body goes over them,
with all that it says, where the eval sends only what a question is made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from evalgate.catalog import Endpoint, Provider
from evalgate.collect.costs import Costs
from evalgate.exchange import Answer, JsonValue, Request
from evalgate.gateway.batches.tier import Between
from evalgate.gateway.outgoing import outgoing
from evalgate.gateway.translation import Translation, Untranslatable
from evalgate.providers.access import by_deployment, require_key
from evalgate.providers.base import AttemptFailed
from evalgate.providers.batch import BatchClient
from evalgate.providers.http import HttpClient
from evalgate.providers.protocols import connect_batch, wire_of
from evalgate.providers.reply import Reply, error_in, message_of
from evalgate.providers.usage import plausible, token_count

EMBEDDINGS = "/embeddings"


class CannotAsk(Exception):
    """An upstream has no words for the request; another one may."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request in an upstream's words, and the way back."""

    endpoint: Endpoint
    client_path: str
    path: str
    body: Mapping[str, Any]
    translation: Translation | None


@dataclass(frozen=True, slots=True)
class Read:
    """A response in the client's words. `answer` says how many tokens it has; `refused`: it is no answer, but a 4xx."""

    status: int
    body: JsonValue
    answer: Answer
    refused: bool


def prepared(endpoint: Endpoint, client_path: str, given: Mapping[str, JsonValue], between: Between) -> Outgoing:
    """What `endpoint` is sent for a client's body to `client_path`; raises `CannotAsk`."""
    provider = endpoint.provider
    if provider.protocol == "replay":
        message = f"{endpoint.id} only replays recorded answers"
        raise CannotAsk(message)
    body = outgoing(given, endpoint)
    try:
        translation = between(provider.protocol, client_path)
        if translation is not None:
            return Outgoing(endpoint, client_path, translation.path, translation.request(body), translation)
    except (LookupError, Untranslatable) as failure:
        raise CannotAsk(str(failure)) from None
    path = client_path
    if by_deployment(provider):
        path = f"/deployments/{quote(endpoint.served_as, safe='')}{path}"
    return Outgoing(endpoint, client_path, path, body, None)


def read(out: Outgoing, reply: Reply, latency_ms: float) -> Read:
    """What a response says; raises `AttemptFailed` for one that cannot be used, `ProviderError` for somebody else's."""
    try:
        return _refused(out, reply, latency_ms) if reply.status >= 300 else _answered(out, reply, latency_ms)
    except ValueError as failure:  # of the translation
        raise AttemptFailed(str(failure), arrived=_size(reply)) from None
    except AttemptFailed as failure:  # what came is paid, unless it is nothing but an error
        failure.arrived = None if error_in(reply.body) else _size(reply)
        raise


def _refused(out: Outgoing, reply: Reply, latency_ms: float) -> Read:
    body = reply.body
    if out.translation is not None:
        body = _loads(out.translation.error(orjson.dumps(body)))
    return Read(reply.status, body, Answer("", "refused", 0, 0, latency_ms, error="refused"), refused=True)


def _answered(out: Outgoing, reply: Reply, latency_ms: float) -> Read:
    if error_in(reply.body):
        raise AttemptFailed(message_of(reply.body))
    if out.client_path == EMBEDDINGS:
        answer = _of_embeddings(reply.body, latency_ms)
    else:
        wire = wire_of(out.endpoint.provider)
        answer = wire.read(reply, latency_ms, str)
        wire.check(out.endpoint, answer)
    body = reply.body
    if out.translation is not None:
        body = _loads(out.translation.response(orjson.dumps(body)))
    return Read(reply.status, body, plausible(out.endpoint, answer), refused=False)


def _size(reply: Reply) -> int | None:
    return len(orjson.dumps(reply.body)) if reply.status < 300 else None


class Upstreams:
    """The connections of this process to all providers, made when they are needed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._http: dict[str, tuple[Provider, HttpClient]] = {}
        self._batches: dict[str, tuple[Provider, BatchClient]] = {}
        self.costs = Costs()

    async def ask(self, out: Outgoing) -> Reply:
        """Make one attempt; raises as `HttpClient.post` and `HttpClient.heed` do, `InputError` without a key."""
        http = await self._client(out.endpoint.provider)
        return http.heed(out.path, await http.post(out.path, out.body))

    async def batches(self, provider: Provider) -> BatchClient:
        """The provider's batch API; raises `InputError` when there is none, or no key."""
        known = self._batches.get(provider.id)
        if known is not None and known[0] == provider:
            return known[1]
        client = connect_batch(provider, self._environment)
        self._batches[provider.id] = (provider, client)
        if known is not None:
            await known[1].close()
        return client

    async def close(self) -> None:
        """Let go of all connections."""
        for _, http in self._http.values():
            await http.close()
        for _, batches in self._batches.values():
            await batches.close()

    async def _client(self, provider: Provider) -> HttpClient:
        known = self._http.get(provider.id)
        if known is not None and known[0] == provider:
            return known[1]
        client = HttpClient(provider, require_key(provider, self._environment))
        self._http[provider.id] = (provider, client)
        if known is not None:  # the catalogue was changed; calls that are under way keep their connections
            await known[1].close()
        return client


def request_of(given: Mapping[str, JsonValue]) -> Request:
    """What is asked, as far as an estimate of its tokens needs it."""
    return Request(
        "".join(_texts([given.get(name) for name in ("messages", "prompt", "input", "tools")])), _limits(given)
    )


def _limits(given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: given[name] for name in ("max_completion_tokens", "max_tokens") if isinstance(given.get(name), int)}


def _texts(value: JsonValue) -> list[str]:
    """All texts in a JSON value, without recursion: the body is hostile."""
    found, waiting = [], [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            found.append(each)
        elif isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
    return found


def _of_embeddings(body: JsonValue, latency_ms: float) -> Answer:
    if not isinstance(body, dict) or not isinstance(body.get("data"), list) or not body["data"]:
        message = "the response has no embeddings"
        raise AttemptFailed(message)
    usage = body.get("usage")
    tokens = token_count(usage.get("prompt_tokens")) if isinstance(usage, dict) else None
    return Answer("", "stop", tokens or None, 0, latency_ms)


def _loads(data: bytes) -> JsonValue:
    loaded: JsonValue = orjson.loads(data)
    return loaded
