"""Flips, and how much of them is the baseline's own noise.

A variant that breaks 31 cases and fixes 15 differs in 46, though its mean moved by 16. How often scores differ at
all, the flip rate, decides how many cases a proof needs; how often the baseline differs *from itself* (A/A) is the
floor under every comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import numpy as np

from evalgate.stats._design import FLIP_RATE_IN_MARGINS, margin_of
from evalgate.stats._input import Numbers, differences_of
from evalgate.stats.certify import Certificate, Options, Verdict, certify
from evalgate.stats.multiplicity import combine_verdicts
from evalgate.stats.units import paired_differences

_SEED_WEIGHT = 20.0


@dataclass(frozen=True, slots=True)
class Flips:
    """`broke`: cases where the variant scored less, `fixed`: where it scored more, of `cases` in all."""

    broke: int
    fixed: int
    cases: int

    @property
    def rate(self) -> float:
        """The share of cases whose scores differ, in [0, 1]."""
        return (self.broke + self.fixed) / self.cases


@dataclass(frozen=True, slots=True)
class FlipRateSeed:
    """A first guess of the flip rate for `certify`, and how many imagined cases hold on to it."""

    flip_rate: float
    inertia: float


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """The baseline against itself: its flips, its verdict at the suite's margin, and the guess it gives.

    `not_worse`: the second run held against the first; `not_better`: the first against the second.
    """

    flips: Flips
    not_worse: Certificate
    not_better: Certificate
    seed: FlipRateSeed

    @property
    def verdict(self) -> Verdict:
        """Green if the two runs are equal within the margin, red if either is proven worse than the other."""
        return combine_verdicts([self.not_worse.verdict, self.not_better.verdict])

    @property
    def cases(self) -> int:
        """After how many cases that was known; all, if it is not."""
        needed = [self.not_worse, self.not_better]
        if self.verdict == "red":
            return min(each.cases for each in needed if each.verdict == "red")
        return max(each.cases for each in needed)

    @property
    def fit(self) -> bool:
        """Whether the baseline was proven equal to itself. If not, no variant can be judged by this suite."""
        return self.verdict == "green"


def count_flips(differences: Numbers) -> Flips:
    """Flips among differences (cases,) in [-1, 1], variant minus baseline."""
    values = differences_of(differences)
    return Flips(int(np.count_nonzero(values < 0)), int(np.count_nonzero(values > 0)), values.size)


def seed_flip_rate(differences: Numbers, *, margin: float) -> FlipRateSeed:
    """A guess of the flip rate from an earlier run: the A/A run, or a variant of the same kind.

    The default guess (one imagined flip, at a rate of 2.5 margins) is blended with the run's mean squared difference,
    which counts for 20 cases at most: a variant may well flip more often than the baseline does by itself, and a
    guess that is far too low costs more than one that is too high. A run without any flip says nothing of a variant.
    """
    values = differences_of(differences)
    guess = min(FLIP_RATE_IN_MARGINS * margin_of(margin), 1.0)
    second_moment = float(np.cumsum(values * values)[-1]) / values.size
    if second_moment == 0.0:
        return FlipRateSeed(guess, 1.0 / guess)
    weight = min(float(values.size), _SEED_WEIGHT)
    inertia = 1.0 / guess + weight
    return FlipRateSeed((1.0 + weight * second_moment) / inertia, inertia)


def noise_floor(first: Numbers, second: Numbers, *, margin: float, **options: Unpack[Options]) -> NoiseFloor:
    """The A/A comparison: two runs of the baseline, scores (cases,) in [0, 1] in the same order.

    Both ways, because the stored answers may be the ones from a bad hour: held against a baseline that was ill, a bad
    variant looks good. Green needs "not worse" and "not better by the margin", each at alpha, which needs no correction
    (intersection-union); red is either of two, each at beta / 2. `margin` and the other options as for `certify`, but
    for `baseline` and `sampling`, which are about one direction.
    """
    differences = paired_differences(second, first)
    half: Options = {**options, "beta": 0.5 * options.get("beta", 0.05)}
    return NoiseFloor(
        flips=count_flips(differences),
        not_worse=certify(differences, margin=margin, **half),
        not_better=certify(-differences, margin=margin, **half),
        seed=seed_flip_rate(differences, margin=margin),
    )
