"""The batch tier at work in one process: until it is stopped, and whatever breaks meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from evalgate.collect import Stop, Workbench
from evalgate.errors import EvalgateError
from evalgate.gateway.batches.desk import Desk
from evalgate.gateway.batches.parcels import Parcels
from evalgate.gateway.batches.queue import Queue
from evalgate.gateway.batches.tier import BatchTier, logger
from evalgate.gateway.batches.upstream import Upstreams

LOOK_SECONDS = 2.0  # between two looks at the jobs: other processes make some, too


async def work(tier: BatchTier) -> None:
    """Read, hand in, work off, take in and end clients' batches, until `tier.stop()`; a task of the gateway.

    Stopped or cancelled, it takes up nothing new, and waits until what is under way is durable; when it is cancelled no
    longer than `tier.drain_seconds`. What is cut off then is asked again: `settings.concurrency` calls at the most.
    """
    working = asyncio.create_task(_work(tier))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        tier.stop()
        await asyncio.wait({working}, timeout=tier.drain_seconds)
        raise
    finally:
        if not working.done():
            working.cancel()
            await asyncio.wait({working})


async def _work(tier: BatchTier) -> None:
    bench, upstreams = Workbench(tier.store, Stop()), Upstreams(tier.environment)
    parcels = Parcels(tier, bench, upstreams)
    desk = Desk(tier, bench, parcels)
    await _until_it_works(tier, lambda: bench.take([], 0.0))
    queue = Queue(tier, bench, upstreams, tier.bell())
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(queue.run(tier.stopping))
            group.create_task(_again_and_again(tier, desk.begin, LOOK_SECONDS))
            group.create_task(_again_and_again(tier, desk.end, LOOK_SECONDS))
            group.create_task(_again_and_again(tier, parcels.look_after, tier.settings.poll_seconds, heard=False))
    finally:
        await bench.leave()
        await upstreams.close()


async def _again_and_again(
    tier: BatchTier, act: Callable[[], Awaitable[None]], seconds: float, *, heard: bool = True
) -> None:
    """Act, then wait for so long, or for news where they are `heard`; a store that is away is waited for."""
    bell = tier.bell() if heard else None
    while not tier.stopping.is_set():
        if bell is not None:
            bell.clear()
        try:
            await act()
        except EvalgateError as failure:
            logger.warning("batch work: %s", failure)
        except Exception:  # a bug in one job must not stop all others
            logger.exception("batch work")
        await _wait(bell or tier.stopping, seconds)


async def _until_it_works(tier: BatchTier, act: Callable[[], Awaitable[object]]) -> None:
    while not tier.stopping.is_set():
        try:
            await act()
        except EvalgateError as failure:
            logger.warning("batch work cannot begin: %s", failure)
            await _wait(tier.stopping, LOOK_SECONDS)
        else:
            return


async def _wait(bell: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await bell.wait()
    except TimeoutError:
        return
