"""What a fleet does: hearings on deciders, and questions that somebody here decides on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayActorError

from evalgate.check import Hear, Heard, Hearing, Progress
from evalgate.cluster.crew import RemoteCrew
from evalgate.cluster.decider import Decider
from evalgate.cluster.messages import Charge, News, Source, Terms
from evalgate.collect import Crew, Stop
from evalgate.errors import InfrastructureError
from evalgate.plan import Contest
from evalgate.store import Store

if TYPE_CHECKING:
    from evalgate.cluster.fleet import Fleet

LIVES = 5  # deciders of one hearing that may be lost without any progress


class Work:
    """Askers that were hired, and what can be given to them. `job` tells it from others on the same store."""

    def __init__(self, fleet: Fleet, askers: Sequence[Any], terms: Terms, stop: Stop, job: str) -> None:
        self._fleet, self._askers, self._terms, self._stop, self._job = fleet, askers, terms, stop, job
        self._benches = asyncio.Semaphore(max(1, int(fleet.cores)))  # so that deciders take a quarter of all cores

    def crew(
        self, suite: Path, store: Store, *, since: float | None = None
    ) -> contextlib.AbstractAsyncContextManager[Crew]:
        """Who asks and grades for somebody here; `since` is that of `Collector`, if it is not that of the work."""
        terms = self._terms if since is None else replace(self._terms, since=since)
        return self._crew(suite, store, terms)

    @contextlib.asynccontextmanager
    async def _crew(self, suite: Path, store: Store, terms: Terms) -> AsyncIterator[Crew]:
        source = Source(suite, self._fleet.catalog)
        async with RemoteCrew(self._askers, store, terms, self._job, source, self._stop, self._fleet.cores) as crew:
            yield crew

    def hear_here(self, store: Store, *, since: float) -> Hear:
        """For `check`: deciding stays here, and only asking and grading goes to the cluster."""

        async def hear(contest: Contest, run: str, progress: Progress) -> Heard:
            async with self.crew(contest.suite.path, store, since=since) as crew:
                return await Hearing(contest, crew, store, progress, run, time.time).hold()

        return hear

    async def hear(self, contest: Contest, run: str, progress: Progress) -> Heard:
        """For `check`: a decider of its own for each contest. One that is lost is replaced."""
        charge = Charge(
            source=Source(contest.suite.path, self._fleet.catalog),
            variants=tuple(contest.variants),
            max_cases=self._fleet.max_cases,
            suite_hash=contest.suite.hash,
            configs=tuple(endpoint.config for endpoint in contest.endpoints),
            run=run,
            terms=self._terms,
        )
        told = _Counted(progress)
        lives = LIVES
        async with self._benches:
            while lives > 0:
                before = told.answers
                try:
                    return await self._heard(charge, told)
                except RayActorError:
                    lives = LIVES if told.answers > before else lives - 1
        what = f"{contest.suite.operation}: {LIVES} processes that decide on it ended, one after the other"
        raise InfrastructureError(f"{what}; Ray's logs say why (memory?). What was answered is kept")

    async def _heard(self, charge: Charge, told: _Counted) -> Heard:
        from evalgate.cluster.fleet import PART

        decider = (
            ray.remote(Decider)
            .options(num_cpus=PART)
            .remote(self._fleet.store, list(self._askers), charge, self._fleet.cores)
        )
        told.begin_anew()
        try:
            with self._stop.heeded(lambda reason: decider.stop.remote()):
                while True:
                    news: News = await decider.news.remote()
                    told.tell(news)
                    if news.failure is not None:
                        raise news.failure
                    if news.heard is not None:
                        return news.heard
        finally:
            ray.kill(decider)


class _Counted:
    """Tells somebody's progress on, and what a decider repeats that was begun anew only once."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.answers = self._again = 0

    def begin_anew(self) -> None:
        self._again = self.answers

    def tell(self, news: News) -> None:
        for what, arguments in news.told:
            if what == "answered":
                operation, variant, known = arguments
                if self._again:
                    self._again -= 1
                else:
                    self.answers += 1
                    self._progress.answered(operation, variant, known=known)
            elif what == "spent":
                self._progress.spent(*arguments)
            else:
                self._progress.ruled(*arguments)
