"""Providers' batch APIs for clients' batches: lines go there in parcels, one operation and variant each.

A parcel is durable before it is handed in, and has one process that looks after it; when that is gone, another one
takes it up, asks the provider for it by its token where its id was never heard, and goes on. What comes back without an
answer (it expired, the provider failed) waits for spare capacity like any other line.

A variant may lose its green while a parcel is on its way. Once handed in, it is out of our hands and paid. So: if the
variant may not be used at the moment in which the parcel's id is known, the parcel is cancelled, whatever it still
brings is thrown away (and booked), and its lines are decided on anew. What was handed in while the variant was green
counts, also when it turned red before the results came.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial

from evalgate.catalog import Endpoint
from evalgate.collect.batch_line import DOUBT_SECONDS
from evalgate.collect.handing_in import InDoubt, hand_in_once
from evalgate.collect.share import Workbench
from evalgate.errors import EvalgateError, InputError, ProviderError
from evalgate.gateway.batches.lines import Asking, body_of, path_of, terms_of
from evalgate.gateway.batches.outcome import Delivered, answered, reason_of, refused
from evalgate.gateway.batches.tier import BatchTier, logger
from evalgate.gateway.batches.upstream import CannotAsk, Outgoing, Upstreams, prepared, read, request_of
from evalgate.gateway.caller import Caller
from evalgate.providers.base import AttemptFailed
from evalgate.providers.batch import BatchClient, BatchState, BatchUnknown, Result
from evalgate.providers.batch_results import may_differ
from evalgate.providers.reply import as_said
from evalgate.providers.retry import RetryPolicy
from evalgate.store import jobs, parcels
from evalgate.store.jobs import Job
from evalgate.store.parcels import Parcel
from evalgate.store.queue import Line, Outcome, finish

MOST_LINES, MOST_BYTES = 2_000, 16_000_000  # in one parcel, which is in memory while it is handed in
GROUP = 50  # results in one commit; each may have some MiB
AT_ONCE = 4  # parcels that are looked at together
LOOKS_AT_SHORT = 3  # times that results which are fewer than promised are read
LATE_SECONDS = 86_400.0  # that a provider's batch may take beyond the client's window
_UNDER_WAY: set[str] = set()  # what this process is handing in at this moment


@dataclass(slots=True)
class Parcels:
    """The parcels that this process hands in and looks after."""

    tier: BatchTier
    bench: Workbench
    upstreams: Upstreams
    _cancelled: set[str] = field(default_factory=set)
    _short: Counter[str] = field(default_factory=Counter)
    _random: random.Random = field(default_factory=random.Random)

    async def hand_in(self, job: Job, asking: Sequence[Asking]) -> None:
        """Hand in lines of one operation and variant; those that the provider does not take are decided on again."""
        store, first = self.tier.store, asking[0]
        endpoint = first.out.endpoint
        parcel = Parcel(
            parcel=parcels.new_name(),
            job=job.job,
            provider=endpoint.provider.id,
            operation=first.operation,
            model=endpoint.model,
            variant=endpoint.id,
            config=endpoint.config,
            worker=self.bench.claims.worker,
            submitted_at=self.tier.now(),
            seq=first.decision.seq,
        )
        client = await self.upstreams.batches(endpoint.provider)
        _UNDER_WAY.add(parcel.parcel)
        try:
            numbers = [each.line.number for each in asking]
            ours = await asyncio.to_thread(parcels.intend, store, parcel, numbers)
            bodies = [(str(it.line.number), it.body) for it in asking if it.line.number in ours]
            if not bodies:
                return
            batch = await hand_in_once(
                client,
                lambda: client.hand_in(first.out.path, bodies, parcel.parcel),
                partial(self._find, client, parcel),
                partial(self._pause, endpoint),
                partial(self._close, parcel, again=True),
            )
            await self._taken(parcel, batch)
        except InDoubt as doubt:
            logger.warning("%s: %s", _in_doubt(parcel, len(asking)), doubt)
            await self._close(parcel, again=False)
        except (ProviderError, InputError) as failure:
            logger.warning("batch %s: %s", job.job, failure)
        finally:
            _UNDER_WAY.discard(parcel.parcel)

    async def look_after(self) -> None:
        """Look at every parcel of this process, and of those that are gone; take in what is done."""
        mine = await asyncio.to_thread(parcels.adopt, self.tier.store, self.bench.claims.worker)
        room = asyncio.Semaphore(AT_ONCE)

        async def look(parcel: Parcel) -> None:
            async with room:
                try:
                    await self._look(parcel)
                except (AttemptFailed, EvalgateError) as failure:  # at the next look, perhaps
                    logger.warning("parcel %s at %s: %s", parcel.batch or parcel.parcel, parcel.provider, failure)

        await asyncio.gather(*(look(parcel) for parcel in mine if parcel.parcel not in _UNDER_WAY))
        self._cancelled &= {parcel.parcel for parcel in mine}

    async def _look(self, parcel: Parcel) -> None:
        job = await asyncio.to_thread(jobs.find, self.tier.store, parcel.job)
        endpoint = self._endpoint(parcel)
        if job is not None and self.tier.now() > job.expires_at + LATE_SECONDS:
            logger.warning("batch %s of %s has not ended a day after its time, and is given up", parcel.batch, job.job)
            await self._close(parcel, again=False)
            return
        if job is None or endpoint is None:
            logger.warning(
                "a batch of %s at %s is given up: it is in the catalogue no more", parcel.job, parcel.provider
            )
            await self._close(parcel, again=True)
            return
        client = await self.upstreams.batches(endpoint.provider)
        if parcel.batch is None:
            found = await self._find(client, parcel)
            if found is None:
                if not client.traceable:
                    logger.warning("%s", _in_doubt(parcel, 0))
                await self._close(parcel, again=True)
                return
            parcel = await self._taken(parcel, found)
        batch = parcel.batch or ""
        try:
            state = await client.poll(batch)
            unwanted = parcel.withdrawn or job.status != "in_progress"
            if unwanted and not state.done and parcel.parcel not in self._cancelled:
                await client.cancel(batch)
                self._cancelled.add(parcel.parcel)
            if state.done:
                await self._fetch(parcel, job, endpoint, client, state)
        except BatchUnknown:
            logger.warning("provider %r does not know batch %s, which was handed in to it", parcel.provider, batch)
            await self._close(parcel, again=False)

    async def _taken(self, parcel: Parcel, batch: str) -> Parcel:
        """Remember the provider's id, and see whether the variant may still be used."""
        parcel = await asyncio.to_thread(parcels.remember, self.tier.store, parcel, batch)
        if self.tier.allows(parcel.operation, parcel.model, parcel.variant, parcel.config):
            return parcel
        logger.warning(
            "batch %s at %s is withdrawn: %s may not be used any more", batch, parcel.provider, parcel.variant
        )
        await asyncio.to_thread(parcels.withdraw, self.tier.store, parcel)
        return replace(parcel, withdrawn=1)

    async def _fetch(
        self, parcel: Parcel, job: Job, endpoint: Endpoint, client: BatchClient, state: BatchState
    ) -> None:
        if state.refused:
            logger.warning("provider %r did nothing of batch %s: %s", parcel.provider, parcel.batch, state.refused)
            await self._close(parcel, again=state.crowded)
            return
        group: dict[int, Result] = {}
        seen = 0
        async with aclosing(client.results(parcel.batch or "")) as results:
            async for key, result in results:
                if not key.isascii() or not key.isdigit():
                    continue
                seen += 1
                group[int(key)] = result
                if len(group) == GROUP:
                    await self._keep(parcel, job, endpoint, group)
                    group = {}
        await self._keep(parcel, job, endpoint, group)
        self._short[parcel.parcel] += 1
        if seen < state.finished and self._short[parcel.parcel] < LOOKS_AT_SHORT:
            logger.warning("batch %s promised %d results and brings %d", parcel.batch, state.finished, seen)
            return
        del self._short[parcel.parcel]
        await self._close(parcel, again=False)

    async def _keep(self, parcel: Parcel, job: Job, endpoint: Endpoint, group: dict[int, Result]) -> None:
        """Make answers durable, then book them; those of a withdrawn parcel are only booked."""
        caller = Caller(id=job.owner)
        if parcel.withdrawn:
            for result in group.values():
                self._book_the_unwanted(caller, job, endpoint, result)
            return
        lines = await asyncio.to_thread(parcels.lines_in, self.tier.store, parcel, list(group))
        outcomes = []
        for number, line in lines.items():
            if (outcome := self._outcome(parcel, job, endpoint, line, group[number])) is not None:
                outcomes.append(outcome)
            await asyncio.sleep(0)  # live calls have the right of way
        kept = await asyncio.to_thread(finish, self.tier.store, outcomes)
        for each in outcomes:
            if each.cost is not None and (each.job, each.number) in kept:
                tokens = (each.input_tokens or 0) + (each.output_tokens or 0)
                self.tier.doorkeeper.book(caller, each.cost, tokens)

    def _outcome(self, parcel: Parcel, job: Job, endpoint: Endpoint, line: Line, result: Result) -> Outcome | None:
        """None for what may turn out better when it is asked again."""
        if isinstance(result, str) or may_differ(reply := as_said(result)):
            return None
        body = body_of(line)
        try:
            out = prepared(endpoint, path_of(job), body, self.tier.between)
            decision = self.tier.decide(terms_of(job).call(body), patient=True)
            found = read(out, reply, 0.0)
        except (AttemptFailed, EvalgateError, CannotAsk, ValueError):
            return None
        if found.refused:
            return refused(line, found.status, found.body, endpoint.id)
        chosen = decision.chosen is not None and decision.chosen.id == endpoint.id
        reason = reason_of(decision) if chosen else self._reason(parcel)
        how = Delivered(decision, endpoint, None, reason, _discount(endpoint), parcel.seq)
        request = request_of(body)
        return answered(line, found, how, self.upstreams.costs.learn(endpoint, request, found.answer), request)

    def _book_the_unwanted(self, caller: Caller, job: Job, endpoint: Endpoint, result: Result) -> None:
        if isinstance(result, str) or result.status >= 300:
            return
        with contextlib.suppress(AttemptFailed, EvalgateError, ValueError):
            answer = read(Outgoing(endpoint, path_of(job), "", {}, None), result, 0.0).answer
            tokens = self.upstreams.costs.learn(endpoint, None, answer).tokens(None, answer)
            self.tier.doorkeeper.book(caller, endpoint.cost(*tokens) * (1 - _discount(endpoint)), sum(tokens))

    def _reason(self, parcel: Parcel) -> str:
        may = self.tier.allows(parcel.operation, parcel.model, parcel.variant, parcel.config)
        return "it was chosen when the batch was handed in" + ("" if may else ", and is not eligible any more")

    async def _find(self, client: BatchClient, parcel: Parcel) -> str | None:
        """What was handed in under the parcel's token; only what is not there twice is not there."""
        for wait in (0.0, DOUBT_SECONDS):
            if wait and client.traceable:
                await asyncio.sleep(wait)
            if batch := (await client.find({parcel.parcel}, parcel.submitted_at)).get(parcel.parcel):
                return batch
        return None

    async def _pause(self, endpoint: Endpoint, failure: AttemptFailed, attempts: int) -> None:
        policy = RetryPolicy(endpoint.provider.retries)
        if policy.gives_up(attempts, failure, ever_reached=False):
            raise ProviderError(f"the batch API of provider {endpoint.provider.id!r} fails: {failure.reason}")
        await asyncio.sleep(policy.pause(attempts, failure, self._random))

    async def _close(self, parcel: Parcel, *, again: bool) -> None:
        not_before = self.tier.now() + (self.tier.settings.poll_seconds if again else 0.0)
        await asyncio.to_thread(parcels.close, self.tier.store, parcel, not_before=not_before, again=again)
        self.tier.ring()

    def _endpoint(self, parcel: Parcel) -> Endpoint | None:
        """Who was asked, if the catalogue still says the same of it."""
        found = self.tier.table().catalog.models.get(parcel.model, {}).get(parcel.variant)
        return found if found is not None and found.config == parcel.config else None


def _discount(endpoint: Endpoint) -> Decimal:
    return Decimal(str(endpoint.variant.batch_discount or 0))


def _in_doubt(parcel: Parcel, lines: int) -> str:
    what = f"a batch of {lines:,} requests" if lines else "a batch"
    return (
        f"{what} was being handed in to {parcel.provider!r}; whether it was taken, and is billed, cannot be found out"
    )
