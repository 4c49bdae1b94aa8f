"""Follows a published document where it lies, for the server: the newest that can be believed, and who waits for it.

A server hands on bytes; it is the reader that decides. But what is cut off, belongs to another stream, or is older than
what was served before is not handed on: a reader would only refuse it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from evalgate.errors import EvalgateError, SignalError
from evalgate.signal.document import SignalDocument, parse
from evalgate.signal.envelope import opened
from evalgate.signal.history import received
from evalgate.signal.keys import Keyring

Look = Callable[[], bytes | None]  # what is published now; may block, and raise `EvalgateError`


@dataclass(frozen=True, slots=True)
class Served:
    """A document with its entity tag, which names exactly these bytes."""

    data: bytes
    tag: str
    document: SignalDocument


class Watch:
    """The newest document of a place, which is looked at again and again; one event loop's own."""

    def __init__(self, look: Look, *, keyring: Keyring | None, every: float, tell: Callable[[str], None]) -> None:
        """Look `every` so many seconds; `tell` is called with each new trouble."""
        self._look, self._keyring, self._every, self._tell = look, keyring, every, tell
        self._seen: bytes | None = None
        self._changed = asyncio.Event()
        self.served: Served | None = None
        self.trouble = "nothing is published yet"  # why there is nothing to serve, or nothing new

    async def follow(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """Look once. The event loop goes on meanwhile: a large document takes a second to check."""
        try:
            data = await asyncio.to_thread(self._look)
        except EvalgateError as failure:
            self._seen = None
            self._note(str(failure))
            return
        if data == self._seen:
            return
        self._seen = data
        try:
            self._take(await asyncio.to_thread(self._checked, data))
        except EvalgateError as failure:
            self._note(str(failure))
        else:
            self.trouble = ""

    def _note(self, trouble: str) -> None:
        if self.trouble != trouble:
            self.trouble = trouble
            self._tell(trouble)

    async def newer(self, tag: str, seconds: float) -> Served | None:
        """The document as soon as it is another one than `tag` names, or after `seconds` whatever there is."""
        loop = asyncio.get_running_loop()
        last = loop.time() + seconds
        while self.served is None or self.served.tag == tag:
            changed = self._changed
            try:
                async with asyncio.timeout_at(last):
                    await changed.wait()
            except TimeoutError:
                break
        return self.served

    def _take(self, found: Served) -> None:
        before = self.served
        if before is not None:
            stream, seq = before.document.stream, before.document.seq
            if found.document.stream != stream:
                raise SignalError(f"another stream: {found.document.stream!r}, not {stream!r}")
            if found.document.seq < seq:
                raise SignalError(f"rolled back to seq {found.document.seq}; {seq} was served before")
        self.served = found
        self._changed.set()
        self._changed = asyncio.Event()

    def _checked(self, data: bytes | None) -> Served:
        if data is None:
            raise SignalError("nothing is published any more")
        document = parse(opened(data)[0]) if self._keyring is None else received(data, self._keyring).document
        return Served(data, f'"{hashlib.sha256(data).hexdigest()}"', document)
