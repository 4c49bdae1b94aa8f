"""Failures and retries as they happen, in lines that a person can follow: the first at once, then their number."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalgate.collect import Trouble

EVERY = 5.0  # seconds between two lines about one endpoint
REASON = 200  # characters


class TroubleLines:
    """Makes a line of a trouble, or none when there was one a moment ago; `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[str, float] = {}
        self._since = Counter[str]()  # failures of each endpoint since its last line

    def line(self, trouble: Trouble) -> str | None:
        """What to tell of it now."""
        from evalgate.report.wording import safe

        now, endpoint = self._clock(), trouble.endpoint
        self._since[endpoint] += 1
        if now - self._told.get(endpoint, -EVERY) < EVERY:
            return None
        self._told[endpoint] = now
        count = self._since.pop(endpoint)
        failed = f"attempt {trouble.attempts} failed" if count == 1 else f"{count} attempts failed"
        again = "no further attempt" if trouble.again_in is None else f"again in {trouble.again_in:.1f} s"
        return f"  {safe(endpoint)}: {failed}: {safe(trouble.reason, REASON)} ({again})"
