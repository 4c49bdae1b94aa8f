"""Asks through a provider's batch API: at its discount, and within a day instead of at once.

What is handed in is paid, so it is never given up: whoever is killed, interrupted or loses the provider leaves his
batches open in the store, and the next one to ask the same endpoint fetches them, whether or not their questions are
his. A question in an open batch counts as being asked, for all processes on the store; they may all fetch it, and its
answer is kept once. What comes back without an answer (it expired, or the server failed) is handed in again.

An answer from a batch has no latency of the endpoint's, so 0 is stored for it; `details["batch"]` tells whose it is. It
counts as given when its batch was handed in: that is never later than it was.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from evalgate.catalog import Endpoint
from evalgate.collect.batch_fetch import Results, fetch_batch
from evalgate.collect.batch_line import BatchLine
from evalgate.collect.budget import Budget, BudgetSpentError
from evalgate.collect.costs import Costs
from evalgate.collect.health import HOPELESS
from evalgate.collect.share import Workbench
from evalgate.collect.waiting import until_one_fails
from evalgate.errors import InputError, ProviderError
from evalgate.exchange import Answer, Question
from evalgate.providers.batch import BatchClient, BatchState, BatchUnknown, KeyedQuestion
from evalgate.store import Bought, batches
from evalgate.store.batches import Item, OpenBatch

OnBatchAnswer = Callable[[str, Answer, bool], None]  # its key, and whether it was bought by somebody else or before
RESUBMISSIONS = 2
LARGEST = 10_000  # questions in one batch, at most: writing it down keeps all other writers waiting
_GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Polling:
    """Seconds between two looks at a batch: `first`, then longer and longer, up to `longest`."""

    first: float = 5.0
    longest: float = 60.0


@dataclass(frozen=True, slots=True)
class Batching:
    """How a collection uses batch APIs, and who wants to hear of it."""

    polling: Polling = Polling()
    on_state: Callable[[str, BatchState], None] = lambda batch, state: None
    on_notice: Callable[[str], None] = lambda notice: None


async def collect_batch(
    endpoint: Endpoint,
    items: Sequence[KeyedQuestion],
    client: BatchClient,
    bench: Workbench,
    *,
    now: Callable[[], float],
    since: float = 0.0,
    budget: Budget | None = None,
    costs: Costs | None = None,
    polling: Polling | None = None,
    resubmissions: int = RESUBMISSIONS,
    on_answer: OnBatchAnswer = lambda key, answer, known: None,
    on_state: Callable[[str, BatchState], None] = lambda batch, state: None,
    on_notice: Callable[[str], None] = lambda notice: None,
) -> dict[str, Answer]:
    """The answers to `items` (answer key and question) by key, each durable before `on_answer` hears of it.

    `now` gives seconds since the epoch. Only answers of batches handed in at `since` or later count; older ones are
    fetched too, and kept where nothing younger is known. What has no answer after `resubmissions` further batches is an
    answer with the finish reason `error`, which is not kept.

    A batch is under way as a whole, so dollars of a budget are overshot by no more than what is handed in at once; its
    calls are counted by question. Raises `BudgetSpentError` when all that it reached for is answered, `Interrupted`
    when it was asked to stop, `ProviderError` when the provider is down, rejects the key, takes no batch or answers
    nothing at all, or when somebody cancels a batch meanwhile, `InputError` for a variant without a batch API and for
    questions it cannot ask, `StoreError`. Batches that are open then stay open.
    """
    line = BatchLine(endpoint, client, bench, on_notice)
    tell = _Told(on_answer, on_state)
    return await _Collection(
        line, items, now, since, budget or Budget(), costs or Costs(), polling or Polling(), resubmissions, tell
    ).run()


async def cancel_batches(
    endpoint: Endpoint,
    client: BatchClient,
    bench: Workbench,
    *,
    on_notice: Callable[[str], None] = lambda notice: None,
) -> list[str]:
    """Cancel every open batch of `endpoint`, whoever handed it in; returns their ids.

    What was answered until then is paid and stays open: the next collection fetches it. A batch that the provider does
    not know is given up. Raises as `collect_batch` does.
    """
    line = BatchLine(endpoint, client, bench, on_notice)
    await line.settle_intents()
    cancelled = []
    for batch in await line.open_batches():
        if batch.token is None:
            try:
                await line.attempt(partial(client.cancel, batch.name))
            except BatchUnknown:
                await asyncio.to_thread(batches.forget, bench.store, batch.name)
            cancelled.append(batch.name)
    return cancelled


@dataclass(frozen=True, slots=True)
class _Told:
    answer: OnBatchAnswer
    state: Callable[[str, BatchState], None]


@dataclass(frozen=True, slots=True)
class _Followed:
    """An open batch; `ours` was handed in by this collection."""

    batch: OpenBatch
    items: Mapping[str, Item]
    ours: bool


class _Collection:
    """One call of `collect_batch`."""

    def __init__(
        self,
        line: BatchLine,
        items: Sequence[KeyedQuestion],
        now: Callable[[], float],
        since: float,
        budget: Budget,
        costs: Costs,
        polling: Polling,
        resubmissions: int,
        tell: _Told,
    ) -> None:
        if line.endpoint.variant.batch_discount is None:
            raise InputError(
                f"{line.endpoint.place}: {line.endpoint.id!r} has no batch API (batch_discount is not set)"
            )
        self._line, self._endpoint, self._bench, self._store = line, line.endpoint, line.bench, line.bench.store
        self._open: dict[str, Question] = dict(items)  # what has no answer yet
        self._requests, self._costs = {key: question.request for key, question in items}, costs
        self._now, self._since, self._budget, self._polling, self._tell = now, since, budget, polling, tell
        self._tries, self._resubmissions = Counter[str](), resubmissions
        self._most = LARGEST  # questions in one batch; less where the provider bears fewer than it promises
        self._glanced_at: set[str] = set()
        self._out_of_budget: BudgetSpentError | None = None
        self._kept_out: list[tuple[_Followed, BatchState]] = []  # batches of ours that were too much
        self.answers: dict[str, Answer] = {}

    async def run(self) -> dict[str, Answer]:
        """Until there is an answer of some kind to everything."""
        idle = 0
        try:
            if not await self._look_up():
                await self._follow({})  # nothing to ask, but perhaps something to fetch
            while self._open:
                self._bench.stop.check()
                await self._line.settle_intents()
                ours = await self._hand_in()
                if await self._follow(ours):
                    idle = 0
                elif self._out_of_budget is not None:
                    raise self._out_of_budget
                else:  # all that is open is claimed by others
                    idle += 1
                    await self._bench.stop.sleep(min(self._polling.first, 0.05 * 2**idle))
                    await asyncio.to_thread(self._bench.claims.bury_the_dead)
                await self._look_up()
        finally:
            await self._let_go()
        self._require_service()
        return self.answers

    async def _look_up(self) -> bool:
        """Take what somebody else has answered; returns whether anything is still open."""
        known = await asyncio.to_thread(self._store.find, list(self._open), since=self._since)
        for key, answer in known.items():
            self._answered(key, answer, True)
        return bool(self._open)

    async def _hand_in(self) -> dict[str, _Followed]:
        """Hand in what is open and free, as far as the budget reaches."""
        intent = self._line.new_intent(self._now())
        free = await asyncio.to_thread(batches.free, self._store, intent, list(self._open), since=self._since)
        todo = self._affordable([(key, question) for key, question in self._open.items() if key in free])
        ours: dict[str, _Followed] = {}
        if todo:
            await self._bench.take([], self._since)  # now others can tell that this process lives
        # all parts first: a question that cannot be asked is found before anything is paid
        for part in list(self._line.client.split(self._endpoint, todo, self._most)):
            self._bench.stop.check()
            if (handed_in := await self._line.hand_in(part, self._now(), self._since)) is not None:
                batch, items = handed_in
                ours[batch.name] = _Followed(batch, items, True)
        return ours

    def _affordable(self, todo: list[KeyedQuestion]) -> list[KeyedQuestion]:
        self._out_of_budget = None
        for count in range(len(todo)):
            try:
                self._budget.call()
            except BudgetSpentError as spent:
                self._out_of_budget = spent
                return todo[:count]
        return todo

    async def _follow(self, ours: dict[str, _Followed]) -> bool:
        """Wait for our batches and for others that we need, and fetch them; returns whether there were any.

        Each of the rest is looked at once, and fetched when it is done: it is paid.
        """
        followed = dict(ours)
        glances = []
        for batch in await self._line.open_batches():
            if batch.token is not None or batch.name in followed:
                continue
            items = await asyncio.to_thread(batches.items_of, self._store, batch.name)
            other = _Followed(batch, items, False)
            if batch.submitted_at >= self._since and not self._open.keys().isdisjoint(items):
                followed[batch.name] = other
            elif batch.name not in self._glanced_at:
                self._glanced_at.add(batch.name)
                glances.append(other)
        self._kept_out, missed = [], self._tries.total()
        # what goes wrong with one batch ends the waiting for the others; they stay open
        await until_one_fails(
            [self._until_fetched(it) for it in followed.values()] + [self._fetch_if_done(it) for it in glances]
        )
        if len(self._kept_out) == len(ours):  # where some were let in, the others need only wait
            self._hand_in_less()
        if self._open and (self._kept_out or self._tries.total() > missed):
            await self._bench.stop.sleep(self._polling.longest if self._kept_out else self._polling.first)
        return bool(followed)

    def _hand_in_less(self) -> None:
        """Make smaller batches for a provider at which too much is waiting: what one holds may be over its limit."""
        for followed, state in self._kept_out:
            self._most = max(1, min(self._most, len(followed.items) // 2))
            if len(followed.items) == 1:
                self._missed(followed, state, Results())

    async def _until_fetched(self, followed: _Followed) -> None:
        seconds = self._polling.first
        leftover: bool | None = None  # whether it was cancelled before we came to need it
        while (state := await self._line.look(followed.batch, self._now(), wanted=True)) is not None:
            self._tell.state(followed.batch.name, state)
            leftover = state.cancelled and not followed.ours if leftover is None else leftover
            if state.done:
                await self._fetch(followed, state)
                if state.cancelled and not leftover and not self._open.keys().isdisjoint(followed.items):
                    what = f"batch {followed.batch.name} was cancelled before all of it was answered"
                    raise ProviderError(f"{what}; what was answered is kept; run the same command to ask the rest")
                return
            await self._bench.stop.sleep(seconds)
            seconds = min(seconds * _GROWTH, self._polling.longest)

    async def _fetch_if_done(self, followed: _Followed) -> None:
        state = await self._line.look(followed.batch, self._now(), wanted=False)
        if state is not None and state.done:
            await self._fetch(followed, state)

    async def _fetch(self, followed: _Followed, state: BatchState) -> None:
        """Keep all answers of a batch that is done, then forget it."""

        async def keep(group: Sequence[Bought]) -> None:
            await self._keep(followed, group)

        results = await fetch_batch(self._line, followed.batch, followed.items, state, keep, self._price)
        await asyncio.to_thread(batches.forget, self._store, followed.batch.name)
        if followed.ours and state.refused:
            self._budget.made -= len(followed.items)  # nothing of it was called
        if followed.ours and state.crowded:
            self._kept_out.append((followed, state))
        elif followed.ours and not state.cancelled:
            self._missed(followed, state, results)

    def _price(self, item: Item, answer: Answer) -> Decimal:
        return self._costs.of_answer(self._endpoint, self._requests.get(item.key), answer)

    async def _keep(self, followed: _Followed, group: Sequence[Bought]) -> None:
        await asyncio.to_thread(self._store.add, group)
        if followed.ours:
            for bought in group:
                self._budget.add(bought.cost)
        # what the store keeps is told: somebody may have been quicker, with another answer
        mine = [bought.key for bought in group if bought.key in self._open]
        for key, answer in (await asyncio.to_thread(self._store.find, mine, since=self._since)).items():
            self._answered(key, answer, not followed.ours)

    def _missed(self, followed: _Followed, state: BatchState, results: Results) -> None:
        """Count what a batch of ours was handed in for and did not bring."""
        for key in [key for key in followed.items if key in self._open]:
            self._tries[key] += 1
            if self._tries[key] <= self._resubmissions:
                continue
            if state.refused:
                raise self._no_service(state.refused)
            why = results.failed.get(key) or "no result of it can be read"
            self._answered(key, Answer("", "error", error=f"{why} ({self._tries[key]} batches)"), False)

    def _answered(self, key: str, answer: Answer, known: bool) -> None:
        if self._open.pop(key, None) is not None:
            self.answers[key] = answer
            self._tell.answer(key, answer, known)

    def _require_service(self) -> None:
        """Raise `ProviderError` when nothing at all was answered, which says nothing of the model."""
        failed = [answer.error or "" for answer in self.answers.values() if answer.finish_reason == "error"]
        if len(failed) == len(self.answers) >= HOPELESS:
            raise self._no_service(failed[0])

    def _no_service(self, why: str) -> ProviderError:
        what = f"the batch API of provider {self._endpoint.provider.id!r} does nothing for {self._endpoint.id!r}: {why}"
        advice = "look at its console, and at served_as; what was answered is kept; run the same command to go on"
        return ProviderError(f"{self._endpoint.place}: {what}; {advice}")

    async def _let_go(self) -> None:
        """Leave to others what found no answer; what is in an open batch is safe there."""
        left = [*self._open, *(key for key, answer in self.answers.items() if answer.finish_reason == "error")]
        await self._bench.give_up(left)
