"""Which questions are this process's to ask: those that nobody else, on the same store, is asking at this moment.

Questions are claimed in blocks, in their order, so that processes that start together get different ones. What another
process has claimed is waited for at the end: it answers, or gives up, or dies, and then the question is ours after all.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from evalgate.collect.stop import Stop
from evalgate.errors import StoreError
from evalgate.exchange import Answer
from evalgate.store import BEAT_SECONDS, Claims, Store

BLOCK = 128  # questions claimed at once: a commit each
SUSPENDED_SECONDS = 15.0  # without a beat: others wait twice as long before they take over
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 1.0  # seconds between two looks at what others have answered


class Workbench:
    """This process among those that share the store: it claims, says that it lives, and takes leave."""

    def __init__(self, store: Store, stop: Stop) -> None:
        self.store, self.stop = store, stop
        self.claims = Claims(store)
        self.lives = 1  # counts up when this process was taken for dead, because it had been suspended
        self._beating: asyncio.Task[None] | None = None
        self._last_beat = _clock()

    async def take(self, keys: Sequence[str], since: float) -> set[str]:
        """Claim what is free of `keys`."""
        self.enter()
        return await asyncio.to_thread(self.claims.take, keys, since=since)

    def enter(self) -> None:
        """Say that this process lives, from now on."""
        if self._beating is None:
            self._beating, self._last_beat = asyncio.create_task(self._beat()), _clock()

    async def give_up(self, keys: Sequence[str]) -> None:
        """Leave what was claimed, and will not be asked, to others."""
        if keys:
            await self._quietly(self.claims.give_up, keys)

    async def leave(self) -> None:
        """End all claims."""
        if self._beating is not None:
            self._beating.cancel()
            await self._quietly(self.claims.leave)

    def wake(self) -> None:
        """Notice that this process was suspended for so long that others may have taken its claims."""
        now = _clock()
        if self._beating is not None and now - self._last_beat > SUSPENDED_SECONDS:
            self._last_beat = now
            self.lives += 1

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            with contextlib.suppress(StoreError):
                if not await asyncio.to_thread(self.claims.beat):
                    self.lives += 1
                self._last_beat = _clock()

    async def _quietly(self, say: Callable[..., None], *arguments: object) -> None:
        """A store that fails says so elsewhere, after a long wait; and claims end with their worker at the latest."""
        if not isinstance(self.stop.reason, StoreError):
            with contextlib.suppress(StoreError):
                await asyncio.to_thread(say, *arguments)


def _clock() -> float:
    """Seconds that also pass while the machine sleeps, where it has such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


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
        stop: Stop,
        *,
        claiming: bool,
    ) -> None:
        self._bench, self._keys, self._since, self._found, self._stop = bench, keys, since, found, stop
        self._claiming = claiming
        self._free, self._ours = (deque(todo), deque[int]()) if claiming else (deque[int](), deque(todo))
        self._theirs: list[int] = []
        self._turn = asyncio.Lock()
        self._pause = SHORTEST_PAUSE
        self._life, self._over = bench.lives, False

    async def next(self) -> int | None:
        """The next question to ask; None when all are asked or answered, or it was abandoned."""
        self._bench.wake()
        if self._life != self._bench.lives:
            self._claim_anew()
        if not self._ours:
            async with self._turn:
                while not self._ours and (self._free or self._theirs) and not self._over:
                    self._stop.check()
                    await (self._claim() if self._free else self._look_again())
        return self._ours.popleft() if self._ours and not self._over else None

    def abandon(self) -> None:
        """Hand out nothing more: somebody else's failure has made it pointless."""
        self._over = True

    async def give_up(self, indices: Iterable[int]) -> None:
        """Leave to others what was not asked, or in vain."""
        if self._claiming:
            await self._bench.give_up([self._keys[index] for index in indices])

    def _claim_anew(self) -> None:
        self._life = self._bench.lives
        if self._claiming:
            self._free.extendleft(reversed(self._ours))
            self._ours.clear()

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
        await self._stop.sleep(self._pause)
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
