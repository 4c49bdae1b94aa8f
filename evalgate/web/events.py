"""Open pages and what they are sent: each page is rendered once an interval, for all who look at it.

A task renders a page while somebody looks at it, and ends with the last of them. What a viewer is sent are the parts
that changed since the last rendering; who comes anew, or could not keep up, is sent all of them, so nobody ever has a
queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import orjson

from evalgate.web.render import fragments
from evalgate.web.view import View

_QUIET = 15.0  # seconds after which a sign of life is sent, so that nobody between us takes the line for dead


class TooManyError(Exception):
    """As many pages are open as are allowed."""


class Broadcast:
    """Who looks at what; one event loop's own."""

    def __init__(self, look: Callable[[], View], *, every: float, most: int, leaving: Callable[[], bool]) -> None:
        self._look, self._every, self._most, self._leaving = look, every, most, leaving
        self._stages: dict[str, _Stage] = {}
        self.viewers = 0

    def watch(self, model: str) -> AsyncIterator[str]:
        """The events for one viewer of a model's page, until it leaves. Raises `TooManyError`."""
        if self.viewers >= self._most or self._leaving():
            raise TooManyError
        return self._sent(model)

    async def _sent(self, model: str) -> AsyncIterator[str]:
        stage = self._stages.get(model)
        if stage is None:
            stage = self._stages[model] = _Stage(model, self._look, self._every)
        stage.viewers += 1
        self.viewers += 1
        try:
            yield "retry: 3000\n\n"
            seen = 0
            while not self._leaving():
                if stage.task.done():
                    stage.task.result()  # cannot be rendered: the error is the server's to tell
                if stage.turn == seen and not await stage.next_turn():
                    yield ": alive\n\n"
                    continue
                parts = stage.changed if stage.turn == seen + 1 and seen else stage.parts
                seen = stage.turn
                if parts:
                    yield f"event: parts\ndata: {orjson.dumps(dict(parts)).decode()}\n\n"
        finally:
            self.viewers -= 1
            stage.viewers -= 1
            if stage.viewers == 0:
                stage.task.cancel()
                self._stages.pop(model, None)


class _Stage:
    """A page that somebody looks at: its parts as they were rendered last, and which of them that changed."""

    def __init__(self, model: str, look: Callable[[], View], every: float) -> None:
        self.viewers, self.turn = 0, 0
        self.parts: Mapping[str, str] = {}
        self.changed: Mapping[str, str] = {}
        self._turned = asyncio.Event()
        self.task = asyncio.create_task(self._render(model, look, every))
        self.task.add_done_callback(lambda _: self.tell())

    async def next_turn(self) -> bool:
        """Wait for the next rendering, or for so long that a sign of life is due; whether there was one."""
        try:
            async with asyncio.timeout(_QUIET):
                await self._turned.wait()
        except TimeoutError:
            return False
        return True

    def tell(self) -> None:
        """Wake up all who wait."""
        self._turned.set()
        self._turned = asyncio.Event()

    async def _render(self, model: str, look: Callable[[], View], every: float) -> None:
        while True:
            found = await asyncio.to_thread(_fragments, model, look)
            if found is not None:
                self.changed = {name: text for name, text in found.items() if self.parts.get(name) != text}
                self.parts = found
                self.turn += 1
                self.tell()
            await asyncio.sleep(every)


def _fragments(model: str, look: Callable[[], View]) -> Mapping[str, str] | None:
    """None where the model left the catalogue meanwhile: the page stays as it is, with the time that it is of."""
    view = look()
    return fragments(view, model) if model in view.catalog.models else None
