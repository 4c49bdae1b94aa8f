"""What a provider's own headers say is left. (The catalogue's limits per minute are everybody's: see `Allotment`.)"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from evalgate.providers import Allowance

LONGEST_RESET = 120.0  # a quota of a whole day is not waited for: the provider's refusals will tell


class Pace:
    """Tells when the next call may go; `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._quotas: list[_Left] = []

    @property
    def free(self) -> bool:
        """True when nothing limits the pace at all."""
        return not self._quotas

    def wait(self, tokens: float) -> float:
        """Seconds until a call of about so many tokens may go; 0 means now, and then it is counted."""
        now = self._clock()
        self._quotas = [left for left in self._quotas if left.until > now]
        seconds = max(
            (left.until - now for left in self._quotas if left.requests < 1 or left.tokens < tokens), default=0.0
        )
        if seconds <= 0:
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
