"""This process's part of a provider's limits per minute: leased from the store, where all processes count together.

`Pace` keeps the same limits where nothing is shared. A lease is for those who wait and for about as many as the last
one let go, so that a busy process looks into the store about once a second, however many calls that is.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence

from evalgate.collect.stop import Stop
from evalgate.store.grants import Grants, Used, Wish

WINDOW = 60.0
GOOD_FOR = 1.0  # seconds in which a lease is to be used: so much of each minute may be lost, at most
_SHORTEST_PAUSE = 0.1  # of `good_for`, between two looks in vain


class Allotment:
    """Tells when the next call to a provider may go; None is no limit. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        grants: Grants,
        name: str,
        requests: int | None,
        tokens: int | None,
        *,
        window: float = WINDOW,
        good_for: float = GOOD_FOR,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        limits = {f"{name} requests": requests, f"{name} tokens": tokens}
        self._most = {each: float(limit) for each, limit in limits.items() if limit is not None}
        self._requests = f"{name} requests"
        self._grants, self._window, self._good_for, self._clock = grants, window, good_for, clock
        self._turn = asyncio.Lock()
        self._waiting = dict.fromkeys(self._most, 0.0)
        self._left = dict.fromkeys(self._most, 0.0)
        self._used = dict.fromkeys(self._most, 0.0)
        self._number, self._until, self._last_use = 0, 0.0, 0.0
        self._settling: asyncio.Task[None] | None = None
        self._random = random.Random()  # noqa: S311  # jitter, not cryptography

    async def permit(self, tokens: float, stop: Stop) -> None:
        """Wait until a call of about so many tokens may go; raises the reason when it is to end.

        Raises `StoreError` when the store fails.
        """
        amounts = {name: 1.0 if name == self._requests else tokens for name in self._most}
        if not self._turn.locked() and self._take(amounts):
            return
        for name, amount in amounts.items():
            self._waiting[name] += amount
        try:
            async with self._turn:
                while not self._take(amounts):
                    stop.check()
                    await stop.sleep(await self._lease(amounts))
        finally:
            for name, amount in amounts.items():
                self._waiting[name] -= amount

    async def close(self) -> None:
        """Say what was used, so that what is left over is others' at once."""
        if self._settling is not None:
            self._settling.cancel()
        async with self._turn:
            await self._settle()

    def _take(self, amounts: Mapping[str, float]) -> bool:
        now = self._clock()
        if now >= self._until or any(self._left[name] < amount for name, amount in amounts.items()):
            return False
        for name, amount in amounts.items():
            self._left[name] -= amount
            self._used[name] += amount
        self._last_use = now
        return True

    async def _lease(self, amounts: Mapping[str, float]) -> float:
        """Take a new lease; returns the seconds to wait before the next try, 0 when there is one now."""
        began, used = self._clock(), self._usage()
        wishes = [
            Wish(name, self._most[name], self._window, amount, max(amount, self._waiting[name] + self._used[name]))
            for name, amount in amounts.items()
        ]
        self._until = 0.0  # what was left is given back
        leased = await asyncio.to_thread(self._grants.lease, wishes, used, self._good_for)
        self._number, self._left = leased.number, dict(leased.amounts)
        if leased.seconds > 0:
            # what it has used tells how much it will use, until it has a lease again
            self._number = 0
            return leased.seconds + self._random.uniform(_SHORTEST_PAUSE, 2 * _SHORTEST_PAUSE) * self._good_for
        self._used = dict.fromkeys(self._most, 0.0)
        self._until = self._last_use = began
        self._until += self._good_for
        if self._settling is None or self._settling.done():
            self._settling = asyncio.create_task(self._settle_when_over())
        return 0.0

    def _usage(self) -> Sequence[Used]:
        ago = max(0.0, self._clock() - self._last_use)
        return [Used(self._number, dict(self._used), ago)] if self._number else []

    async def _settle_when_over(self) -> None:
        """Nobody comes back for a new lease: then what is left of the last one is given back."""
        while (seconds := self._until - self._clock()) > 0:
            await asyncio.sleep(seconds)
        async with self._turn:
            if self._clock() >= self._until:
                await self._settle()

    async def _settle(self) -> None:
        if used := self._usage():
            self._number, self._until = 0, 0.0
            wishes = [Wish(name, most, self._window, 0.0, 0.0) for name, most in self._most.items()]
            await asyncio.to_thread(self._grants.settle, wishes, used)
