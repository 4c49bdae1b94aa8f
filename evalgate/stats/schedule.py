"""How often to ask, and how much: what a watch costs, how seldom it errs, and how soon it finds what.

Everything here is simulated with the very detector that watches, from a fixed seed: the same numbers for the same
question on every machine (but for the last digit).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from evalgate.errors import StatisticsError
from evalgate.stats._input import between, whole
from evalgate.stats.stayed_green import StayedGreen
from evalgate.stats.watch_simulation import ManyWatches, draw_days

__all__ = ["Delay", "Schedule", "average_run_length", "best_schedule", "detection_delay"]


_VALUES = np.array([-1.0, 0.0, 1.0])
_CASES = (5, 7, 10, 14, 20, 28, 40, 50, 70, 100, 140, 200, 280, 400, 500)
_EVERY = (1, 2, 3, 7)
_MONTH = 30
_LONGEST = 5  # run lengths that are followed


@dataclass(frozen=True, slots=True)
class Delay:
    """Days from a drop to the alarm: the day it is found on counts as 1. `found`: the share found within `horizon`."""

    mean: float
    median: float
    p90: float
    found: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """A plan: `cases` asked on every `every`-th day, `calls` a month (30 days), and the `delay` in days it gives."""

    cases: int
    every: int
    calls: float
    delay: Delay


def detection_delay(
    drop: float,
    flip_rate: float,
    cases: int,
    *,
    certified: int = 400,
    history: int = 30,
    run_length: float = 1000.0,
    every: int = 1,
    horizon: int = 365,
    margin: float = 0.02,
    runs: int = 500,
    seed: int = 1,
) -> Delay:
    """Days until a lasting drop is found.

    `drop` in (0, 1): of the mean difference. `flip_rate` in [0, 1]: before it. `cases` >= 1: on each day of asking,
    which is every `every`-th. `certified`: cases the certification rests on, at `margin`. `history`: days of the
    calendar between it and the drop. `run_length`: in days of the calendar, too. Runs that do not find the drop within
    `horizon` days count as that long.
    """
    between(drop, "drop", 0.0, 1.0, closed="high")
    random, watch = _certified(
        flip_rate, cases, certified, run_length / whole(every, "every", at_least=1), margin, runs, seed
    )
    for _ in range(history // every):
        watch.day(draw_days(random, runs, cases, flip_rate, 0.0))
    found = np.full(runs, float(horizon))
    waiting = np.ones(runs, dtype=bool)
    for turn in range(1, horizon // every + 1):
        watch.day(draw_days(random, int(waiting.sum()), cases, flip_rate, -drop))
        now = watch.evidence >= watch.rules.run_length
        # A drop comes on any day between two turns: half of the time between them has not passed at the first.
        found[np.flatnonzero(waiting)[now]] = every * turn - (every - 1) / 2
        waiting[np.flatnonzero(waiting)[now]] = False
        if not waiting.any():
            break
        watch.keep(~now)
    return Delay(
        mean=float(found.mean()),
        median=float(np.median(found)),
        p90=float(np.quantile(found, 0.9)),
        found=1.0 - float(waiting.mean()),
    )


def average_run_length(
    flip_rate: float,
    cases: int,
    *,
    certified: int = 400,
    run_length: float = 1000.0,
    margin: float = 0.02,
    runs: int = 200,
    seed: int = 1,
) -> float:
    """Days of asking between false withdrawals, by simulation up to 5 x `run_length` (runs that last longer count so).

    What is promised does not come from here: `run_length` itself is the bound.
    """
    random, watch = _certified(flip_rate, cases, certified, run_length, margin, runs, seed)
    lived = 0
    for _ in range(round(_LONGEST * run_length)):
        watch.day(draw_days(random, watch.evidence.size, cases, flip_rate, 0.0))
        lived += watch.evidence.size
        watch.keep(watch.evidence < run_length)
        if not watch.evidence.size:
            break
    return lived / runs


def best_schedule(
    drop: float,
    flip_rate: float,
    *,
    calls_a_month: float | None = None,
    delay: float | None = None,
    calls_per_case: float = 2.0,
    certified: int = 400,
    run_length: float = 1000.0,
    margin: float = 0.02,
    runs: int = 200,
    seed: int = 1,
) -> Schedule | None:
    """The plan that finds a `drop` soonest for `calls_a_month`, or the cheapest with a median within `delay` days.

    `calls_per_case`: 2 where variant and baseline are both asked; 1 + 1/V where V variants share the baseline. None if
    nothing in reach does it (up to 500 cases a day). Give one of the two limits; raises `StatisticsError` otherwise.
    """
    if (calls_a_month is None) == (delay is None):
        raise StatisticsError("best_schedule: give calls_a_month or delay, not both and not neither")

    @cache
    def plan(cases: int, every: int) -> Schedule:
        expected = detection_delay(
            drop,
            flip_rate,
            cases,
            certified=certified,
            run_length=run_length,
            every=every,
            margin=margin,
            horizon=180,
            runs=runs,
            seed=seed,
        )
        return Schedule(cases, every, cases * calls_per_case * _MONTH / every, expected)

    if calls_a_month is not None:
        fitting = [
            max((n for n in _CASES if n * calls_per_case * _MONTH / k <= calls_a_month), default=0) for k in _EVERY
        ]
        plans = [plan(cases, every) for cases, every in zip(fitting, _EVERY, strict=True) if cases]
        return min(plans, key=lambda each: (each.delay.median, each.delay.mean), default=None)
    plans = []
    for every in _EVERY:
        # More cases never take longer: the first number that does it is found by halving.
        place = bisect_left(range(len(_CASES)), True, key=partial(_meets, plan, every, delay or 0.0))
        if place < len(_CASES):
            plans.append(plan(_CASES[place], every))
    return min(plans, key=lambda each: each.calls, default=None)


def _meets(plan: Callable[[int, int], Schedule], every: int, delay: float, place: int) -> bool:
    return plan(_CASES[place], every).delay.median <= delay


def _certified(
    flip_rate: float, cases: int, certified: int, run_length: float, margin: float, runs: int, seed: int
) -> tuple[np.random.Generator, ManyWatches]:
    """Watches that begin after a certification at the level of the baseline, with what their days are drawn from."""
    between(flip_rate, "flip_rate", 0.0, 1.0, closed="low high")
    for name, number in (("cases", cases), ("certified", certified), ("runs", runs)):
        whole(number, name, at_least=1)
    random = np.random.default_rng(seed)
    first = draw_days(random, runs, certified, flip_rate, 0.0)
    return random, ManyWatches(StayedGreen(run_length=run_length, margin=margin), _VALUES, certified=first, runs=runs)
