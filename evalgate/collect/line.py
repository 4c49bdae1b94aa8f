"""The way to one provider: its client, its places, its pace, and how it has been doing."""

from __future__ import annotations

import time
from collections.abc import Mapping

from evalgate.catalog import Endpoint, Provider
from evalgate.collect.health import Health
from evalgate.collect.pace import Pace
from evalgate.collect.sharing import Sharing
from evalgate.collect.stop import Stop
from evalgate.exchange import Answer, Question, Request
from evalgate.exchange.tokens import BYTES_PER_TOKEN, limit_of, prompt_bytes
from evalgate.providers import Allowance, AttemptFailed, ProviderClient, connect
from evalgate.providers.retry import RetryPolicy

OUTPUT_TOKENS = 256  # assumed where the suite names no limit
LAST_CALLS = 5.0  # seconds that calls may still take when it is to end, at a provider that has never answered one


class Line:
    """Everything that calls to one provider share."""

    def __init__(self, provider: Provider, environment: Mapping[str, str], sharing: Sharing) -> None:
        self.provider, self._environment = provider, environment
        self._client: ProviderClient | None = None
        self._allotment = sharing.allotment(provider)
        self._pace = Pace()  # only what the provider's headers say is left: the catalogue's limits are everybody's
        self.places = sharing.places(provider)
        self.retry = RetryPolicy(provider.retries)
        self.reached = False
        self._told: Allowance | None = None  # by the provider, the last time that its headers said anything
        self._hurried = False
        self._healths: dict[str, Health] = {}

    def health(self, endpoint: Endpoint) -> Health:
        """How an endpoint of this provider has been doing."""
        health = self._healths.get(endpoint.id)
        if health is None:
            health = self._healths[endpoint.id] = Health(endpoint)
        return health

    async def ask(self, endpoint: Endpoint, question: Question) -> Answer:
        """Make one attempt, and learn from it what the provider bears; raises as `ProviderClient.ask` does.

        Raises `ProviderError` as well when the endpoint is down.
        """
        # connected when it is first needed: what is known already needs no HTTP library
        client = self._client = self._client or self._connect()
        health, began_in, began = self.health(endpoint), self.places.round, time.perf_counter()
        try:
            answer = await client.ask(endpoint, question)
        except AttemptFailed as failure:
            self.reached = self.reached or not failure.unreachable
            if failure.throttled:
                self.places.throttled(began_in)
            health.failed(failure, began, time.perf_counter())
            raise
        finally:
            if (told := client.allowance) is not None and told is not self._told:
                self._told = told
                self._pace.heed(told)
        self.reached = True
        self.places.succeeded(time.perf_counter() - began)
        health.succeeded(answer)
        return answer

    def hurry(self) -> None:
        """Wait for no connection any more, and not for long for a provider that has never answered anything."""
        self._hurried = True
        if self._client is not None:
            self._client.hurry(None if self._answered() else LAST_CALLS)

    async def permit(self, request: Request, stop: Stop) -> None:
        """Wait until the provider's limits per minute let this request go."""
        if self._pace.free and self._allotment is None:
            return
        tokens = _about(request)
        while (seconds := self._pace.wait(tokens)) > 0:
            await stop.sleep(seconds)
        if self._allotment is not None:
            await self._allotment.permit(tokens, stop)

    async def close(self) -> None:
        """Let go of the client, if there is one."""
        if self._client is not None:
            await self._client.close()

    def _answered(self) -> bool:
        return any(health.answered for health in self._healths.values())

    def _connect(self) -> ProviderClient:
        client = connect(self.provider, self._environment)
        if self._hurried:
            client.hurry(LAST_CALLS)
        return client


def _about(request: Request) -> float:
    """Tokens that a request may use, prompt and answer, as far as one can tell before."""
    return prompt_bytes(request) / BYTES_PER_TOKEN + (limit_of(request.parameters) or OUTPUT_TOKENS)
