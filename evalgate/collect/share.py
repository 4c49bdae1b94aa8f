"""Which questions are this process's to ask: those that nobody else, on the same store, is asking at this moment.

Questions are claimed in blocks, in their order, so that processes that start together get different ones. What another
process has claimed is waited for at the end: it answers, or gives up, or dies, and then the question is ours after all.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence

from evalgate.collect.stop import Stop
from evalgate.errors import StoreError
from evalgate.exchange import Answer
from evalgate.store import BEAT_SECONDS, Claims, Store

BLOCK = 128  # questions claimed at once: a commit each
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 1.0  # seconds between two looks at what others have answered


class Workbench:
    """This process among those that share the store: it claims, says that it lives, and takes leave."""

    def __init__(self, store: Store, stop: Stop) -> None:
        self.store, self.stop = store, stop
        self.claims = Claims(store)
        self._beating: asyncio.Task[None] | None = None

    async def take(self, keys: Sequence[str], since: float) -> set[str]:
        """Claim what is free of `keys`."""
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat())
        return await asyncio.to_thread(self.claims.take, keys, since=since)

    async def give_up(self, keys: Sequence[str]) -> None:
        """Leave what was claimed, and will not be asked, to others."""
        if keys:
            with contextlib.suppress(StoreError):  # a store that fails says so elsewhere; claims end with their worker
                await asyncio.to_thread(self.claims.give_up, keys)

    async def leave(self) -> None:
        """End all claims."""
        if self._beating is not None:
            self._beating.cancel()
            with contextlib.suppress(StoreError):
                await asyncio.to_thread(self.claims.leave)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            with contextlib.suppress(StoreError):
                await asyncio.to_thread(self.claims.beat)


class Share:
    """Hands out the questions `todo` (indices into `keys`) that are ours; `found` gets what others answered.

    What costs nothing need not be claimed (`claiming`): a recorded answer may be read by everybody.
    """

    def __init__(
        self,
        bench: Workbench,
        keys: Sequence[str],
        todo: Sequence[int],
        since: float,
        found: Callable[[int, Answer], None],
        *,
        claiming: bool,
    ) -> None:
        self._bench, self._keys, self._since, self._found = bench, keys, since, found
        self._claiming = claiming
        self._free, self._ours = (deque(todo), deque[int]()) if claiming else (deque[int](), deque(todo))
        self._theirs: list[int] = []
        self._turn = asyncio.Lock()
        self._pause = SHORTEST_PAUSE

    async def next(self) -> int | None:
        """The next question to ask; None when all are asked or answered."""
        if not self._ours:
            async with self._turn:
                while not self._ours and (self._free or self._theirs):
                    self._bench.stop.check()
                    await (self._claim() if self._free else self._look_again())
        return self._ours.popleft() if self._ours else None

    async def end(self, unanswered: Sequence[int]) -> None:
        """Leave to others what was not asked, and what was asked in vain."""
        if self._claiming:
            await self._bench.give_up([self._keys[index] for index in (*self._ours, *unanswered)])

    async def _claim(self) -> None:
        block = [self._free.popleft() for _ in range(min(BLOCK, len(self._free)))]
        taken = await self._bench.take([self._keys[index] for index in block], self._since)
        for index in block:
            if self._keys[index] in taken:
                self._ours.append(index)
                self._pause = SHORTEST_PAUSE
            else:
                self._theirs.append(index)

    async def _look_again(self) -> None:
        await self._bench.stop.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        store, keys = self._bench.store, [self._keys[index] for index in self._theirs]
        answers = await asyncio.to_thread(store.find, keys, since=self._since)
        await asyncio.to_thread(self._bench.claims.bury_the_dead)
        waiting, self._theirs = self._theirs, []
        for index in waiting:
            if (answer := answers.get(self._keys[index])) is not None:
                self._found(index, answer)
            else:
                self._free.append(index)
