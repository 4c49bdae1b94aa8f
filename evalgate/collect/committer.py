"""Group commit: answers that arrive at about the same time, or while the disk is busy, share a commit.

So durability costs little. If they waited longer, more would share one; but each holds a place at its provider then.
"""

from __future__ import annotations

import asyncio

from evalgate.store import Bought, Store

MAX_GROUP = 256
LINGER_SECONDS = 0.002  # those who arrive together are many, and each commit costs CPU of its own


class Committer:
    """Makes answers durable; `add` returns only when its answer is."""

    def __init__(self, store: Store) -> None:
        self._store, self._closing = store, False
        self.failure: Exception | None = None  # of the store; it is not tried again, for each try may wait as long
        self._waiting: list[tuple[Bought, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def add(self, bought: Bought) -> None:
        """Hand over one answer and wait until it is on disk; raises `StoreError` when it cannot be."""
        if self.failure is not None:
            raise self.failure
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        durable.add_done_callback(_seen)
        self._waiting.append((bought, durable))
        self._arrived.set()
        await asyncio.shield(durable)  # whoever stops waiting does not stop the commit

    async def close(self) -> None:
        """Return when all that has arrived is on disk, also what is being committed now."""
        self._closing = True
        self._arrived.set()
        await asyncio.shield(self._task)  # an impatient second interrupt does not cut a commit short either

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                await asyncio.sleep(LINGER_SECONDS)
                await self._commit()

    async def _commit(self) -> None:
        group, self._waiting[:MAX_GROUP] = self._waiting[:MAX_GROUP], []
        if self.failure is None:
            try:
                await asyncio.to_thread(self._store.add, [bought for bought, _ in group])
            except Exception as failure:
                self.failure = failure
        for _, durable in group:
            if self.failure is None:
                durable.set_result(None)
            else:
                durable.set_exception(self.failure)


def _seen(durable: asyncio.Future[None]) -> None:
    """Whoever waited may be gone: then nobody misses what went wrong."""
    if not durable.cancelled():
        durable.exception()
