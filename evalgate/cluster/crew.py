"""A crew of many: questions go to askers, and heavy grading to where there are cores.

Whoever is lost was lost with his orders, which go to another one: what he had made durable is found in the store and
not asked again. Ray starts him anew somewhere, and he is given orders again as soon as he says that he is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, cast

import ray
from ray.exceptions import RayActorError

from evalgate.catalog import Endpoint
from evalgate.cluster.grading import CHUNK, grade
from evalgate.cluster.messages import Done, Order, Source, Terms
from evalgate.collect import Budget, Collector, OnAnswer, Stop, all_of
from evalgate.errors import InfrastructureError
from evalgate.exchange import Answer, Question
from evalgate.graders import Grading, Seen, graded
from evalgate.store import Store

ORDER = 64  # questions that are handed to an asker at once
LOST = 5  # so many askers may be lost over one order, until it is thought to be at fault
_PAUSE, _LONGEST_PAUSE = 0.2, 5.0  # seconds between two looks whether somebody who was lost is back


@dataclass(slots=True)
class Hand:
    """An asker, as one crew sees it."""

    actor: Any  # a handle of Ray's, which has no type of its own
    questions: int = 0  # that it has been given and not answered yet
    there: bool = False


class Hands:
    """The askers of a job; each is there when it says so."""

    def __init__(self, actors: Sequence[Any], stop: Stop) -> None:
        self._hands = [Hand(actor) for actor in actors]
        self._stop, self._changed = stop, asyncio.Event()
        self._looking = {id(hand): asyncio.create_task(self._look_for(hand)) for hand in self._hands}

    async def free(self, questions: int) -> Hand:
        """The one that has the least to do, which is given so many questions; raises when it is to end."""
        while not (there := [hand for hand in self._hands if hand.there]):
            self._stop.check()
            self._changed.clear()
            with self._stop.heeded(lambda reason: self._changed.set()):
                await self._changed.wait()
        self._stop.check()
        hand = min(there, key=lambda each: each.questions)
        hand.questions += questions
        return hand

    def lost(self, hand: Hand) -> None:
        """It does not answer any more; it is looked for."""
        if hand.there:
            hand.there = False
            self._looking[id(hand)] = asyncio.create_task(self._look_for(hand))

    async def close(self) -> None:
        """Look for nobody any more."""
        for task in self._looking.values():
            task.cancel()
        await asyncio.gather(*self._looking.values(), return_exceptions=True)

    async def _look_for(self, hand: Hand) -> None:
        pause = _PAUSE
        while not hand.there:
            try:
                await hand.actor.process.remote()
            except RayActorError:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                hand.there = True
                self._changed.set()


class RemoteCrew:
    """See `evalgate.collect.Crew`; use as an async context manager. `job` tells the budgets of one job from others'."""

    def __init__(
        self, actors: Sequence[Any], store: Store, terms: Terms, job: str, source: Source, stop: Stop, cores: float
    ) -> None:
        self._actors, self._terms, self._job, self._source, self._stop = actors, terms, job, source, stop
        self._cores = cores
        self._here = Collector(store, {}, now=lambda: terms.started, since=terms.since, started=terms.started)
        self.requests = 0

    async def __aenter__(self) -> RemoteCrew:
        self._hands = Hands(self._actors, self._stop)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._hands.close()

    async def ask(
        self,
        endpoint: Endpoint,
        questions: Sequence[Question],
        on_answer: OnAnswer = lambda answer, known: None,
        budget: Budget | None = None,
        *,
        max_age: float | None = None,
    ) -> list[Answer]:
        """See `Collector.ask`."""
        paying = budget or Budget()
        purse = f"{self._job} {paying.name}" if paying.name else ""
        orders = [
            Order(self._terms, endpoint, questions[at : at + ORDER], max_age, paying.dollars, paying.calls, purse)
            for at in range(0, len(questions), ORDER)
        ]
        done = await all_of(self._carried_out(order, on_answer, paying) for order in orders)
        return [answer for each in done for answer in each]

    async def known(
        self, endpoint: Endpoint, questions: Sequence[Question], *, max_age: float | None = None
    ) -> list[Answer] | None:
        """See `Collector.known`."""
        return await self._here.known(endpoint, questions, max_age=max_age)

    async def graded(self, grading: Grading, seen: Sequence[Seen]) -> list[dict[str, float]]:
        """See `Collector.graded`."""
        if not grading.cpus:
            return await graded(grading, seen)
        task = ray.remote(grade).options(num_cpus=min(grading.cpus, self._cores / 2), max_retries=3)
        parts = [seen[at : at + CHUNK] for at in range(0, len(seen), CHUNK)]
        outcomes = await asyncio.gather(*(task.remote(self._source, grading.hash, part) for part in parts))
        grades: list[dict[str, float]] = []
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
            grades += outcome
        return grades

    async def _carried_out(self, order: Order, on_answer: OnAnswer, budget: Budget) -> Sequence[Answer]:
        done = await self._by_somebody(order)
        self.requests += done.calls
        budget.made += done.calls
        budget.add(done.spent)
        for answer, known in done.told:
            on_answer(answer, known)
        if done.failure is not None:
            raise done.failure
        return done.answers

    async def _by_somebody(self, order: Order) -> Done:
        for _ in range(LOST):
            hand = await self._hands.free(len(order.questions))
            try:
                return await cast("Awaitable[Done]", hand.actor.ask.remote(order))
            except RayActorError:
                self._hands.lost(hand)
            finally:
                hand.questions -= len(order.questions)
        what = f"{LOST} processes of the cluster ended while they asked {order.endpoint.id!r}"
        raise InfrastructureError(f"{what}; Ray's logs say why (memory?). What was answered is kept")
