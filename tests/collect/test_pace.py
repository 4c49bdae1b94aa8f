"""A provider's word on what is left is heeded."""

from __future__ import annotations

import math

import pytest

from evalgate.collect.pace import LONGEST_RESET, Pace
from evalgate.providers import Allowance, Quota


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def sent(pace: Pace, clock: Clock, calls: list[float]) -> list[float]:
    """When each of `calls` (tokens) goes, if every wait is waited for."""
    times = []
    for tokens in calls:
        waits = 0
        while (seconds := pace.wait(tokens)) > 0:
            clock.now = math.nextafter(clock.now + seconds, math.inf)
            waits += 1
            assert waits < 50, "waits and waits"
        times.append(clock.now)
    return times


def test_nothing_limits_what_has_no_limit() -> None:
    pace = Pace()
    assert pace.free
    assert pace.wait(1e9) == 0


@pytest.mark.parametrize(
    ("allowance", "goes"),
    [
        (Allowance(requests=Quota(left=2, reset=30)), 2),
        (Allowance(tokens=Quota(left=250, reset=30)), 2),
        (Allowance(requests=Quota(left=5, reset=10), tokens=Quota(left=100, reset=30)), 1),
        (Allowance(requests=Quota(left=0, reset=30)), 0),
    ],
)
def test_what_the_provider_says_is_left_may_go_and_the_rest_waits_for_the_reset(
    allowance: Allowance, goes: int
) -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    pace.heed(allowance)
    assert not pace.free
    times = sent(pace, clock, [100.0] * (goes + 1))
    assert times[:goes] == [0.0] * goes
    assert times[-1] == pytest.approx(30)


def test_a_later_word_counts_more_than_an_earlier_one_and_a_day_is_not_waited_for() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    pace.heed(Allowance(requests=Quota(left=0, reset=86_400)))
    assert pace.wait(0) == LONGEST_RESET
    pace.heed(Allowance(requests=Quota(left=10, reset=60)))
    assert pace.wait(0) == 0
