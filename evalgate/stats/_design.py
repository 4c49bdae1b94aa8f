"""From differences and a margin to the two games that decide: what is bet on, and how much.

The stake is the Kelly bet *for the design alternative* (theta = 0 for green, theta = -margin for red) at a
predictable estimate of the flip rate, so that nothing but one nuisance scale is learned. The estimate begins with
one imagined flip, at a rate of 2.5 margins: whoever asks for a wider margin has noisier answers and needs fewer
cases, so both the guess and how long it is held on to scale with the margin. At margin .02 that is a rate of .05,
held as if it came from 20 cases.

Red has one thing more to learn. A variant with a broken template is not worse by one margin but by half of all cases,
and the bet for one margin would take 87 cases to say so. So red bets on the loss seen so far, less one standard
error, where that is more than the margin: 21 cases, at no cost anywhere else.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

import numpy as np

from evalgate.errors import StatisticsError
from evalgate.stats._game import Game, cautious_mean, design_stakes, predictable_mean
from evalgate.stats._input import FloatArray, Numbers, between, numbers, scores_of, whole
from evalgate.stats.sampling import SamplingOrder

Claim: TypeAlias = Literal["traffic", "suite"]

FLIP_RATE_IN_MARGINS = 2.5
CAP = 0.9


class Design(TypedDict, total=False):
    """What may be chosen beyond margin and error rates; see `certify` for the meaning of each."""

    claim: Claim
    population: int | None
    red_margin: float
    flip_rate_green: float | None
    flip_rate_red: float | None
    inertia: float | None
    cap: float
    baseline: Numbers | None
    sampling: SamplingOrder | None


def games_of(differences: FloatArray, margin: float, design: Design) -> tuple[Game, Game]:
    """The games against "theta <= -margin" and, mirrored, against "theta >= -red_margin".

    `differences` has shape (..., n) and is already checked; the rest of the design is checked here.
    """
    between(margin, "margin", 0.0, 1.0)
    red_margin = between(design.get("red_margin", 0.0), "red_margin", 0.0, 1.0, closed="low")
    cap = between(design.get("cap", CAP), "cap", 0.0, 1.0, closed="high")
    guess = min(FLIP_RATE_IN_MARGINS * margin, 1.0)
    green_rate = _or_guess(design.get("flip_rate_green"), "flip_rate_green", guess)
    red_rate = _or_guess(design.get("flip_rate_red"), "flip_rate_red", guess)
    inertia = design.get("inertia")
    inertia = 1.0 / guess if inertia is None else between(inertia, "inertia", 0.0, 1e9)
    sampled = _Sampled(differences, population_of(design, differences.shape[-1]), design)
    green = sampled.game(1.0, null=-margin, target=0.0, flip_rate=green_rate, inertia=inertia, cap=cap)
    red_target = red_margin + margin
    red = sampled.game(-1.0, null=red_margin, target=red_target, flip_rate=red_rate, inertia=inertia, cap=cap)
    return green, red


def _or_guess(flip_rate: float | None, name: str, guess: float) -> float:
    return guess if flip_rate is None else between(flip_rate, name, 0.0, 1.0, closed="high")


def population_of(design: Design, cases: int) -> int | None:
    """None for a sample of traffic, the checked size of the suite for the claim 'suite'."""
    claim, population = design.get("claim", "traffic"), design.get("population")
    if claim not in ("traffic", "suite"):
        msg = f"claim: {claim!r} is neither 'traffic' nor 'suite'"
        raise StatisticsError(msg)
    if claim == "traffic":
        if population is not None:
            msg = f"population: {population} given, but claim 'traffic' has none; did you mean claim='suite'?"
            raise StatisticsError(msg)
        for name in ("baseline", "sampling"):
            if design.get(name) is not None:
                msg = f"{name}: needs claim='suite', where what is still to come is known"
                raise StatisticsError(msg)
        return None
    if population is None:
        msg = "population: claim 'suite' needs the number of cases in the suite"
        raise StatisticsError(msg)
    return whole(population, "population", at_least=cases)


class _Sampled:
    """The differences with what is known of the cases still to come: baseline scores and sampling weights."""

    def __init__(self, differences: FloatArray, population: int | None, design: Design) -> None:
        self.differences = differences
        self.population = population
        self.cases = differences.shape[-1]
        self.importance: FloatArray = np.ones(())
        self.largest_importance: FloatArray = np.ones(())
        self.baseline: FloatArray | None = None
        sampling, baseline = design.get("sampling"), design.get("baseline")
        if sampling is not None:
            for name in ("importance", "largest_importance"):
                numbers(getattr(sampling, name), f"sampling.{name}", low=0.0, high=1e9, length=population)
            self.importance = sampling.importance[: self.cases]
            self.largest_importance = sampling.largest_importance[: self.cases]
        if baseline is not None:
            self.baseline = scores_of(baseline, "baseline", length=population)
            known = self.baseline[: self.cases]
            broken = (differences < -known - 1e-9) | (differences > 1.0 - known + 1e-9)
            if broken.any():
                place = int(np.argwhere(broken)[0][-1])
                msg = f"differences[{place}]: impossible beside baseline[{place}] = {known[place]:g}"
                raise StatisticsError(msg)

    def game(self, sign: float, *, null: float, target: float, flip_rate: float, inertia: float, cap: float) -> Game:
        """The game on `sign` times the differences, against "mean <= null"."""
        differences = sign * self.differences
        signal, lowest = differences, -self.largest_importance
        slope: FloatArray = np.ones(())
        offset: FloatArray = np.zeros(())
        proven: FloatArray | None = None
        if self.population is not None:
            slope, offset = moving_null(differences, self.population)
            after = self.population - np.arange(1.0, self.cases + 1.0)
            proven = (np.cumsum(differences, axis=-1) - after) / self.population
        if self.baseline is not None and self.population is not None:
            control, weight, centre = control_variate(differences, self.baseline, sign, inertia)
            signal = differences - control
            # The control is linear in the baseline's score, so its extremes are where that score is 0 or 1.
            at_zero = weight * centre - (0.0 if sign > 0 else 1.0)
            at_one = weight * (centre - 1.0) - (1.0 if sign > 0 else 0.0)
            lowest = self.largest_importance * np.minimum(at_zero, at_one)
            worst = -self.baseline if sign > 0 else self.baseline - 1.0
            proven = (np.cumsum(differences, axis=-1) + _sums_after(worst)[: self.cases]) / self.population
        signal = self.importance * signal
        second_moment = predictable_mean(signal * signal, flip_rate, inertia)
        likely = slope * target + offset
        if sign < 0:
            likely = np.maximum(likely, cautious_mean(signal, inertia))
        stakes = design_stakes(slope * null + offset, likely, second_moment)
        return Game(signal, stakes, lowest, cap, slope, offset, proven)


def control_variate(
    differences: FloatArray, baseline: FloatArray, sign: float, inertia: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What the baseline's score predicts of each difference, beyond the mean of the cases still to come.

    `baseline` (N,) is known for the whole suite. Where it is right a variant can only lose, where it is wrong only
    gain, so the slope of the difference on the baseline's score is never positive (never negative where `sign`
    mirrors the differences). Returns control, slope and the mean of the baseline's scores still to come; the slope is
    estimated from the cases before, towards zero.
    """
    cases = differences.shape[-1]
    remaining = baseline.size - np.arange(cases)
    centre = (_sums_after(baseline) + baseline)[:cases] / remaining
    spread = baseline[:cases] - centre
    covariance = predictable_mean(differences * spread, 0.0, inertia)
    variance = predictable_mean(spread * spread, 0.25, inertia)
    low, high = (-1.0, 0.0) if sign > 0 else (0.0, 1.0)
    slope = np.clip(covariance / variance, low, high)
    return slope * spread, slope, centre


def moving_null(values: FloatArray, population: int) -> tuple[FloatArray, FloatArray]:
    """Slope (n,) and offset (..., n) of the mean of the cases still to come, as a function of the overall mean."""
    remaining = population - np.arange(values.shape[-1])
    before = np.zeros(values.shape)
    np.cumsum(values[..., :-1], axis=-1, out=before[..., 1:])
    return np.asarray(population / remaining), -before / remaining


def _sums_after(values: FloatArray) -> FloatArray:
    """Shape (N,): the sum of all values after each place."""
    backwards = np.cumsum(values[::-1])[::-1]
    after: FloatArray = np.zeros(values.shape)
    after[:-1] = backwards[1:]
    return after
