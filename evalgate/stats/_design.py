"""From differences and a margin to the two games that decide: what is bet on, and how much.

The stake is the Kelly bet *for the design alternative* (theta = 0 for green, theta = -margin for red) at a
predictable estimate of the flip rate, so that nothing but one nuisance scale is learned. The estimate begins with
one imagined flip, at a rate of 2.5 margins: whoever asks for a wider margin has noisier answers and needs fewer
cases, so both the guess and how long it is held on to scale with the margin. At margin .02 that is a rate of .05,
held as if it came from 20 cases.

Red has one thing more to learn. A variant with a broken template is not worse by one margin but by half of all cases,
and the bet for one margin would take 87 cases to say so. So red bets on the loss seen so far, less one standard
error, where that is more than the margin: 21 cases, at no cost anywhere else.

Where the number of cases is known beforehand both games bet to that deadline (`_deadline`).
"""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

import numpy as np

from evalgate.errors import StatisticsError
from evalgate.stats._deadline import bet_to
from evalgate.stats._game import Game, cautious_mean, design_stakes, predictable_mean
from evalgate.stats._input import FloatArray, Numbers, between, whole
from evalgate.stats._sample import Sample
from evalgate.stats._wealth import CERTAIN
from evalgate.stats.sampling import SamplingOrder

Claim: TypeAlias = Literal["traffic", "suite"]

FLIP_RATE_IN_MARGINS = 2.5
CAP = 0.9
GOAL = 20.0
SMALLEST_MARGIN = 1e-5
"""No smaller margin can be certified: it would take millions of cases, and sums of rounding errors come into sight."""


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
    deadline: int | None
    goal: float | None
    red_goal: float | None
    weights: Numbers | None
    total_weight: float | None


def games_of(differences: FloatArray, margin: float, design: Design) -> tuple[Game, Game]:
    """The games against "theta <= -margin" and, mirrored, against "theta >= -red_margin".

    `differences` has shape (..., n) and is already checked; the rest of the design is checked here.
    """
    bets = Bets(differences, margin, design)
    return bets.green(), bets.red()


class Bets:
    """A checked design, from which either game can be had alone."""

    def __init__(self, differences: FloatArray, margin: float, design: Design) -> None:
        self.margin = margin_of(margin)
        self.red_margin = between(design.get("red_margin", 0.0), "red_margin", 0.0, 1.0, closed="low")
        self._cap = between(design.get("cap", CAP), "cap", 0.0, 1.0, closed="high")
        guess = min(FLIP_RATE_IN_MARGINS * margin, 1.0)
        self._green_rate = _or_guess(design.get("flip_rate_green"), "flip_rate_green", guess)
        self._red_rate = _or_guess(design.get("flip_rate_red"), "flip_rate_red", guess)
        inertia = design.get("inertia")
        self._inertia = 1.0 / guess if inertia is None else between(inertia, "inertia", 0.0, 1e9)
        deadline = design.get("deadline")
        self._deadline = None if deadline is None else whole(deadline, "deadline", at_least=1)
        self._goal = _goal_of(design.get("goal"), "goal")
        self._red_goal = _goal_of(design.get("red_goal"), "red_goal")
        self._sample = Sample(
            differences,
            population_of(design, differences.shape[-1]),
            baseline=design.get("baseline"),
            sampling=design.get("sampling"),
            weights=design.get("weights"),
            total_weight=design.get("total_weight"),
        )

    def green(self) -> Game:
        """The game against "theta <= -margin"."""
        return self._game(1.0, null=-self.margin, target=0.0, flip_rate=self._green_rate, goal=self._goal)

    def red(self) -> Game:
        """The game against "theta >= -red_margin", mirrored."""
        target = self.red_margin + self.margin
        return self._game(-1.0, null=self.red_margin, target=target, flip_rate=self._red_rate, goal=self._red_goal)

    def _game(self, sign: float, *, null: float, target: float, flip_rate: float, goal: float) -> Game:
        """The game on `sign` times the differences, against "mean <= null"."""
        signal = self._sample.signal(sign, self._inertia)
        squares = signal.values * signal.values
        second_moment = predictable_mean(squares, flip_rate * signal.mean_square, self._inertia)
        likely = signal.expected_slope * target + signal.offset
        if sign < 0:
            likely = np.maximum(likely, cautious_mean(signal.values, signal.mean_square, self._inertia))
        stakes = design_stakes(signal.expected_slope * null + signal.offset, likely, second_moment)
        game = Game(
            signal=signal.values,
            stakes=stakes,
            lowest=signal.lowest,
            cap=self._cap,
            slope=signal.slope,
            reach=signal.reach,
            offset=signal.offset,
            proven=signal.proven,
        )
        if self._deadline is None:
            return game
        return bet_to(game, null, deadline=self._deadline, goal=goal, variance=second_moment)


def _or_guess(flip_rate: float | None, name: str, guess: float) -> float:
    return guess if flip_rate is None else between(flip_rate, name, 0.0, 1.0, closed="high")


def _goal_of(e_value: float | None, name: str) -> float:
    return GOAL if e_value is None else between(e_value, name, 1.0, CERTAIN)


def margin_of(margin: float) -> float:
    """A margin that can be proven at all; see `SMALLEST_MARGIN`."""
    if 0.0 < margin < SMALLEST_MARGIN:
        msg = (
            f"margin: {margin:g} is below {SMALLEST_MARGIN:g}, the smallest that is supported: even a variant that "
            "never differs would need hundreds of thousands of cases"
        )
        raise StatisticsError(msg)
    return between(margin, "margin", 0.0, 1.0)


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
        for name in ("baseline", "sampling", "total_weight"):
            if design.get(name) is not None:
                msg = f"{name}: needs claim='suite', where what is still to come is known"
                raise StatisticsError(msg)
        return None
    if population is None:
        msg = "population: claim 'suite' needs the number of cases in the suite"
        raise StatisticsError(msg)
    return whole(population, "population", at_least=cases)
