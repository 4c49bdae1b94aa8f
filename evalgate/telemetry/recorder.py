"""Counts attempts as they end, and tells figures of all of them: ours, and those of every process on the same store.

Three places, so that nobody waits for anybody. `record` adds to a small cell of its minute under a lock that is held
for a microsecond. Once a second what has gathered there goes onto the board, and the router's figures are made anew;
who asks for them finds them ready. Every few seconds a second thread writes what is ours to the store and reads what is
others' (`sharing`). Without a store, or while it is away, the figures are those of this process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from evalgate.telemetry.attempt import Attempt
from evalgate.telemetry.board import Board, Pair, Row, Standing
from evalgate.telemetry.cell import Cell, merged
from evalgate.telemetry.figures import Snapshot

if TYPE_CHECKING:
    from evalgate.store import Store
    from evalgate.telemetry.sharing import Sharing

OTHER = "other"  # what operations are called that nobody knows: their names are the clients' to choose
MOST_PAIRS = 2000  # of variant and operation, of which each is told from the others
LONGEST_NAME = 200  # characters
FRESH_SECONDS = 1.0  # how old the router's figures may be


class Recorder:
    """Use as a context manager, or call `start` and `stop`; without either it works when it is asked.

    with Recorder(store) as recorder:
        recorder.record(attempt)
        recorder.figures("classify_ticket")  # {"acme-int4": (0.998, 840.2)}
    """

    def __init__(self, store: Store | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._hot = threading.Lock()  # held for one attempt
        self._pending: dict[tuple[int, str, str], Cell] = {}
        self._known: frozenset[str] | None = None
        self._pairs: set[Pair] = set()
        self._lock = threading.Lock()  # of the board
        self._tidied = self.minute()
        self._board = Board(self._tidied)
        self._figures: dict[str, dict[str, Standing]] = {}
        self._made_at = float("-inf")
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._sharing: Sharing | None = None
        if store is not None:
            from evalgate.telemetry.sharing import Sharing

            self._sharing = Sharing(store, self)

    def __enter__(self) -> Recorder:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def record(self, attempt: Attempt) -> None:
        """Count one attempt. A few microseconds; no I/O."""
        variant = attempt.variant
        operation = self.name_of(variant, attempt.operation)
        key = (int(attempt.at // 60), variant, operation)
        with self._hot:
            cell = self._pending.get(key)
            if cell is None:
                cell = self._pending[key] = Cell()
            cell.add(attempt)

    def name_of(self, variant: str, operation: str) -> str:
        """What calls of this operation are counted as: its name, or `OTHER` where it is not told apart."""
        return operation if (variant, operation) in self._pairs else self._admitted(variant, operation)

    def know(self, operations: Iterable[str]) -> None:
        """From now on only these operations are told apart; all others, but for calls without one, are `OTHER`."""
        with self._hot:
            known = self._known = frozenset(operations)
            self._pairs = {pair for pair in self._pairs if pair[1] in known or pair[1] in ("", OTHER)}

    def figures(self, operation: str) -> Mapping[str, Standing]:
        """By variant: success in [0, 1], and the p95 in ms of how long callers waited until they had something.

        That is the first content of a stream, else the whole answer. None where too few calls were seen in the last 30
        minutes. A look-up; at most about a second old.
        """
        if not self._threads and abs(self._clock() - self._made_at) > FRESH_SECONDS:
            self.refresh()
        return self._figures.get(operation, {})

    def snapshot(self, now: float | None = None) -> Snapshot:
        """All figures as of `now` (seconds since 1970), for pages.

        With many variants it takes tens of milliseconds, so an event loop asks in a thread.
        """
        at = self._clock() if now is None else now
        with self._lock:
            self._take_over(int(at // 60))
            return self._board.snapshot(at)

    def totals(self) -> dict[Pair, Cell]:
        """All that this process has counted since it began, by variant and operation: for counters that only rise."""
        with self._lock:
            self._take_over(self.minute())
            return {pair: merged([cell]) for pair, cell in self._board.totals.items()}

    def refresh(self) -> None:
        """Make the router's figures anew."""
        now, made = self._clock(), dict[str, dict[str, Standing]]()
        with self._lock:
            self._take_over(minute := int(now // 60))
            # each gives way to the thread that serves calls, which would wait 5 ms to be let in
            for (variant, operation), standing in self._board.standings(lambda: time.sleep(0)):
                made.setdefault(operation, {})[variant] = standing
            if minute != self._tidied:
                self._tidied = minute
                self._board.forget()
                with self._hot:
                    self._pairs &= set(self._board.pairs)
        self._figures, self._made_at = made, now

    def listen(self) -> None:
        """Read what others have counted from the store, for who only looks. Raises `StoreError`."""
        if self._sharing is not None:
            self._sharing.listen()

    def sync(self) -> None:
        """Write what is ours to the store and read what is others'. Raises `StoreError`; then nothing is lost."""
        if self._sharing is not None:
            self._sharing.sync()

    @property
    def trouble(self) -> str:
        """Why the figures are those of this process alone for now; empty when they are everybody's."""
        return "" if self._sharing is None else self._sharing.trouble

    def start(self) -> None:
        """Keep the figures fresh, and share them, in threads of its own."""
        self._stopping.clear()
        work = [self._keep_fresh] if self._sharing is None else [self._keep_fresh, self._sharing.follow]
        for each in work:
            self._threads.append(threading.Thread(target=each, args=[self._stopping], name="telemetry", daemon=True))
            self._threads[-1].start()

    def stop(self, patience: float = 5.0) -> None:
        """Write what is not written yet, and end; what the store does not take in `patience` seconds is lost."""
        self._stopping.set()
        last = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, last - time.monotonic()))
        self._threads = []

    def take_unsent(self) -> dict[Row, bytes]:
        """What others do not know yet: all that this process has counted, of each span of time that it changed in."""
        with self._lock:
            self._take_over(self.minute())
            return self._board.take_unsent()

    def give_back(self, rows: Iterable[Row]) -> None:
        """What could not be sent."""
        with self._lock:
            self._board.give_back(rows)

    def hear(self, told: Iterable[tuple[str, Row, bytes]]) -> None:
        """What other processes (by name) have counted."""
        for worker, row, data in told:
            with self._lock:  # for each anew: after a restart they are thousands
                self._board.hear(worker, row, data)

    def minute(self) -> int:
        """What time it is, in minutes since 1970."""
        return int(self._clock() // 60)

    def _admitted(self, variant: str, operation: str) -> str:
        known = self._known
        strange = known is not None and operation and operation not in known
        if strange or len(operation) > LONGEST_NAME or not operation.isprintable() or len(self._pairs) >= MOST_PAIRS:
            return OTHER
        with self._hot:
            self._pairs.add((variant, operation))
        return operation

    def _take_over(self, minute: int) -> None:
        with self._hot:
            pending, self._pending = self._pending, {}
        self._board.advance(minute)
        for (began, *pair), cell in pending.items():
            self._board.count(began, (pair[0], pair[1]), cell)

    def _keep_fresh(self, stopping: threading.Event) -> None:
        while not stopping.wait(FRESH_SECONDS):
            self.refresh()
