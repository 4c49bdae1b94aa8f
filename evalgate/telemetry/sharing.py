"""Processes tell each other through the store what they have counted, every few seconds, each its own rows.

A row says all that its process has counted of a variant on an operation in one span of time, so that writing it again
changes nothing, and whoever starts anew reads the last half hour and the last day back. While the store is away, rows
wait where they are counted, in memory, no longer than they would count.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from evalgate.errors import EvalgateError
from evalgate.store.telemetry import Counted, SharedTelemetry
from evalgate.telemetry.series import SLACK, WINDOW

if TYPE_CHECKING:
    from evalgate.store import Store
    from evalgate.telemetry.recorder import Recorder

log = logging.getLogger("evalgate.telemetry")
SYNC_SECONDS = 3.0
_TIDY_SECONDS = 600.0


class Sharing:
    """Between a recorder and the store."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        self._shared, self._recorder = SharedTelemetry(store), recorder
        self.trouble = ""  # why others do not hear of us, or we of them
        self._tidied_at = float("-inf")

    def sync(self) -> None:
        """Read what is new of others, write what is new of ours. Raises `StoreError`; then nothing is lost."""
        self.listen()
        shared, recorder = self._shared, self._recorder
        rows = recorder.take_unsent()
        try:
            shared.put([Counted(shared.worker, *row, data) for row, data in rows.items()])
        except BaseException:
            recorder.give_back(rows)
            raise
        if time.monotonic() - self._tidied_at > _TIDY_SECONDS:
            minute = recorder.minute()
            shared.forget((span, minute - span * count - 2 * SLACK) for span, count in WINDOW.items())
            self._tidied_at = time.monotonic()

    def listen(self) -> None:
        """Read what is new of others; writes nothing. Raises `StoreError`."""
        self._recorder.hear(
            (row.worker, (row.span, row.start, row.variant, row.operation), row.cell) for row in self._shared.news()
        )

    def follow(self, stopping: threading.Event) -> None:
        """Every few seconds until `stopping`, and once more then."""
        while True:
            last = stopping.is_set()
            try:
                self.sync()
                self.trouble = ""
            except EvalgateError as failure:
                if self.trouble != str(failure):
                    log.warning("telemetry is not shared for now: %s", failure)
                self.trouble = str(failure)
            if last:
                return
            stopping.wait(SYNC_SECONDS)
