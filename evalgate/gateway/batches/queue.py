"""Works off waiting lines with spare capacity: some at a time, and only while few live calls are under way.

Each line is decided on anew when its turn comes: a variant that went red while the line was waiting is not asked. There
is time, so a line waits for the cheap variant that is failing at the moment, some times, before it goes to the next
one; and while the baseline itself is down everything waits, until its window ends.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from evalgate.collect.share import Workbench
from evalgate.errors import EvalgateError, InputError, ProviderError, StoreError
from evalgate.exchange import JsonValue
from evalgate.gateway.batches.lines import body_of, path_of, terms_of
from evalgate.gateway.batches.outcome import Delivered, answered, error_body, reason_of, refused
from evalgate.gateway.batches.tier import BatchTier, logger
from evalgate.gateway.batches.upstream import CannotAsk, Outgoing, Upstreams, prepared, read, request_of
from evalgate.gateway.caller import Caller
from evalgate.providers.base import AttemptFailed
from evalgate.providers.retry import RetryPolicy
from evalgate.router import Decision, Option, admits
from evalgate.store import jobs, queue
from evalgate.store.jobs import Job
from evalgate.store.queue import Line, Outcome
from evalgate.telemetry import Attempt
from evalgate.telemetry.attempt import Outcome as Ended

PATIENCE = 3  # times that a line waits for a variant that fails, before the next one is asked
LOOK_SECONDS = 0.05  # while live calls have the right of way, and between two lines
IDLE_SECONDS = 2.0  # between two looks at an empty queue, at most
T = TypeVar("T")


class _Later(Exception):
    """The line is to be tried again at `at`; `counts` as a try, `why` the last one failed."""

    def __init__(self, at: float, why: str, *, counts: bool = True) -> None:
        super().__init__(why)
        self.at, self.why, self.counts = at, why, counts


@dataclass(slots=True)
class Queue:
    """The waiting lines, as this process works them off."""

    tier: BatchTier
    bench: Workbench
    upstreams: Upstreams
    wake: asyncio.Event
    _jobs: dict[str, Job] = field(default_factory=dict)
    _random: random.Random = field(default_factory=random.Random)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; what is under way then is waited for."""
        under_way: set[asyncio.Task[None]] = set()
        idle = LOOK_SECONDS
        try:
            while not stop.is_set():
                room = self.tier.settings.concurrency - len(under_way)
                if room <= 0 or self.tier.live() > self.tier.settings.busy_above:
                    await self._rest(LOOK_SECONDS, under_way)
                    continue
                lines = await self._take(room)
                for line in lines:
                    under_way.add(task := asyncio.create_task(self._serve(line)))
                    task.add_done_callback(under_way.discard)
                idle = LOOK_SECONDS if lines else min(2 * idle, IDLE_SECONDS)
                if not lines:
                    await self._rest(idle, under_way)
            if under_way:
                await asyncio.wait(under_way)
        finally:
            for task in under_way:
                task.cancel()

    async def _take(self, most: int) -> list[Line]:
        try:
            return await asyncio.to_thread(queue.take, self.tier.store, self.bench.claims.worker, most, self.tier.now())
        except EvalgateError as failure:  # the store is away; what waits is safe there
            logger.warning("the queue of batch work cannot be read: %s", failure)
            await asyncio.sleep(IDLE_SECONDS)
            return []

    async def _rest(self, seconds: float, under_way: set[asyncio.Task[None]]) -> None:
        """Wait for so long, for a call that ends, or for somebody who knows of news."""
        news = asyncio.create_task(self.wake.wait())
        try:
            await asyncio.wait({news, *under_way}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
        self.wake.clear()

    async def _serve(self, line: Line) -> None:
        """One line, to its result or back into the queue."""
        worker, store = self.bench.claims.worker, self.tier.store
        try:
            job = await self._job(line.job)
            caller = Caller(id=job.owner)
            outcome = await self._outcome(line, job, caller)
        except _Later as later:
            await self._durably(partial(queue.put_back, store, line, worker, later.at, counts=later.counts))
            return
        except EvalgateError as failure:
            logger.warning("batch %s, line %d: %s", line.job, line.number, failure)
            await self._durably(partial(queue.put_back, store, line, worker, self.tier.now() + IDLE_SECONDS))
            return
        except Exception:  # a bug must not stop all other lines, nor come back for ever
            logger.exception("batch %s, line %d cannot be worked off", line.job, line.number)
            outcome, caller = _broken(line), Caller()
        if not await self._durably(partial(queue.finish, store, [outcome])):
            logger.warning("batch %s, line %d was answered twice; the first answer counts", line.job, line.number)
        if outcome.cost is not None:
            tokens = (outcome.input_tokens or 0) + (outcome.output_tokens or 0)
            self.tier.doorkeeper.book(caller, outcome.cost, tokens)

    async def _durably(self, work: Callable[[], T]) -> T:
        """Do it, however long the store is away: what was paid for is held until then, and nothing new is taken."""
        while True:
            try:
                return await asyncio.to_thread(work)
            except StoreError as failure:
                logger.warning("a result of batch work is held, because the store cannot take it: %s", failure)
                await asyncio.sleep(IDLE_SECONDS)

    async def _outcome(self, line: Line, job: Job, caller: Caller) -> Outcome:
        if not self.tier.affords(caller):
            message = "The spend limit of this key is reached."
            return refused(line, 429, error_body("insufficient_quota", message, "insufficient_quota"))
        body = body_of(line)
        patient = line.tries < PATIENCE
        try:
            decision = self.tier.decide(terms_of(job).call(body), patient=patient)
        except InputError:
            message = "Nobody can say any more which endpoint serves this model and operation."
            return refused(line, 404, error_body("invalid_request_error", message, "model_not_found"))
        if not decision.order:
            return refused(line, 400, error_body("invalid_request_error", reason_of(decision)))
        return await self._ask_in_turn(line, job, caller, body, decision, patient=patient)

    async def _ask_in_turn(
        self, line: Line, job: Job, caller: Caller, body: Mapping[str, JsonValue], decision: Decision, *, patient: bool
    ) -> Outcome:
        operation, why, wordless = decision.route.operation, "", False
        last, asked = AttemptFailed(""), False
        for option in decision.order:
            endpoint = option.endpoint
            if not self.tier.allows(operation, endpoint.model, option.id, endpoint.config):  # since the one before it
                continue
            try:
                out = prepared(endpoint, path_of(job), body, self.tier.between)
            except CannotAsk as failure:
                why, wordless = f"{option.id}: {failure}", not asked
                continue
            asked, wordless = True, False
            self._require_service(line, operation, option, patient=patient)
            try:
                return await self._ask(line, caller, body, decision, option, out, why)
            except (AttemptFailed, ProviderError, InputError) as failure:
                last = failure if isinstance(failure, AttemptFailed) else last
                why = f"{option.id}: {_reason(failure)}"
                if patient:
                    break
        if wordless:
            return refused(line, 400, error_body("invalid_request_error", f"no upstream can be asked this: {why}"))
        why = why or "who was chosen may not be used any more"
        return self._again(line, decision.order[-1].endpoint.provider.retries, last, why)

    def _require_service(self, line: Line, operation: str | None, option: Option, *, patient: bool) -> None:
        """Wait for a variant whose breaker is open: the one that is wanted, or the baseline, after which is nobody."""
        breaker = self.tier.breaker(operation, option.id)
        now = self.tier.now()
        if not admits(breaker, now):
            at = max(breaker.open_until, breaker.probe_until, now + LOOK_SECONDS)
            raise _Later(min(at, now + 300.0), "its breaker is open", counts=patient)

    def _again(self, line: Line, retries: int, failure: AttemptFailed, why: str) -> Outcome:
        """Try once more later; the line fails when that was the last time."""
        attempts = line.tries + 1
        policy = RetryPolicy(PATIENCE + retries)
        if not policy.gives_up(attempts, failure, ever_reached=True):
            raise _Later(self.tier.now() + policy.pause(attempts, failure, self._random), why)
        return refused(line, 502, error_body("api_error", f"all attempts failed; the last one: {why}"))

    async def _ask(
        self,
        line: Line,
        caller: Caller,
        body: Mapping[str, JsonValue],
        decision: Decision,
        option: Option,
        out: Outgoing,
        failed: str,
    ) -> Outcome:
        tier, operation, endpoint = self.tier, decision.route.operation, option.endpoint
        request = request_of(body)
        tier.sent(operation, option.id)
        started = time.perf_counter()

        def note(ended: Ended, asked: int | None = None, said: int | None = None) -> None:
            milliseconds = (time.perf_counter() - started) * 1000
            name = decision.call.operation or ""
            tier.record(Attempt(option.id, name, ended, tier.now(), milliseconds, None, asked, said))

        try:
            reply = await self.upstreams.ask(out)
            answer = read(out, reply, (time.perf_counter() - started) * 1000)
        except AttemptFailed as failure:
            note("throttled" if failure.throttled else "failed")
            tier.failed(operation, option.id, failure.retry_after)
            lost = self.upstreams.costs.of_attempt(endpoint, request, failure)
            if lost:
                tier.doorkeeper.book(caller, lost, 0)
            raise
        except (ProviderError, InputError) as failure:
            logger.warning("batch work: %s", failure)
            note("failed")
            tier.failed(operation, option.id, None)
            raise
        tier.succeeded(operation, option.id)
        if answer.refused:
            note("callers_fault")
            return refused(line, answer.status, answer.body, option.id)
        note("ok", answer.answer.input_tokens, answer.answer.output_tokens)
        reason = f"the next one, because another failed: {failed}" if failed else reason_of(decision)
        how = Delivered(decision, endpoint, answer.answer.latency_ms, reason)
        learnt = self.upstreams.costs.learn(endpoint, request, answer.answer)
        return answered(line, answer, how, learnt, request)

    async def _job(self, name: str) -> Job:
        """What does not change of a job."""
        known = self._jobs.get(name)
        if known is None:
            if len(self._jobs) > 1000:
                self._jobs.clear()
            known = await asyncio.to_thread(jobs.find, self.tier.store, name)
            assert known is not None  # its lines go with it, and never before
            self._jobs[name] = known
        return known


def _reason(failure: Exception) -> str:
    """For the client: an operator's message names files and keys' variables."""
    return failure.reason if isinstance(failure, AttemptFailed) else "its provider turns calls away"


def _broken(line: Line) -> Outcome:
    return refused(line, 500, error_body("api_error", "the gateway failed on this request"))
