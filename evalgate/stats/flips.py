"""Flips, and how much of them is the baseline's own noise.

A variant that breaks 31 cases and fixes 15 differs in 46, though its mean moved by 16. How often scores differ at
all, the flip rate, decides how many cases a proof needs; how often the baseline differs *from itself* (A/A) is the
floor under every comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import numpy as np

from evalgate.stats._design import FLIP_RATE_IN_MARGINS
from evalgate.stats._input import Numbers, between, differences_of
from evalgate.stats.certify import Certificate, Options, certify
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

    `fit`: the A/A comparison reached green. If it cannot, the suite is unfit: no variant could be judged by it.
    """

    flips: Flips
    certificate: Certificate
    seed: FlipRateSeed

    @property
    def fit(self) -> bool:
        """Whether the baseline was proven as good as itself."""
        return self.certificate.verdict == "green"


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
    guess = min(FLIP_RATE_IN_MARGINS * between(margin, "margin", 0.0, 1.0), 1.0)
    second_moment = float(np.cumsum(values * values)[-1]) / values.size
    if second_moment == 0.0:
        return FlipRateSeed(guess, 1.0 / guess)
    weight = min(float(values.size), _SEED_WEIGHT)
    inertia = 1.0 / guess + weight
    return FlipRateSeed((1.0 + weight * second_moment) / inertia, inertia)


def noise_floor(first: Numbers, second: Numbers, *, margin: float, **options: Unpack[Options]) -> NoiseFloor:
    """The A/A comparison: two runs of the baseline, scores (cases,) in [0, 1] in the same order.

    `margin` and the other options as for `certify`.
    """
    differences = paired_differences(second, first)
    return NoiseFloor(
        flips=count_flips(differences),
        certificate=certify(differences, margin=margin, **options),
        seed=seed_flip_rate(differences, margin=margin),
    )
