"""The one retry policy: exponential backoff with full jitter, and the provider's own word where it gave one."""

from __future__ import annotations

import random
from dataclasses import dataclass

from evalgate.providers.base import AttemptFailed

BASE_SECONDS = 0.5
CAP_SECONDS = 30.0
FLOOR_SECONDS = 0.25  # whatever a provider says: "at once" has never helped one that was asked too often
MAX_RETRY_AFTER = 120.0
JITTER = 0.1  # of what the provider said: those whom it told the same do not come back together
ATTEMPTS_ON_THE_DEAD = 3


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`retries` further attempts after the first; fewer at a provider that has never been reached."""

    retries: int

    def gives_up(self, attempts: int, failure: AttemptFailed, *, ever_reached: bool) -> bool:
        """Whether the attempt that just failed (the `attempts`-th, from 1) was the last."""
        allowed = self.retries + 1
        if failure.unreachable and not ever_reached:
            allowed = min(allowed, ATTEMPTS_ON_THE_DEAD)
        return attempts >= allowed

    def pause(self, attempts: int, failure: AttemptFailed, randomness: random.Random) -> float:
        """Seconds to wait before the next attempt: never less than the provider said, within reason.

        One that says that no wait is needed, and turns the call away again, is asked more and more slowly.
        """
        backoff = randomness.uniform(0, min(CAP_SECONDS, BASE_SECONDS * 2 ** (attempts - 1)))
        if failure.retry_after is None:
            return backoff
        if failure.retry_after <= FLOOR_SECONDS:
            return FLOOR_SECONDS + backoff
        return min(failure.retry_after, MAX_RETRY_AFTER) * (1 + randomness.uniform(0, JITTER))
