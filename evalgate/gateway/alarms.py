"""What somebody should look at, said once a minute and not once a call."""

from __future__ import annotations

import logging
import time

log = logging.getLogger("evalgate.gateway")
PAUSE = 60.0  # seconds between two alarms about one thing


class Alarms:
    """Of one process. What is told about is one of few things (variants), so what is kept is bounded."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], float] = {}

    def tell(self, variant: str, kind: str, reason: str) -> None:
        """Log it, unless the same kind of thing was told of the variant a moment ago."""
        now = time.monotonic()
        if now - self._told.get((variant, kind), -PAUSE) < PAUSE:
            return
        self._told[variant, kind] = now
        log.error("%s: %s: %s", variant, kind, reason)
