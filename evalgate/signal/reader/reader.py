"""The reader: a thread of its own fetches, everybody else only looks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from evalgate.errors import InputError
from evalgate.signal.reader.clock import Clock, system_clock
from evalgate.signal.reader.fetching import Fetcher
from evalgate.signal.reader.health import Health
from evalgate.signal.reader.holder import Holder
from evalgate.signal.reader.keys import Keys, TrustedKeys
from evalgate.signal.reader.sources import Source, open_source
from evalgate.signal.reader.view import Document as ReadDocument
from evalgate.signal.reader.view import Eligible, View

if TYPE_CHECKING:
    from evalgate.signal.document import SignalDocument

log = logging.getLogger("evalgate.signal")
_READERS: weakref.WeakSet[SignalReader] = weakref.WeakSet()


class SignalReader:
    """Reads one stream of signals, for as long as the process runs.

    `source`: a path, an `http(s)://` or `postgresql://` URL, `s3://bucket/key`, or a `Source`. `keys`: public keys, as
    files, folders of `*.pub`, or a `Keyring`; files are read again when they change. `cache`: a folder for what must
    outlive the process, without which a restart begins with the baseline and an old document may be played back within
    its minutes. `stream`: the only one that is believed; by default that of the first document.
    `interval`: seconds between two looks; `wait`: how long a server may hold back its answer until there is news.

    Raises `InputError` for what was configured wrongly, here and never again. It may be used from any thread or task,
    and survives a fork.
    """

    def __init__(
        self,
        source: str | Path | Source,
        *,
        keys: Keys | None = None,
        unsigned: bool = False,
        cache: str | Path | None = None,
        stream: str | None = None,
        token: str | None = None,
        interval: float = 5.0,
        wait: float = 30.0,
        clock: Clock | None = None,
    ) -> None:
        if not interval > 0 or not wait >= 0:
            raise InputError(f"interval={interval}, wait={wait}: expected more than 0 seconds, and no fewer than 0")
        self._keys = TrustedKeys(keys, unsigned=unsigned)
        if isinstance(source, str | Path):
            self._reopen: Callable[[], Source] = partial(open_source, source, stream=stream, token=token)
        else:
            self._reopen = partial(_itself, source)
        self._interval, self._wait = interval, wait
        self._holder = Holder(self._keys.keyring, Path(cache) if cache else None, clock or system_clock(), stream)
        self._fetcher = Fetcher(self._reopen(), self._keys, self._holder)
        self.eligible = self._holder.eligible  # type: ignore[method-assign]  # one call less in every request
        self._snapshot: tuple[View, SignalDocument | None] | None = None
        self._closed = False
        self._start()
        _READERS.add(self)

    def eligible(self, operation: str, model: str) -> tuple[Eligible, ...]:
        """What may be used now for the model on the operation; `()` means the baseline. Never blocks, never raises."""
        return self._holder.eligible(operation, model)

    def snapshot(self) -> SignalDocument | None:
        """The last good document, or None. It is made when first asked for, which takes 80 ms per 1,000 entries.

        What it says is not what may be used: entries expire, and clocks go wrong. `eligible` knows.
        """
        view = self._holder.view
        if view is None:
            return None
        from evalgate.signal.document import SignalDocument  # pydantic takes longer to import than all of this room

        made = self._snapshot
        if made is None or made[0] is not view:
            try:
                document = SignalDocument.model_validate_json(view.payload)
            except ValueError:  # pydantic is stricter in places; what it does not take, nobody gets
                document = None
            made = self._snapshot = (view, document)
        return made[1]

    def held(self) -> ReadDocument | None:
        """The last good document in the reader's own form: at once, and the same object until there is another one.

        For who prepares its own tables; what `snapshot` says of what may be used holds here, too (see `now`).
        """
        view = self._holder.view
        return view.document if view is not None else None

    def now(self) -> float:
        """What time it is, in seconds since 1970: by the clock, or the earliest that it can be, whichever is later."""
        return self._holder.now()

    def health(self) -> Health:
        """How the reader is; `health().ok` is False when somebody should look."""
        return self._holder.health(self._fetcher.unreachable, self._fetcher.heard_at)

    def refresh(self, timeout: float = 30.0) -> Health:
        """Fetch now; returns when that is done or `timeout` seconds are over. For who wants to wait at the start."""
        done: Future[None] = Future()
        with contextlib.suppress(RuntimeError, TimeoutError, CancelledError):  # RuntimeError: it is closed
            self._loop.call_soon_threadsafe(self._ask, done)
            done.result(timeout)
        return self.health()

    def close(self) -> None:
        """Stop fetching. What was read goes on being answered from."""
        if self._closed:
            return
        self._closed = True
        _READERS.discard(self)
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _start(self) -> None:
        self._waiting: list[Future[None]] = []
        self._fetching: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        self._wake = asyncio.Event()
        self._task = self._loop.create_task(self._run())
        self._thread = threading.Thread(target=self._serve, name="evalgate-signal", daemon=True)
        self._thread.start()

    def restart_after_fork(self) -> None:
        """In the forked process nobody fetches: threads are not forked."""
        self._holder.renew_lock()
        self._fetcher = Fetcher(self._reopen(), self._keys, self._holder)
        self._start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        self._loop.close()

    def _ask(self, done: Future[None]) -> None:
        self._waiting.append(done)
        self._wake.set()
        if self._fetching is not None:
            self._fetching.cancel()

    async def _run(self) -> None:
        troubled = False
        try:
            while True:
                asked, self._waiting = self._waiting, []
                self._wake.clear()
                began = time.monotonic()
                patience = 0.0 if asked or troubled else self._wait
                self._fetching = asyncio.create_task(self._fetcher.look(patience))
                await asyncio.wait([self._fetching])
                if self._fetching.cancelled():  # somebody asks for it now
                    self._waiting = asked + self._waiting
                    continue
                self._fetching.result()
                for done in asked:
                    done.set_result(None)
                troubled = self._fetcher.troubled
                await self._pause(time.monotonic() - began)
        finally:
            await self._end()

    async def _pause(self, spent: float) -> None:
        """Until it is time to look again, or somebody asks. At other times than all other readers.

        Not longer after a failure: behind a refused document, or an outage, the next may withdraw something.
        """
        pause = self._interval * random.uniform(0.7, 1.0) - spent  # noqa: S311
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), max(pause, 0.0))

    async def _end(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])
        for done in self._waiting:
            done.cancel()
        try:
            await self._fetcher.source.close()
        except Exception:
            log.exception("signal: the source could not be closed")


def _itself(source: Source) -> Source:
    return source


def _restart_all() -> None:
    for reader in list(_READERS):
        reader.restart_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_all)
