"""A wish to end that loses no money: nothing new is asked, and what is under way is waited for and kept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from evalgate.errors import EvalgateError, Interrupted


class Stop:
    """Somebody may ask the collection to end, or something may make it pointless; whoever waits here is woken by it.

    A part of the collection may end alone (`part`): what ends the whole ends its parts too, and not the other way.
    """

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._heeded: dict[object, Callable[[EvalgateError], None]] = {}
        self.reason: EvalgateError | None = None

    def request(self, reason: EvalgateError | None = None) -> None:
        """Let it end soon, with the first `reason` given; to be called in the event loop's thread."""
        if self.reason is not None:
            return
        self.reason = reason or Interrupted()
        self._asked.set()
        for heed in list(self._heeded.values()):
            heed(self.reason)

    @contextlib.contextmanager
    def heeded(self, heed: Callable[[EvalgateError], None]) -> Iterator[None]:
        """Call `heed` with the reason when it is to end; at once, when it is already."""
        token = object()
        self._heeded[token] = heed
        try:
            if self.reason is not None:
                heed(self.reason)
            yield
        finally:
            del self._heeded[token]

    @contextlib.contextmanager
    def part(self) -> Iterator[Stop]:
        """One that ends with this one, or alone."""
        part = Stop()
        with self.heeded(part.request):
            yield part

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
