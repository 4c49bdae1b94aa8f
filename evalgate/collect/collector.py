"""Asks every question once.

An answer that is in the store is never asked for again; one that arrives is durable before it counts. The questions of
all operations share each provider's concurrency. What fails after all retries is an answer of its own kind (it scores
0); what cannot get better by trying again (a rejected key, a provider that is not there) ends the run, and everything
that was answered until then stays.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType

from evalgate.catalog import Endpoint, Provider
from evalgate.collect.budget import Budget
from evalgate.collect.committer import Committer
from evalgate.collect.retry import RetryPolicy
from evalgate.errors import EvalgateError, ProviderError
from evalgate.exchange import Answer, Question
from evalgate.providers import AttemptFailed, ProviderClient, connect, require_key
from evalgate.store import Bought, Store, answer_key

OnAnswer = Callable[[Answer, bool], None]  # the answer, and whether it was known or being asked already
HOPELESS = 20  # so many cases in a row that ended without an answer, and the provider counts as down


class _Line:
    """The way to one provider: its client, its places, and how it has been doing."""

    def __init__(self, provider: Provider, environment: Mapping[str, str]) -> None:
        self.provider, self._environment = provider, environment
        self._client: ProviderClient | None = None
        self.places = asyncio.Semaphore(provider.concurrency)
        self.retry = RetryPolicy(provider.retries)
        self.reached = False
        self.failures_in_a_row = 0
        self.served: set[str] = set()  # endpoints that answered something
        self.refusals: Counter[str] = Counter()

    @property
    def client(self) -> ProviderClient:
        """Connected when it is first needed: what is known already needs no HTTP library."""
        self._client = self._client or connect(self.provider, self._environment)
        return self._client

    async def close(self) -> None:
        """Let go of the client, if there is one."""
        if self._client is not None:
            await self._client.close()

    def require_service(self, endpoint: Endpoint, answer: Answer) -> None:
        """Raise `ProviderError` for an endpoint that refuses whatever it is asked: that says nothing of its quality."""
        if answer.finish_reason != "refused":
            self.served.add(endpoint.id)
            return
        self.refusals[endpoint.id] += 1
        if endpoint.id not in self.served and self.refusals[endpoint.id] >= HOPELESS:
            message = f"{endpoint.id!r} refuses every call ({HOPELESS} of {HOPELESS}): {answer.error}"
            advice = "look at the suite's generation and at served_as; when that is mended, check with --refresh"
            raise ProviderError(f"{endpoint.place}: {message}; {advice}")


class Collector:
    """Collects answers; use as an async context manager.

    `now` gives seconds since the epoch, for the record only. `refresh` buys every answer anew.
    """

    def __init__(
        self,
        store: Store,
        environment: Mapping[str, str],
        *,
        now: Callable[[], float],
        refresh: bool = False,
    ) -> None:
        self._store, self._environment, self._now = store, environment, now
        self._refresh = refresh
        self._lines: dict[str, _Line] = {}
        self._random = random.Random()  # noqa: S311  # jitter, not cryptography
        self._asking: dict[str, asyncio.Future[Answer]] = {}
        self._stopped: EvalgateError | None = None
        self.requests = 0

    async def __aenter__(self) -> Collector:
        self._committer = Committer(self._store, replace=self._refresh)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._committer.close()
        finally:
            for line in self._lines.values():
                await line.close()

    async def ask(
        self,
        endpoint: Endpoint,
        questions: Sequence[Question],
        on_answer: OnAnswer = lambda answer, known: None,
        budget: Budget | None = None,
    ) -> list[Answer]:
        """The answers of one endpoint, in the order of `questions`; returns when all are durable.

        Raises `ProviderError` when the provider is down or rejects the key, `InputError` when a recording or variable
        is missing, `StoreError` when answers cannot be kept, `BudgetSpentError` when the budget does not reach.
        Whatever was answered before stays in the store.
        """
        budget = budget or Budget()
        keys = [answer_key(question.request.hash, endpoint.config, question.repeat) for question in questions]
        known = {} if self._refresh else await asyncio.to_thread(self._store.find, keys)
        line = self._line(endpoint.provider)
        for answer in known.values():
            line.require_service(endpoint, answer)
            on_answer(answer, True)
        missing = [index for index, key in enumerate(keys) if key not in known]
        answers: list[Answer | None] = [known.get(key) for key in keys]
        if missing:
            todo = iter(missing)
            workers = min(len(missing), endpoint.provider.concurrency)

            async def work() -> None:
                for index in todo:
                    asked_already = keys[index] in self._asking
                    answers[index] = answer = await self._once(keys[index], line, endpoint, questions[index], budget)
                    on_answer(answer, asked_already)

            results = await asyncio.gather(*(work() for _ in range(workers)), return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result
        return [answer for answer in answers if answer is not None]

    async def _once(self, key: str, line: _Line, endpoint: Endpoint, question: Question, budget: Budget) -> Answer:
        """Two operations may ask the same: the second shares what the first gets, unless that one gives up asking."""
        while asked := self._asking.get(key):
            await asyncio.wait([asked])
            if asked.exception() is None:
                return asked.result()
        asked = self._asking[key] = asyncio.get_running_loop().create_future()
        try:
            answer = await self._one(line, endpoint, question, budget)
        except BaseException as failure:
            del self._asking[key]
            asked.set_exception(failure)
            asked.exception()  # seen, also if nobody else asks
            raise
        if answer.finish_reason == "error":
            del self._asking[key]
        asked.set_result(answer)
        return answer

    async def _one(self, line: _Line, endpoint: Endpoint, question: Question, budget: Budget) -> Answer:
        async with line.places:
            budget.require()
            if self._stopped:  # another question found out that there is no point in going on
                raise self._stopped
            try:
                answer = replace(await self._attempts(line, endpoint, question), answered_at=self._now())
                if not answer.failed or answer.finish_reason == "refused":
                    await self._keep(endpoint, question, answer, budget)
            except EvalgateError as failure:
                self._stopped = self._stopped or failure
                raise
            return answer

    async def _keep(self, endpoint: Endpoint, question: Question, answer: Answer, budget: Budget) -> None:
        cost = endpoint.cost(answer.input_tokens, answer.output_tokens)
        budget.add(cost)
        bought = Bought(question.request.hash, endpoint.config, question.repeat, endpoint.id, cost, answer)
        await self._committer.add(bought)

    async def _attempts(self, line: _Line, endpoint: Endpoint, question: Question) -> Answer:
        attempts = 0
        while True:
            attempts += 1
            self.requests += 1
            try:
                answer = await line.client.ask(endpoint, question)
            except AttemptFailed as failure:
                line.reached = line.reached or not failure.unreachable
                if line.retry.gives_up(attempts, failure, ever_reached=line.reached):
                    return self._unanswered(line, failure, attempts)
                await asyncio.sleep(line.retry.pause(attempts, failure, self._random))
            else:
                line.reached, line.failures_in_a_row = True, 0
                line.require_service(endpoint, answer)
                return answer

    def _unanswered(self, line: _Line, failure: AttemptFailed, attempts: int) -> Answer:
        line.failures_in_a_row += 1
        provider = line.provider
        if not line.reached or line.failures_in_a_row >= HOPELESS:
            where = f"provider {provider.id!r} at {provider.base_url}"
            state = "cannot be reached" if not line.reached else f"failed for {HOPELESS} cases in a row"
            kept = "what was answered is kept; run the same command to go on"
            raise ProviderError(f"{where} {state}: {failure.reason} ({attempts} attempts); {kept}")
        return Answer("", "error", error=f"{failure.reason} ({attempts} attempts)")

    def _line(self, provider: Provider) -> _Line:
        if provider.id not in self._lines:
            self._lines[provider.id] = _Line(provider, self._environment)
        return self._lines[provider.id]


def require_keys(endpoints: Sequence[Endpoint], environment: Mapping[str, str]) -> None:
    """Raise `InputError` for the first provider whose key is not set: before anything is asked."""
    for endpoint in endpoints:
        require_key(endpoint.provider, environment)
