"""Asks every question once.

An answer that is in the store is never asked for again; one that arrives is durable before it counts. The questions of
all operations share each provider's places, and processes that share the store share the work. What fails after all
retries is an answer of its own kind (it scores 0); what cannot get better by trying again (a rejected key, a provider
that is not there) ends the asking of that endpoint, of no other one, and everything that was answered until then stays.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from types import TracebackType

from evalgate.catalog import Endpoint, Provider
from evalgate.collect.batching import Batching, collect_batch
from evalgate.collect.budget import Budget
from evalgate.collect.committer import Committer
from evalgate.collect.costs import Costs
from evalgate.collect.line import Line
from evalgate.collect.share import Share, Workbench
from evalgate.collect.sharing import Sharing
from evalgate.collect.stop import Stop
from evalgate.collect.trouble import OnTrouble, Trouble, ignored
from evalgate.collect.waiting import all_of
from evalgate.errors import EvalgateError, ProviderError
from evalgate.exchange import Answer, Question, Request
from evalgate.graders import Grading, Seen, graded
from evalgate.providers import AttemptFailed, connect_batch, require_askable, require_key
from evalgate.store import Bought, Store, answer_key
from evalgate.store.renamed import take_over

NO_ANSWER = ("refused", "filtered", "failed")  # kinds of answers that `retry_failed` asks for again
OnAnswer = Callable[[Answer, bool], None]  # the answer, and whether it was known or is bought by somebody else


class Collector:
    """Collects answers; use as an async context manager.

    `now` gives seconds since the epoch; only answers given at `since` or later count as known, wherever `max_age` does
    not ask for younger ones still. `stop` lets somebody else end the collection. With `batching`, whoever has a batch
    API is asked through it. With `retry_failed`, known answers that are none (turned down, or withheld by a content
    filter) are bought anew, once. `on_trouble` hears of every attempt that fails. Parts of one collection have
    `started` all when that did; `at_once` bounds the calls of this one, whoever is asked.
    """

    def __init__(
        self,
        store: Store,
        environment: Mapping[str, str],
        *,
        now: Callable[[], float],
        since: float = 0.0,
        stop: Stop | None = None,
        batching: Batching | None = None,
        retry_failed: bool = False,
        on_trouble: OnTrouble = ignored,
        started: float | None = None,
        at_once: int | None = None,
    ) -> None:
        self._store, self._environment, self._now = store, environment, now
        self._since, self._started = since, now() if started is None else started
        self._at_once = asyncio.Semaphore(at_once) if at_once is not None else None
        self._stop, self._batching = stop or Stop(), batching
        self._retry_failed, self._on_trouble = retry_failed, on_trouble
        self._costs, self._open = Costs(), ExitStack()
        self._lines: dict[str, Line] = {}
        self._random = random.Random()  # noqa: S311  # jitter, not cryptography
        self._wanted: Counter[str] = Counter()  # by how many of the collections that are running
        self._asking: dict[str, asyncio.Future[Answer]] = {}
        self._taken_over: dict[str, asyncio.Future[int]] = {}
        self.requests = 0

    async def __aenter__(self) -> Collector:
        self._committer = Committer(self._store)
        self._bench = Workbench(self._store, self._stop)
        self._sharing = Sharing(self._bench)
        self._open.enter_context(self._stop.heeded(self._hurry))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        try:
            await self._committer.close()
            await self._sharing.close()
            await self._bench.leave()
        finally:
            for line in self._lines.values():
                await line.close()

    async def ask(
        self,
        endpoint: Endpoint,
        questions: Sequence[Question],
        on_answer: OnAnswer = lambda answer, known: None,
        budget: Budget | None = None,
        *,
        max_age: float | None = None,
    ) -> list[Answer]:
        """The answers of one endpoint, in the order of `questions`; returns when all are durable.

        Answers older than `max_age` (seconds) are bought anew. Raises `ProviderError` when the endpoint is down,
        rejects the key, refuses everything or answers as somebody else: that ends this asking, and no other one.
        `InputError` when a recording or variable is missing, and `StoreError` when answers cannot be kept, end the
        collection, as does `Interrupted` when it was asked to stop; `BudgetSpentError` when the budget does not reach.
        Whatever was answered before stays in the store.
        """
        with self._stop.part() as stop:
            return await self._ask(endpoint, questions, on_answer, budget or Budget(), max_age, stop)

    async def known(
        self, endpoint: Endpoint, questions: Sequence[Question], *, max_age: float | None = None
    ) -> list[Answer] | None:
        """The answers that `ask` would find in the store, if all are there; None otherwise. Nothing is asked."""
        await self._take_over(endpoint)
        keys = [answer_key(question.request.hash, endpoint.config, question.repeat) for question in questions]
        known = await self._fresh(keys, self._since_of(max_age))
        return [known[key] for key in keys] if all(key in known for key in keys) else None

    async def graded(self, grading: Grading, seen: Sequence[Seen]) -> list[dict[str, float]]:
        """The score per metric of each answer, in their order; raises `GraderError` when a grader does."""
        return await graded(grading, seen)

    async def _fresh(self, keys: Sequence[str], since: float) -> dict[str, Answer]:
        there = await asyncio.to_thread(self._store.find, keys)
        return {key: it for key, it in there.items() if it.answered_at >= since and not self._is_retried(it)}

    def _since_of(self, max_age: float | None) -> float:
        return self._since if max_age is None else max(self._since, self._started - max_age)

    async def _ask(
        self,
        endpoint: Endpoint,
        questions: Sequence[Question],
        on_answer: OnAnswer,
        budget: Budget,
        max_age: float | None,
        stop: Stop,
    ) -> list[Answer]:
        await self._take_over(endpoint)
        since = self._since_of(max_age)
        keys = [answer_key(question.request.hash, endpoint.config, question.repeat) for question in questions]
        there = await asyncio.to_thread(self._store.find, keys)
        fresh = {key: answer for key, answer in there.items() if answer.answered_at >= since}
        known = {key: answer for key, answer in fresh.items() if not self._is_retried(answer)}
        answers: list[Answer | None] = [None] * len(keys)
        line, stale = self._line(endpoint.provider), there.keys() - known.keys()

        def found(index: int, answer: Answer) -> None:
            line.health(endpoint).require_service(answer)
            self._costs.learn(endpoint, questions[index].request, answer)
            answers[index] = answer
            on_answer(answer, True)

        def bought(index: int, answer: Answer, asked_already: bool) -> None:
            answers[index] = answer
            on_answer(answer, asked_already)

        missing: dict[bool, list[int]] = {False: [], True: []}  # by whether they are retried
        for index, key in enumerate(keys):
            if key in known:
                found(index, known[key])
            else:
                missing[key in fresh].append(index)
        for again, some in missing.items():
            # what is retried makes way for what is answered from now on; the rest may be in an open batch already
            begin = self._started if again else since
            order = _Order(line, endpoint, questions, keys, begin, stale, budget, stop)
            if self._batching is not None and endpoint.variant.batch_discount is not None:
                if some or not again:
                    await self._in_batches(self._batching, order, some, bought)
            elif some:
                await self._in_calls(order, some, answers, found, bought)
        return [answer for answer in answers if answer is not None]

    async def _in_calls(
        self,
        order: _Order,
        missing: Sequence[int],
        answers: Sequence[Answer | None],
        found: Callable[[int, Answer], None],
        bought: Callable[[int, Answer, bool], None],
    ) -> None:
        """Ask one by one, as many at once as the provider bears."""
        provider, keys = order.endpoint.provider, order.keys
        claiming = provider.protocol != "replay"
        if order.budget.shared:
            await self._sharing.purse(order.budget.whole).enter()
        share = Share(self._bench, keys, missing, order.since, found, order.stop, claiming=claiming)
        try:
            await self._buy(order, share, bought, min(len(missing), provider.concurrency))
        finally:
            # what another operation of this process still wants is claimed for it too
            await share.give_up(i for i in missing if answers[i] is None and not self._wanted[keys[i]])

    async def _in_batches(
        self, batching: Batching, order: _Order, missing: Sequence[int], told: Callable[[int, Answer, bool], None]
    ) -> None:
        """Ask through the provider's batch API; also with nothing to ask, for what an earlier run has left there."""
        places: dict[str, list[int]] = {}
        for index in missing:
            places.setdefault(order.keys[index], []).append(index)

        def on_answer(key: str, answer: Answer, known: bool) -> None:
            order.line.health(order.endpoint).require_service(answer)
            self.requests += not known
            for index in places[key]:
                told(index, answer, known)

        client = connect_batch(order.endpoint.provider, self._environment)
        try:
            await collect_batch(
                order.endpoint,
                [(key, order.questions[indices[0]]) for key, indices in places.items()],
                client,
                self._bench,
                now=self._now,
                since=order.since,
                budget=order.budget,
                costs=self._costs,
                polling=batching.polling,
                on_answer=on_answer,
                on_state=batching.on_state,
                on_notice=batching.on_notice,
            )
        finally:
            await client.close()

    async def _buy(
        self, order: _Order, share: Share, bought: Callable[[int, Answer, bool], None], workers: int
    ) -> None:
        """Ask whatever `share` hands out; waits for all that is under way before it raises what went wrong."""
        self._wanted.update(order.keys)

        async def work() -> None:
            try:
                while (index := await share.next()) is not None:
                    asked_already = order.keys[index] in self._asking
                    answer = await self._once(order, index)
                    if answer.finish_reason == "error":  # at once: somebody may be waiting for it, and we for him
                        await share.give_up([index])
                    bought(index, answer, asked_already)
            except BaseException:
                share.abandon()
                raise

        try:
            await all_of(work() for _ in range(workers))
        finally:
            self._wanted.subtract(order.keys)
            for key in order.keys:
                if self._wanted[key] <= 0:
                    del self._wanted[key]
                    self._asking.pop(key, None)

    async def _once(self, order: _Order, index: int) -> Answer:
        """Two operations may ask the same: the second shares what the first gets, unless that one gives up asking."""
        key = order.keys[index]
        while asked := self._asking.get(key):
            await asyncio.wait([asked])
            if asked.exception() is None:
                return asked.result()
        asked = self._asking[key] = asyncio.get_running_loop().create_future()
        try:
            answer = await self._one(order, index)
        except BaseException as failure:
            del self._asking[key]
            asked.set_exception(failure)
            asked.exception()  # seen, also if nobody else asks
            raise
        if answer.finish_reason == "error" or self._wanted[key] == 1:
            del self._asking[key]
        asked.set_result(answer)
        return answer

    async def _one(self, order: _Order, index: int) -> Answer:
        # the place is left when the answer is durable: whatever kills this process, no more can be lost than are open
        async with order.line.places, self._at_once or nullcontext():
            try:
                answer = (await self._attempts(order, order.questions[index])).at(self._now())
                if answer.finish_reason != "error":
                    await self._keep(order, index, answer)
            except ProviderError as failure:
                order.stop.request(failure)  # there is no point in going on with this endpoint
                order.stop.check()  # nobody may have waited for it any more
                raise
            except EvalgateError as failure:
                self._stop.request(failure)  # nor, for anybody, with this store or these files
                raise
            return answer

    async def _take_over(self, endpoint: Endpoint) -> None:
        """See to it that what was bought of the endpoint by another name is known; once for each."""
        if endpoint.config not in self._taken_over:
            work = asyncio.to_thread(take_over, self._store, endpoint)
            self._taken_over[endpoint.config] = asyncio.ensure_future(work)
        await asyncio.shield(self._taken_over[endpoint.config])

    async def _keep(self, order: _Order, index: int, answer: Answer) -> None:
        endpoint, question = order.endpoint, order.questions[index]
        since = order.since if order.keys[index] in order.stale else 0.0
        cost = self._costs.of_answer(endpoint, question.request, answer)
        order.budget.add(cost)
        request = question.request.hash
        await self._committer.add(Bought(request, endpoint.config, question.repeat, endpoint.id, cost, answer, since))

    async def _attempts(self, order: _Order, question: Question) -> Answer:
        line, endpoint, attempts = order.line, order.endpoint, 0
        while True:
            await line.permit(question.request, order.stop)
            order.stop.check()
            if order.budget.shared:
                await self._sharing.purse(order.budget.whole).permit(order.stop)
            order.budget.call()
            attempts += 1
            self.requests += 1
            try:
                return await line.ask(endpoint, question)
            except AttemptFailed as failure:
                order.budget.add(self._costs.of_attempt(endpoint, question.request, failure))
                order.stop.check()  # it may have failed because nobody waits any more
                if line.retry.gives_up(attempts, failure, ever_reached=line.reached):
                    self._on_trouble(Trouble(endpoint.id, failure.reason, attempts, None))
                    return line.health(endpoint).unanswered(failure, attempts, reached=line.reached)
                pause = line.retry.pause(attempts, failure, self._random)
                self._on_trouble(Trouble(endpoint.id, failure.reason, attempts, pause))
                await order.stop.sleep(pause)

    def _is_retried(self, answer: Answer) -> bool:
        """Whether a known answer is to be bought anew because it is none."""
        return self._retry_failed and answer.answered_at < self._started and answer.kind in NO_ANSWER

    def _hurry(self, reason: EvalgateError) -> None:
        self._sharing.release()
        for line in self._lines.values():
            line.hurry()

    def _line(self, provider: Provider) -> Line:
        if provider.id not in self._lines:
            self._lines[provider.id] = Line(provider, self._environment, self._sharing)
        return self._lines[provider.id]


@dataclass(frozen=True, slots=True)
class _Order:
    """What one call of `ask` wants, and from whom."""

    line: Line
    endpoint: Endpoint
    questions: Sequence[Question]
    keys: Sequence[str]
    since: float
    stale: Set[str]  # keys of answers that are there, but too old
    budget: Budget
    stop: Stop  # ends with the collection, or when there is no point in asking this endpoint


def require_ready(endpoints: Sequence[Endpoint], request: Request, environment: Mapping[str, str]) -> None:
    """Raise `InputError` for the first endpoint without its key, or that cannot be asked what `request` asks.

    Before anything is paid, and for all: a baseline is of no use without the variants.
    """
    for endpoint in endpoints:
        require_key(endpoint.provider, environment)
        require_askable(endpoint, request)
