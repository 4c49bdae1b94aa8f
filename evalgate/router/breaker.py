"""A circuit breaker for one variant on one operation, as a plain value: closed, open, or half-open with one probe.

Pure functions from one value to the next, so that a router may keep them wherever it likes, and a test may try every
order of events. What counts as a failure is the caller's to say: the provider's errors and timeouts, never a 4xx that
the caller's own request deserved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

FAILURES = 5  # in a row, until it opens
FIRST_PAUSE = 15.0  # seconds; doubled each time that a probe fails
LONGEST_PAUSE = 300.0
LONGEST_RETRY_AFTER = 3600.0
PROBE_TIME = 60.0  # seconds after which a probe that nobody heard of again holds nobody back


@dataclass(frozen=True, slots=True)
class Breaker:
    """`open_until` and `probe_until` in seconds since 1970; 0.0: closed, no probe under way."""

    failures: int = 0
    pauses: int = 0
    open_until: float = 0.0
    probe_until: float = 0.0

    @property
    def closed(self) -> bool:
        """Whether nothing is wrong: calls go through."""
        return self.open_until == 0.0


CLOSED = Breaker()


def admits(breaker: Breaker, at: float) -> bool:
    """Whether a call may go out at `at`: always when closed, one at a time once the pause is over."""
    if breaker.open_until == 0.0:
        return True
    # a clock that was set back must not keep a variant out for a day
    waits = 0.0 < breaker.open_until - at <= LONGEST_RETRY_AFTER
    probed = 0.0 < breaker.probe_until - at <= PROBE_TIME
    return not waits and not probed


def when_sent(breaker: Breaker, at: float) -> Breaker:
    """To be kept when a call goes out: through a breaker that is not closed it is the one probe."""
    return breaker if breaker.closed else replace(breaker, probe_until=at + PROBE_TIME)


def when_succeeded(breaker: Breaker, at: float) -> Breaker:
    """After a success. One that began before the breaker opened does not close it."""
    if breaker.closed:
        return CLOSED if breaker.failures else breaker
    return replace(breaker, probe_until=0.0) if breaker.open_until > at else CLOSED


def when_left(breaker: Breaker, probe_until: float) -> Breaker:
    """After a probe that nobody waits for any more and that told nothing: the next call may be one.

    `probe_until`: as it was when that call went out; 0.0 if it was no probe. Another's probe goes on.
    """
    return replace(breaker, probe_until=0.0) if probe_until and breaker.probe_until == probe_until else breaker


def when_failed(breaker: Breaker, at: float, *, retry_after: float = 0.0) -> Breaker:
    """After a failure; `retry_after` in seconds, where the provider said so. A pause is never made shorter."""
    failures = breaker.failures + 1
    told = min(max(retry_after, 0.0), LONGEST_RETRY_AFTER)
    already_open = breaker.open_until > at  # then this is a latecomer, and no failed probe
    trips = not already_open and (failures >= FAILURES or not breaker.closed)
    if breaker.closed and not trips and told == 0.0:
        return replace(breaker, failures=failures)
    pause = min(FIRST_PAUSE * 2 ** min(breaker.pauses, 16), LONGEST_PAUSE) if trips else 0.0
    until = max(breaker.open_until, at + max(pause, told))
    return Breaker(failures=failures, pauses=breaker.pauses + trips, open_until=until)
