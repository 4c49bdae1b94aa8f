"""The paper work of clients' batches: read their lines, decide how each is asked, and end them when they are over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import orjson

from evalgate.collect.share import Workbench
from evalgate.errors import EvalgateError, InputError
from evalgate.gateway.batches.input import Fault, Reader, lines_of
from evalgate.gateway.batches.lines import Asking, body_of, path_of, terms_of
from evalgate.gateway.batches.outcome import CANCELLED, EXPIRED, failed_line
from evalgate.gateway.batches.parcels import MOST_BYTES, MOST_LINES, Parcels
from evalgate.gateway.batches.queue import PATIENCE
from evalgate.gateway.batches.tier import BatchTier, logger
from evalgate.gateway.batches.upstream import CannotAsk, prepared
from evalgate.gateway.caller import Caller
from evalgate.store import files, jobs, queue
from evalgate.store.jobs import Job
from evalgate.store.queue import Line

READ_AT_ONCE = 200  # lines in one commit
SORTED_AT_ONCE = 25  # lines in memory; each may have some MiB
TIDY_SECONDS = 3600.0


@dataclass(slots=True)
class _Group:
    """What will be one parcel."""

    asking: list[Asking] = field(default_factory=list)
    size: int = 0


@dataclass(slots=True)
class Desk:
    """The jobs of all clients, as this process deals with them."""

    tier: BatchTier
    bench: Workbench
    parcels: Parcels
    _tidied_at: float = 0.0

    async def begin(self) -> None:
        """Read and sort the lines of jobs that have just been made, one job after the other."""
        store, worker = self.tier.store, self.bench.claims.worker
        while not self.tier.stopping.is_set():
            job = await asyncio.to_thread(jobs.claim, store, worker, self.tier.now())
            if job is None:
                return
            try:
                if job.status == "validating":
                    await self._read(job)
                else:
                    await self._sort(job)
            except EvalgateError:
                raise
            except Exception:  # a bug in this one must not stop all others
                logger.exception("batch %s cannot be begun", job.job)
                await self._refuse(job, [Fault("server_error", "The gateway failed on this file.")])
                await asyncio.to_thread(queue.let_wait, store, job.job)
            finally:
                await asyncio.to_thread(jobs.let_go, store, job.job, worker)
            self.tier.ring()

    async def end(self) -> None:
        """End what is cancelled, late or done; take up what the dead have left; throw away what is too old."""
        tier, store = self.tier, self.tier.store
        await self.bench.take([], 0.0)  # this process lives, also when it was taken for dead
        await asyncio.to_thread(self.bench.claims.bury_the_dead)
        if await asyncio.to_thread(queue.free_the_lost, store):
            tier.ring()
        for job in await asyncio.to_thread(
            jobs.in_status, store, "validating", "in_progress", "finalizing", "cancelling"
        ):
            if job.status in ("validating", "in_progress"):
                if tier.now() < job.expires_at:
                    continue
                late = partial(jobs.change, of=("validating", "in_progress"), finalizing_at=tier.now())
                await asyncio.to_thread(late, store, job.job, "finalizing")
            why = CANCELLED if job.status == "cancelling" else EXPIRED
            await asyncio.to_thread(jobs.give_up, store, job.job, partial(_given_up, job, why))
        for job in await asyncio.to_thread(jobs.ended, store):
            await asyncio.to_thread(jobs.settle, store, job, tier.now(), tier.keep_until())
        if tier.now() - self._tidied_at > TIDY_SECONDS:
            self._tidied_at = tier.now()
            await asyncio.to_thread(files.delete_expired, store, tier.now())

    async def _read(self, job: Job) -> None:
        """Keep the lines of a job's file, or say what is wrong with them; twice is as good as once."""
        tier, store = self.tier, self.tier.store
        file = await asyncio.to_thread(files.find, store, job.owner, job.input_file)
        if file is None:
            faults = [Fault("file_not_found", f"The input file {job.input_file!r} is not there any more.")]
        else:
            reader = Reader(terms_of(job), tier.table())
            asked = reader.read(lines_of(files.content(store, file)))
            lines = (Line(job.job, each.number, each.custom_id, each.body) for each in asked)
            while some := await asyncio.to_thread(_some, lines, READ_AT_ONCE):
                if not await asyncio.to_thread(queue.add_lines, store, some):
                    return  # it was cancelled, or its time is over
            faults = reader.end()
        if faults:
            await self._refuse(job, faults)
            return
        begun = partial(jobs.change, of=("validating",), in_progress_at=tier.now())
        await asyncio.to_thread(begun, store, job.job, "in_progress")

    async def _refuse(self, job: Job, faults: Sequence[Fault]) -> None:
        told = [fault.to_json() for fault in faults]
        now, keep_until = self.tier.now(), self.tier.keep_until()
        await asyncio.to_thread(jobs.refuse, self.tier.store, job.job, told, now, keep_until)

    async def _sort(self, job: Job) -> None:
        """Decide for each new line how it is asked: by a provider's batch API, or when there is spare capacity."""
        tier, store = self.tier, self.tier.store
        groups: dict[tuple[str | None, str, str], _Group] = {}
        after = 0
        while lines := await asyncio.to_thread(queue.new_lines, store, job.job, after, SORTED_AT_ONCE, tier.now()):
            after = lines[-1].number
            waiting = []
            for line in lines:
                asking = await self._by_parcel(job, line)
                if asking is None:
                    waiting.append(line.number)
                    continue
                key = (asking.operation, asking.out.endpoint.id, asking.out.path)
                group = groups.setdefault(key, _Group())
                size = len(line.body)
                if group.asking and (len(group.asking) == MOST_LINES or group.size + size > MOST_BYTES):
                    await self.parcels.hand_in(job, group.asking)
                    group = groups[key] = _Group()
                group.asking.append(asking)
                group.size += size
            if waiting:
                await asyncio.to_thread(queue.let_wait, store, job.job, waiting)
                tier.ring()
        for group in groups.values():
            await self.parcels.hand_in(job, group.asking)

    async def _by_parcel(self, job: Job, line: Line) -> Asking | None:
        """How a line is handed in to a provider; None: it waits for spare capacity."""
        await asyncio.sleep(0)  # live calls have the right of way
        if line.tries >= PATIENCE or not self.tier.affords(Caller(id=job.owner)):
            return None
        body = body_of(line)
        try:
            decision = self.tier.decide(terms_of(job).call(body), patient=True)
            chosen = decision.chosen
            if chosen is None or chosen.endpoint.variant.batch_discount is None:
                return None
            await self.parcels.upstreams.batches(chosen.endpoint.provider)
            out = prepared(chosen.endpoint, path_of(job), body, self.tier.between)
            return Asking(line, decision, out, orjson.dumps(out.body))
        except CannotAsk:
            return None
        except InputError as failure:
            logger.warning("batch %s, line %d: %s", job.job, line.number, failure)
            return None


def _some(lines: Iterator[Line], most: int) -> list[Line]:
    return list(islice(lines, most))


def _given_up(job: Job, why: tuple[str, str], number: int, custom_id: str) -> bytes:
    return failed_line(job.job, number, custom_id, why)
