"""How fast one provider may be asked: the catalogue's limits per minute, and what its own headers say is left.

Exact, not smoothed: in no sixty seconds are there more calls than allowed, and a short suite is not slowed down at all.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from evalgate.providers import Allowance

MINUTE = 60.0
LONGEST_RESET = 120.0  # a quota of a whole day is not waited for: the provider's refusals will tell


class Pace:
    """Tells when the next call may go; `clock` is monotonic, in seconds."""

    def __init__(
        self,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._requests = _Window(requests_per_minute) if requests_per_minute is not None else None
        self._tokens = _Window(tokens_per_minute) if tokens_per_minute is not None else None
        self._quotas: list[_Left] = []

    @property
    def free(self) -> bool:
        """True when nothing limits the pace at all."""
        return self._requests is None and self._tokens is None and not self._quotas

    def wait(self, tokens: float) -> float:
        """Seconds until a call of about so many tokens may go; 0 means now, and then it is counted."""
        now = self._clock()
        self._quotas = [left for left in self._quotas if left.until > now]
        used = [(window, amount) for window, amount in ((self._requests, 1.0), (self._tokens, tokens)) if window]
        waits = [window.wait(amount, now) for window, amount in used]
        waits += [left.until - now for left in self._quotas if left.requests < 1 or left.tokens < tokens]
        seconds = max(waits, default=0.0)
        if seconds <= 0:
            for window, amount in used:
                window.count(amount, now)
            for left in self._quotas:
                left.requests -= 1
                left.tokens -= tokens
        return seconds

    def heed(self, allowance: Allowance) -> None:
        """Take the provider's word on what is left."""
        now = self._clock()
        self._quotas = []
        if (quota := allowance.requests) is not None:
            self._quotas.append(_Left(now + min(quota.reset, LONGEST_RESET), requests=quota.left))
        if (quota := allowance.tokens) is not None:
            self._quotas.append(_Left(now + min(quota.reset, LONGEST_RESET), tokens=quota.left))


@dataclass(slots=True)
class _Left:
    """What may still be used before `until`."""

    until: float
    requests: float = math.inf
    tokens: float = math.inf


class _Window:
    """What was used in the last minute."""

    def __init__(self, limit: float) -> None:
        self._limit, self._used = limit, 0.0
        self._entries: deque[tuple[float, float]] = deque()

    def wait(self, amount: float, now: float) -> float:
        """Seconds until `amount` fits; what is more than a whole minute's fits when nothing else was used."""
        while self._entries and self._entries[0][0] <= now - MINUTE:
            self._used -= self._entries.popleft()[1]
        seconds, excess = 0.0, self._used + amount - self._limit
        for at, freed in self._entries:
            if excess <= 0:
                break
            seconds, excess = at + MINUTE - now, excess - freed
        return seconds

    def count(self, amount: float, now: float) -> None:
        """Use `amount` now."""
        self._entries.append((now, amount))
        self._used += amount
