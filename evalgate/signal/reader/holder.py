"""Holds the last good document: what is offered is believed or refused, and what is held answers at once.

No threads of its own and no network: a reader offers from the background what it has fetched, while any number of
threads ask. They see one whole document or the next, because what they look at is replaced by one assignment.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from pathlib import Path

from evalgate.errors import SignalError
from evalgate.signal.envelope import Keyring, unseal
from evalgate.signal.reader.cache import Cache, CacheError
from evalgate.signal.reader.clock import WRONG, Clock
from evalgate.signal.reader.health import Health
from evalgate.signal.reader.rules import Head, Mark, Memory, is_in_time, require_believable
from evalgate.signal.reader.view import Document, Eligible, View, decode, digest_of, rows_of

log = logging.getLogger("evalgate.signal")
UNSIGNED = ""  # under which name what was seen without a signature is remembered
_TOUCH = 60.0  # seconds between two notes of what time it is at least


class Holder:
    """`keyring` None: unsigned documents are believed, which the reader demands by name."""

    def __init__(self, keyring: Keyring | None, cache: Path | None, clock: Clock, stream: str | None = None) -> None:
        self.clock, self.keyring = clock, keyring
        self._wall, self._steady = clock.wall, clock.steady  # bound here, because every call asks them
        self.cache_trouble: str | None = None
        self.refused: str | None = None
        self._cache = Cache(cache) if cache is not None else None
        self._memory = Memory(stream)
        self._view: View | None = None
        self._lock = threading.Lock()
        self._touched = clock.steady()
        self._floor: float | None = None  # added to the steady clock: the earliest that it can be now
        if self._cache is not None:
            self._restore(self._cache)

    @property
    def view(self) -> View | None:
        """The last good document."""
        return self._view

    def eligible(self, operation: str, model: str) -> tuple[Eligible, ...]:
        """What may be used now; `()` means the baseline. Two look-ups and two clocks, no lock."""
        view = self._view
        if view is None:
            return ()
        try:
            row = view.rows.get((operation, model))
        except TypeError:  # not texts; no operation is called that
            return ()
        if row is None:
            return ()
        now, floor = self._wall(), view.floor + self._steady()
        if floor > now:  # noqa: PLR1730  # a call of max costs as much as a clock
            now = floor
        if now < row.soonest:
            return row.entries
        return tuple(entry for entry, until in zip(row.entries, row.until, strict=True) if now < until)

    def now(self) -> float:
        """The time by which entries are judged."""
        view, now = self._view, self._wall()
        return now if view is None else max(now, view.floor + self._steady())

    def offer(self, data: bytes) -> bool:
        """Believe a published document; True when it is another than the one held.

        Raises `SignalError` with the reason when it is refused; then what is held goes on counting.
        """
        with self._lock:
            try:
                new = self._believe(data)
            except SignalError as failure:
                self.refused = str(failure)
                raise
            self.refused = None
            return new

    def trust(self, keyring: Keyring) -> None:
        """From now on believe these keys. What is held counts on only when one of them signed it, too."""
        with self._lock:
            self.keyring = keyring
            view = self._view
            if view is None:
                return
            try:
                key_id = unseal(view.envelope, keyring).key_id
            except SignalError as failure:
                self.refused = str(failure)
                self._view = None
                return
            self._remember(_head(view.document, view.digest), self._signers(view.envelope, key_id), view.floor)
            self._install(view.envelope, view.payload, view.document, view.digest, key_id, view.floor)
            self._keep(None)

    def tick(self) -> None:
        """Once in a while, note on disk what time it is at least; it counts after the machine was started anew."""
        with self._lock:
            if self._floor is not None and self.clock.steady() - self._touched >= _TOUCH:
                self._keep(None)

    def health(self, unreachable: str | None = None, heard_at: float | None = None) -> Health:
        """`unreachable`, `heard_at`: what the reader knows of its source."""
        view = self._view
        now = self.clock.wall()
        document = view.document if view else None
        return Health(
            stream=self._memory.stream,
            seq=document.seq if document else None,
            key_id=view.key_id if view else None,
            issued_at=document.issued_at.timestamp() if document else None,
            expires_at=document.expires_at.timestamp() if document else None,
            entries=len(document.entries) if document else 0,
            stale=document is not None and document.expires_at.timestamp() <= now,
            clock_wrong=self._clock_is_wrong(now),
            refused=self.refused,
            unreachable=unreachable,
            cache=self.cache_trouble,
            heard_at=heard_at,
        )

    def renew_lock(self) -> None:
        """In a forked process: the thread that held the lock does not exist there."""
        self._lock = threading.Lock()

    def _clock_is_wrong(self, now: float) -> bool:
        return self._floor is not None and now < self._floor + self.clock.steady() - WRONG

    def _trusted(self) -> frozenset[str]:
        return frozenset(self.keyring.keys) if self.keyring is not None else frozenset([UNSIGNED])

    def _believe(self, data: bytes) -> bool:
        opened = unseal(data, self.keyring)
        digest = digest_of(opened.payload)
        held = self._view
        if held is not None and held.digest == digest:
            if held.key_id != opened.key_id:  # the same document, signed anew by the next key
                self._remember(_head(held.document, digest), self._signers(data, opened.key_id), held.floor)
                self._keep(data)
                self._install(data, opened.payload, held.document, digest, opened.key_id, held.floor)
            return False
        document = decode(opened.payload)
        head = _head(document, digest)
        now, steady = self.clock.wall(), self.clock.steady()
        floor = self._floor if self._floor is not None else now - steady
        require_believable(head, self._memory, self._trusted(), (now, max(now, floor + steady)))
        signers = self._signers(data, opened.key_id)
        if is_in_time(head, now):
            floor = max(floor, now - steady)
        self._remember(head, signers, floor)
        self._keep(data)
        highest = self._memory.highest(self._trusted())
        if highest is not None and highest.seq > head.seq:
            raise SignalError(f"rolled back: seq {head.seq}, but another process has seen seq {highest.seq}")
        self._install(data, opened.payload, document, digest, opened.key_id, floor)
        return True

    def _signers(self, data: bytes, first: str | None) -> list[str]:
        """All trusted keys that signed it: while one key takes the place of another, that is two."""
        found = [first or UNSIGNED]
        others = [key for key in self.keyring.keys.values() if key.id != first] if self.keyring is not None else []
        for key in others:
            with contextlib.suppress(SignalError):
                unseal(data, Keyring.of([key]))
                found.append(key.id)
        return found

    def _remember(self, head: Head, signers: list[str], floor: float) -> None:
        for key_id in signers:
            self._memory = self._memory.with_mark(head.stream, key_id, Mark(head.seq, head.digest))
        self._floor = floor

    def _install(
        self, data: bytes, payload: bytes, document: Document, digest: str, key_id: str | None, floor: float
    ) -> None:
        self._floor = floor
        self._view = View(document, digest, key_id, payload, data, floor, rows_of(document))

    def _keep(self, envelope: bytes | None) -> None:
        if self._cache is None:
            return
        steady = self._touched = self.clock.steady()
        floor = None if self._floor is None else self._floor + steady
        try:
            self._memory = self._cache.remember(self._memory, floor, steady, self.clock.boot, envelope)
        except CacheError as failure:
            self._cache_is_broken(failure)
        else:
            self.cache_trouble = None

    def _restore(self, cache: Cache) -> None:
        """What was held before the process began; refused when it is not the highest that was seen, or not signed."""
        try:
            kept = cache.load()
        except CacheError as failure:
            self._cache_is_broken(failure)
            return
        if kept is None or (self._memory.stream or kept.memory.stream) != kept.memory.stream:
            return
        self._memory = kept.memory
        if kept.floor is not None:
            then = kept.steady if self.clock.boot and kept.boot == self.clock.boot else self.clock.steady()
            self._floor = kept.floor - then
        if kept.envelope is None:
            return
        try:
            self._take_up(kept.envelope)
        except SignalError as failure:
            self.refused = f"{cache.folder}: the document kept there is not used: {failure}"

    def _take_up(self, envelope: bytes) -> None:
        opened = unseal(envelope, self.keyring)
        document, digest = decode(opened.payload), digest_of(opened.payload)
        highest = self._memory.highest(self._trusted())
        if document.stream != self._memory.stream or highest != Mark(document.seq, digest):
            seen = "none of these keys" if highest is None else f"seq {highest.seq}"
            raise SignalError(f"it is seq {document.seq} of {document.stream[:200]!r}, but last seen was {seen}")
        floor = self._floor if self._floor is not None else document.issued_at.timestamp() - self.clock.steady()
        self._install(envelope, opened.payload, document, digest, opened.key_id, floor)

    def _cache_is_broken(self, failure: CacheError) -> None:
        if self.cache_trouble != str(failure):
            log.warning("%s", failure)
        self.cache_trouble = str(failure)


def _head(document: Document, digest: str) -> Head:
    return Head(
        document.stream,
        document.seq,
        document.issued_at.timestamp(),
        document.expires_at.timestamp(),
        document.prev,
        digest,
    )
