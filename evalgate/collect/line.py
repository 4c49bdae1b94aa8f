"""The way to one provider: its client, its places, its pace, and how it has been doing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

from evalgate.catalog import Endpoint, Provider
from evalgate.collect.limit import AdaptiveLimit
from evalgate.collect.pace import Pace
from evalgate.collect.retry import RetryPolicy
from evalgate.collect.stop import Stop
from evalgate.errors import ProviderError
from evalgate.exchange import Answer, Question, Request
from evalgate.providers import Allowance, AttemptFailed, ProviderClient, connect

HOPELESS = 20  # so many cases in a row that ended without an answer, and the provider counts as down
CHARACTERS_PER_TOKEN = 4
OUTPUT_TOKENS = 256  # assumed where the suite names no limit


class Line:
    """Everything that calls to one provider share."""

    def __init__(self, provider: Provider, environment: Mapping[str, str]) -> None:
        self.provider, self._environment = provider, environment
        self._client: ProviderClient | None = None
        self._pace = Pace(provider.requests_per_minute, provider.tokens_per_minute)
        self.places = AdaptiveLimit(provider.concurrency)
        self.retry = RetryPolicy(provider.retries)
        self.reached = False
        self._told: Allowance | None = None  # by the provider, the last time that its headers said anything
        self._failures_in_a_row = 0
        self._served: set[str] = set()  # endpoints that answered something
        self._refusals: Counter[str] = Counter()

    async def ask(self, endpoint: Endpoint, question: Question) -> Answer:
        """Make one attempt, and learn from it what the provider bears; raises as `ProviderClient.ask` does."""
        # connected when it is first needed: what is known already needs no HTTP library
        client = self._client = self._client or connect(self.provider, self._environment)
        began_in, began = self.places.round, time.perf_counter()
        try:
            answer = await client.ask(endpoint, question)
        except AttemptFailed as failure:
            self.reached = self.reached or not failure.unreachable
            if failure.throttled:
                self.places.throttled(began_in)
            raise
        finally:
            if (told := client.allowance) is not None and told is not self._told:
                self._told = told
                self._pace.heed(told)
        self.reached, self._failures_in_a_row = True, 0
        self.places.succeeded(time.perf_counter() - began)
        self.require_service(endpoint, answer)
        return answer

    async def permit(self, request: Request, stop: Stop) -> None:
        """Wait until the provider's limits per minute let this request go."""
        if self._pace.free:
            return
        tokens = _about(request)
        while (seconds := self._pace.wait(tokens)) > 0:
            await stop.sleep(seconds)

    async def close(self) -> None:
        """Let go of the client, if there is one."""
        if self._client is not None:
            await self._client.close()

    def require_service(self, endpoint: Endpoint, answer: Answer) -> None:
        """Raise `ProviderError` for an endpoint that refuses whatever it is asked: that says nothing of its quality."""
        if answer.finish_reason != "refused":
            self._served.add(endpoint.id)
            return
        self._refusals[endpoint.id] += 1
        if endpoint.id not in self._served and self._refusals[endpoint.id] >= HOPELESS:
            message = f"{endpoint.id!r} refuses every call ({HOPELESS} of {HOPELESS}): {answer.error}"
            advice = "look at the suite's generation and at served_as; when that is mended, check with --refresh"
            raise ProviderError(f"{endpoint.place}: {message}; {advice}")

    def unanswered(self, failure: AttemptFailed, attempts: int) -> Answer:
        """What becomes of a question after its last attempt; raises `ProviderError` when the provider is down."""
        self._failures_in_a_row += 1
        if not self.reached or self._failures_in_a_row >= HOPELESS:
            where = f"provider {self.provider.id!r} at {self.provider.base_url}"
            state = "cannot be reached" if not self.reached else f"failed for {HOPELESS} cases in a row"
            kept = "what was answered is kept; run the same command to go on"
            raise ProviderError(f"{where} {state}: {failure.reason} ({attempts} attempts); {kept}")
        return Answer("", "error", error=f"{failure.reason} ({attempts} attempts)")


def _about(request: Request) -> float:
    """Tokens that a request may use, prompt and answer, as far as one can tell before."""
    prompt = request.prompt
    characters = len(prompt) if isinstance(prompt, str) else sum(len(message.content) for message in prompt)
    output = request.parameters.get("max_tokens") or request.parameters.get("max_completion_tokens")
    return characters / CHARACTERS_PER_TOKEN + (output if isinstance(output, int) else OUTPUT_TOKENS)
