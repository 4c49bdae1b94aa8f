"""How often to ask, and how much: what a watch costs, how seldom it errs, and how soon it finds what.

Everything here is simulated with the very detector that watches, from a fixed seed: the same numbers for the same
question on every machine (but for the last digit).
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Delay", "Schedule", "average_run_length", "best_schedule", "detection_delay"]


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
    runs: int = 500,
    seed: int = 1,
) -> Delay:
    """Days until a lasting drop is found.

    `drop` in (0, 1): of the mean difference. `flip_rate` in [0, 1]: before it. `cases` >= 1: on each day of asking,
    which is every `every`-th. `certified`: cases the certification rests on. `history`: days of asking before the drop.
    `run_length`: in days of the calendar. Runs that do not find it within `horizon` days count as that long.
    """
    raise NotImplementedError


def average_run_length(
    flip_rate: float, cases: int, *, certified: int = 400, run_length: float = 1000.0, runs: int = 200, seed: int = 1
) -> float:
    """Days of asking between false withdrawals, by simulation up to 5 x `run_length` (runs that last longer count so).

    What is promised does not come from here: `run_length` itself is the bound.
    """
    raise NotImplementedError


def best_schedule(
    drop: float,
    flip_rate: float,
    *,
    calls_a_month: float | None = None,
    delay: float | None = None,
    calls_per_case: float = 2.0,
    certified: int = 400,
    run_length: float = 1000.0,
    runs: int = 200,
    seed: int = 1,
) -> Schedule | None:
    """The plan that finds a `drop` soonest for `calls_a_month`, or the cheapest with a median within `delay` days.

    `calls_per_case`: 2 where variant and baseline are both asked; 1 + 1/V where V variants share the baseline. None if
    nothing in reach does it (up to 500 cases a day). Give one of the two limits; raises `StatisticsError` otherwise.
    """
    raise NotImplementedError
