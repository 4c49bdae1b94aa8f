"""Before a cent is spent: how many cases a verdict will take, and what margin a suite can certify at all.

The figures come from seeded simulations that run through the very code that decides, so that a plan and a check can
never disagree about the test. Problems of many thousand cases are simulated at a smaller scale: only the ratio of
flip rate to margin, and flip rate / margin^2, matter to the test when both are small.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Unpack

import numpy as np

from evalgate.errors import StatisticsError
from evalgate.stats._design import SMALLEST_MARGIN, Design, margin_of, population_of
from evalgate.stats._input import FloatArray, IntArray, between, whole
from evalgate.stats.limit import case_limit
from evalgate.stats.simulation import GREEN, RED, UNDECIDED, draw_differences, draw_suites, run_rows

_LONGEST = 1600  # cases that are simulated one by one
_CELLS = 400_000  # simulated cases at a time, which bounds memory and time
_FEW_FLIPS = 0.2  # below this flip rate, flips are rare enough for margin and flip rate to be scaled together
_LIKE_TRAFFIC = 5  # a suite so many times longer than the run cannot be told from traffic
_PATIENCE = 8.0  # an unlimited run is followed for so many times its limit


@dataclass(frozen=True, slots=True)
class CasesNeeded:
    """What to expect of a run: cases on average, in nine runs of ten at most, and how the runs end.

    `mean` and `p90` count the cases asked (whole batches) up to a verdict or the end of the budget. `green`, `red`,
    `inconclusive`: the shares of runs that end so; they sum to one.
    """

    mean: float
    p90: float
    green: float
    red: float
    inconclusive: float


def cases_needed(
    margin: float,
    flip_rate: float,
    *,
    difference: float = 0.0,
    alpha: float = 0.05,
    beta: float = 0.05,
    batch: int = 10,
    max_cases: int | None = None,
    repetitions: int = 400,
    seed: int = 0,
    **design: Unpack[Design],
) -> CasesNeeded:
    """How many cases a verdict takes for a variant whose scores differ in `flip_rate` of the cases.

    `margin` in (0, 1); `flip_rate` in [0, 1], at least |`difference`|, the true mean difference (for claim='suite',
    of the suite itself). `max_cases`: the budget, if there is one; a suite ends at its `population`. The other options
    as for `certify`, but for `baseline`, `sampling` and `weights`; a `deadline` will mostly be `max_cases`. With 400
    repetitions the mean is good to about 5 %. Raises `StatisticsError` for what lies outside.
    """
    margin_of(margin)
    _check_flips(flip_rate, difference)
    thresholds = 1.0 / between(alpha, "alpha", 0.0, 1.0), 1.0 / between(beta, "beta", 0.0, 1.0)
    whole(batch, "batch", at_least=1)
    whole(repetitions, "repetitions", at_least=10)
    if max_cases is not None:
        whole(max_cases, "max_cases", at_least=1)
    distance = min(max(margin, abs(difference)), 0.99)  # what is far from the margin is decided sooner
    limit = case_limit(distance, flip_rate, alpha=min(alpha, 0.49), beta=min(beta, 0.49))
    population = population_of(design, 0)
    length = int(_PATIENCE * limit) + 10 * batch
    length = min(length, max_cases or length, population or length)
    scale = _Scale.of(min(limit, length), flip_rate)
    small = _with_goals(scale.design(design), thresholds)
    small_length = max(round(length / scale.cases), 1)
    random = np.random.default_rng(seed)
    stops: list[IntArray] = []
    outcomes: list[IntArray] = []
    short = min(small_length, max(int(1.5 * limit / scale.cases), 200))  # most runs are over by then
    rows = max(1, _CELLS // small_length)
    for done in range(0, repetitions, rows):
        values = _draw(
            random,
            min(rows, repetitions - done),
            small_length,
            flip_rate * scale.flips,
            difference * scale.margin,
            small,
        )
        stop, outcome = run_rows(values[:, :short], margin * scale.margin, thresholds, small)
        late = np.flatnonzero(outcome == UNDECIDED)
        if late.size and short < small_length:
            stop[late], outcome[late] = run_rows(values[late], margin * scale.margin, thresholds, small)
        stops.append(stop)
        outcomes.append(outcome)
    result = np.concatenate(outcomes)
    asked = np.minimum(np.ceil(np.concatenate(stops) * scale.cases / batch) * batch, length)
    return CasesNeeded(
        mean=float(asked.mean()),
        p90=float(np.quantile(asked, 0.9, method="higher")),
        green=float((result == GREEN).mean()),
        red=float((result == RED).mean()),
        inconclusive=float((result == UNDECIDED).mean()),
    )


def smallest_margin(
    cases: int,
    flip_rate: float,
    *,
    chance: float = 0.9,
    alpha: float = 0.05,
    beta: float = 0.05,
    repetitions: int = 200,
    seed: int = 0,
    **design: Unpack[Design],
) -> float:
    """The smallest margin that `cases` cases certify with probability `chance`, for a variant as good as its baseline.

    `cases` >= 1; `flip_rate` in [0, 1]; `chance` in (0, 1). With claim='suite' and `population` the cases are part of
    that suite. The other options as for `cases_needed`. Good to about a tenth; 1.0 if no margin below one can be
    certified, and never below the smallest that is supported.
    """
    whole(cases, "cases", at_least=1)
    _check_flips(flip_rate, 0.0)
    between(chance, "chance", 0.0, 1.0)
    thresholds = 1.0 / between(alpha, "alpha", 0.0, 1.0), 1.0 / between(beta, "beta", 0.0, 1.0)
    cells = _CELLS // 2 if population_of(design, cases) is None else _CELLS // 4
    scale = _Scale.of(cases, flip_rate)
    small = _with_goals(scale.design(design), thresholds)
    length = max(round(cases / scale.cases), 1)
    runs = min(repetitions, max(cells // length, 50))
    values = _draw(np.random.default_rng(seed), runs, length, flip_rate * scale.flips, 0.0, small)
    size = small.get("population")
    # No margin below this can be proven: of traffic for want of cases, of a suite because one case is more than it.
    low, high = 1.0 - thresholds[0] ** (-1.0 / length) if size is None else 0.5 / size, 1.0
    for _ in range(8):
        middle = sqrt(low * high)
        if (run_rows(values, max(middle, SMALLEST_MARGIN), thresholds, small)[1] == GREEN).mean() >= chance:
            high = middle
        else:
            low = middle
    return min(max(_round_up(high / scale.margin), SMALLEST_MARGIN), 1.0) if high < 1.0 else 1.0


def _check_flips(flip_rate: float, difference: float) -> None:
    between(flip_rate, "flip_rate", 0.0, 1.0, closed="low high")
    if not abs(difference) <= flip_rate:
        msg = f"flip_rate: {flip_rate} cannot be below the difference of means, {abs(difference)}"
        raise StatisticsError(msg)


@dataclass(frozen=True, slots=True)
class _Scale:
    """How a problem of very many cases is made smaller: by what cases shrink, and flip rate and margin grow.

    Where flips are rare, flip rate and margin grow alike, which keeps the number of flips in a run. Where they are
    not, only the margin grows, by the square root, which keeps flip rate / margin^2 in proportion to the cases.
    """

    cases: float
    flips: float
    margin: float

    @classmethod
    def of(cls, cases: float, flip_rate: float) -> _Scale:
        shrink = max(cases / _LONGEST, 1.0)
        flips = min(shrink, max(_FEW_FLIPS / flip_rate, 1.0)) if flip_rate > 0.0 else shrink
        return cls(shrink, flips, flips * sqrt(shrink / flips))

    def design(self, design: Design) -> Design:
        """The same design for the smaller problem."""
        small = design.copy()
        if self.cases == 1.0:
            return small
        small["red_margin"] = design.get("red_margin", 0.0) * self.margin
        population, inertia, deadline = design.get("population"), design.get("inertia"), design.get("deadline")
        if deadline is not None:
            small["deadline"] = max(round(deadline / self.cases), 1)
        if population is not None:
            small["population"] = max(round(population / self.cases), 1)
        if inertia is not None:
            small["inertia"] = inertia / self.cases
        green, red = design.get("flip_rate_green"), design.get("flip_rate_red")
        small["flip_rate_green"] = None if green is None else min(green * self.flips, 1.0)
        small["flip_rate_red"] = None if red is None else min(red * self.flips, 1.0)
        return small


def _with_goals(design: Design, thresholds: tuple[float, float]) -> Design:
    """What is to be reached by the deadline is what is asked for, unless the design says otherwise."""
    for name in ("weights", "total_weight"):
        if design.get(name) is not None:
            msg = f"{name}: a plan takes all units to be of one size"
            raise StatisticsError(msg)
    goal, red_goal = design.get("goal"), design.get("red_goal")
    return {
        **design,
        "goal": thresholds[0] if goal is None else goal,
        "red_goal": thresholds[1] if red_goal is None else red_goal,
    }


def _draw(
    random: np.random.Generator, runs: int, cases: int, flip_rate: float, difference: float, design: Design
) -> FloatArray:
    """The first `cases` differences of each run; a suite's mean difference is its own, not that of its source."""
    population = design.get("population")
    if population is None or population > _LIKE_TRAFFIC * cases:
        return draw_differences(random, runs, cases, flip_rate, difference)
    return draw_suites(random, runs, population, flip_rate, difference)[:, :cases]


def _round_up(value: float) -> float:
    digits = 10.0 ** (2 - int(np.floor(np.log10(value))))
    return float(np.ceil(value * digits - 1e-9) / digits)
