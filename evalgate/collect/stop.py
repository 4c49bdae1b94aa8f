"""A wish to end that loses no money: nothing new is asked, and what is under way is waited for and kept."""

from __future__ import annotations

import asyncio

from evalgate.errors import Interrupted


class Stop:
    """Somebody may ask the collection to end; whoever waits here is woken by it."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    @property
    def requested(self) -> bool:
        """Whether it is to end."""
        return self._asked.is_set()

    def request(self) -> None:
        """Let it end soon; to be called in the event loop's thread."""
        self._asked.set()

    def check(self) -> None:
        """Raise `Interrupted` when it is to end."""
        if self._asked.is_set():
            raise Interrupted

    async def sleep(self, seconds: float) -> None:
        """Sleep; raises `Interrupted` as soon as it is to end."""
        try:
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        except TimeoutError:
            return
        raise Interrupted
