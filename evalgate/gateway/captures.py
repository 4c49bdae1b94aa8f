"""Keeps calls of callers who consented, as cases-to-be: after the response, never delaying it, and redacted first.

What cannot be redacted is not kept, and what comes faster than the store takes it is let go: traffic matters more than
samples of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence

import orjson

from evalgate.errors import EvalgateError
from evalgate.exchange import JsonValue
from evalgate.gateway.caller import Caller
from evalgate.gateway.delivered import Delivered
from evalgate.gateway.redaction import Redact, redacted
from evalgate.providers.anthropic_stream import AnthropicStream
from evalgate.providers.base import AttemptFailed
from evalgate.providers.openai_stream import OpenAIStream
from evalgate.providers.sse import EventReader
from evalgate.store.captures import Captured, new_capture_id

log = logging.getLogger("evalgate.gateway")

MOST_WAITING = 1000  # captures that are not stored yet
LARGEST = 1024 * 1024  # bytes of a request or an answer; a case of a megabyte is none
_PAUSE = 5.0  # seconds between two tries to reach the store
_AT_ONCE = 100


class Captor:
    """An onlooker (`evalgate.gateway.delivered`); `then`, if there is one, is told of each capture that was stored."""

    def __init__(
        self,
        keep: Callable[[Sequence[Captured]], None],
        redact: Redact,
    ) -> None:
        self._keep, self._redact = keep, redact
        self.then: Callable[[Delivered, Captured], None] | None = None
        self._waiting: deque[Delivered] = deque()
        self._news = asyncio.Event()
        self.lost = 0

    def wants_answer(self, caller: Caller) -> bool:
        """That of a caller who consented."""
        return caller.capture == "on"

    def __call__(self, delivered: Delivered) -> None:
        """Remember a call for later."""
        if not is_capturable(delivered):
            return
        if len(self._waiting) >= MOST_WAITING:
            self.lost += 1
            return
        self._waiting.append(delivered)
        self._news.set()

    async def run(self) -> None:
        """Store what comes, for as long as the gateway runs."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self.flush()

    async def flush(self) -> None:
        """Store all that is there; waits while the store cannot be reached."""
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(len(self._waiting), _AT_ONCE))]
            pairs = await asyncio.to_thread(self._captured, some)
            while not await asyncio.to_thread(self._stored, [captured for _, captured in pairs]):
                await asyncio.sleep(_PAUSE)
            if self.then is not None:
                for delivered, captured in pairs:
                    self.then(delivered, captured)

    def _captured(self, some: Sequence[Delivered]) -> list[tuple[Delivered, Captured]]:
        pairs = []
        for delivered in some:
            try:
                pairs.append((delivered, captured_of(delivered, self._redact)))
            except Exception as failure:  # the redaction is somebody's own code
                self.lost += 1
                log.warning("capture: a call was not kept: %s", type(failure).__name__)  # its words may quote the call
        return pairs

    def _stored(self, captured: Sequence[Captured]) -> bool:
        try:
            self._keep(captured)
        except EvalgateError as failure:
            log.warning("capture: %s", failure)
            return False
        return True


def is_capturable(delivered: Delivered) -> bool:
    """Whether the caller consented, the answer is whole, and both are small enough to be read by somebody."""
    return (
        delivered.caller.capture == "on"
        and delivered.complete
        and delivered.decision.call.operation is not None
        and delivered.answer is not None
        and len(delivered.answer) <= LARGEST
        and len(delivered.body) <= LARGEST
    )


def captured_of(delivered: Delivered, redact: Redact) -> Captured:
    """What is kept of a call. Raises `ValueError` or `TypeError` for no JSON object, and what the redaction raises."""
    assert delivered.answer is not None
    answer, response = whole_answer(delivered.answer, stream=delivered.stream, path=delivered.path)
    body = redacted(orjson.loads(delivered.body), redact)
    if not isinstance(body, dict):
        message = "the request is not an object"
        raise TypeError(message)
    return Captured(
        capture=new_capture_id(),
        response=response,
        at=delivered.at or time.time(),
        caller=delivered.caller.id,
        operation=str(delivered.decision.call.operation),
        model=delivered.decision.route.model,
        variant=delivered.served.id,
        path=delivered.path,
        body=body,
        answer=redacted(answer, redact),
    )


def whole_answer(data: bytes, *, stream: bool, path: str) -> tuple[JsonValue, str]:
    """The response as one JSON value without our own part of it, and its id. Raises `ValueError` for what is none."""
    if not stream:
        whole = orjson.loads(data)
        if not isinstance(whole, dict):
            raise ValueError("the response is not an object")  # it is input, not our own call
        whole.pop("delivery", None)
        return whole, str(whole.get("id") or "")
    reader = EventReader(LARGEST)
    assembler = AnthropicStream() if path.endswith("/messages") else OpenAIStream()
    identity = ""
    try:
        for name, event in [*reader.feed(data), *reader.close()]:
            identity = identity or _id_in(event)
            assembler.feed(name, event)
        return assembler.body(), identity
    except AttemptFailed as failure:
        raise ValueError(failure.reason) from None


def _id_in(event: bytes) -> str:
    try:
        value = orjson.loads(event)
    except orjson.JSONDecodeError:
        return ""
    found = value.get("id") or (value.get("message") or {}).get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
