"""Holding a lease while a job is done: taken or told who has it, and kept alive by beats."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from evalgate.collect import Stop
from evalgate.errors import InfrastructureError
from evalgate.store import Holder, Lease, claims

_LOOK_SECONDS = 0.5  # between two looks at a holder that may be dead


@contextlib.asynccontextmanager
async def holding(lease: Lease, stop: Stop) -> AsyncIterator[tuple[Lease, Holder | None]]:
    """Hold `lease`; a holder comes along when somebody else has it, who lives: then nothing is held.

    Whether a holder lives takes a moment to see: until its next beat, or until there was none for half a minute. Should
    this process be taken for dead while it holds the lease, `stop` is asked to end everything.
    """
    first = holder = await asyncio.to_thread(lease.take)
    while holder is not None and first is not None and (holder.place, holder.beat) == (first.place, first.beat):
        await stop.sleep(_LOOK_SECONDS)
        holder = await asyncio.to_thread(lease.take)
    if holder is not None:
        yield lease, holder
        return
    beating = asyncio.create_task(_beat(lease, stop))
    try:
        yield lease, None
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        await asyncio.to_thread(lease.leave)


async def _beat(lease: Lease, stop: Stop) -> None:
    while True:
        await asyncio.sleep(claims.BEAT_SECONDS)
        if not await asyncio.to_thread(lease.beat):
            stop.request(InfrastructureError(f"{lease.name}: taken for dead by another process, which goes on with it"))
            return
