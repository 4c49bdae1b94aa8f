"""A wish to end that loses no money: nothing new is asked, and what is under way is waited for and kept."""

from __future__ import annotations

import asyncio

from evalgate.errors import EvalgateError, Interrupted


class Stop:
    """Somebody may ask the collection to end, or something may make it pointless; whoever waits here is woken by it."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self.reason: EvalgateError | None = None

    def request(self, reason: EvalgateError | None = None) -> None:
        """Let it end soon, with the first `reason` given; to be called in the event loop's thread."""
        self.reason = self.reason or reason or Interrupted()
        self._asked.set()

    def check(self) -> None:
        """Raise the reason when it is to end."""
        if self.reason is not None:
            raise self.reason

    async def sleep(self, seconds: float) -> None:
        """Sleep; raises the reason as soon as it is to end."""
        try:
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        except TimeoutError:
            return
        self.check()
