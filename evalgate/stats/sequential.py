"""The sequential test: how the evidence for green and for red grows, case by case.

Green rejects "theta <= -margin", red rejects "theta >= -red_margin", each by a betting e-process (`_game`) with the
stakes of `_design`. Because the evidence may be looked at after every case without changing an error rate,
collection can stop the moment the answer is known; because it is a product of factors that only depend on what came
before, the same differences give the same evidence whatever the batches they came in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import numpy as np

from evalgate.stats._design import Bets, Design, population_of
from evalgate.stats._input import FloatArray, Numbers, between, differences_of
from evalgate.stats._wealth import CERTAIN

_FIRST = 64  # further cases that are followed at first: nearly always enough, once some have been seen
_HORIZON = 1 << 20  # further cases that are followed: the smallest margin needs 393,225, and 900,000 in a family of 200


@dataclass(frozen=True, slots=True)
class EvidencePath:
    """Evidence after each case; all arrays have shape (cases,).

    `e_green` and `e_red` are e-values, from 0 to 2^1000 (certainty). Hold thresholds against their running maxima
    `max_e_green` and `max_e_red` (Ville's inequality covers the maximum): these are the same bits on every machine.
    The natural logarithms, between -693 and 693, are for plots; their last bits may differ between machines.
    """

    e_green: FloatArray
    e_red: FloatArray

    @property
    def max_e_green(self) -> FloatArray:
        """Shape (cases,): the largest evidence for green so far."""
        return np.maximum.accumulate(self.e_green)

    @property
    def max_e_red(self) -> FloatArray:
        """Shape (cases,): the largest evidence for red so far."""
        return np.maximum.accumulate(self.e_red)

    @property
    def log_e_green(self) -> FloatArray:
        """Shape (cases,): the natural logarithm of the evidence for green."""
        return np.asarray(np.log(np.maximum(self.e_green, 1.0 / CERTAIN)))

    @property
    def log_e_red(self) -> FloatArray:
        """Shape (cases,): the natural logarithm of the evidence for red."""
        return np.asarray(np.log(np.maximum(self.e_red, 1.0 / CERTAIN)))


@dataclass(frozen=True, slots=True)
class FurtherCases:
    """How many more cases a decision needs at the least; 0: already decided, None: cannot be decided any more."""

    green: int | None
    red: int | None


def evidence_path(differences: Numbers, *, margin: float, **design: Unpack[Design]) -> EvidencePath:
    """The evidence for green and for red after each case.

    `differences` (cases,): variant minus baseline score in the order asked, in [-1, 1]. `margin` in (0, 1); the
    other options are those of `certify`. Raises `StatisticsError` for what lies outside.
    """
    bets = Bets(differences_of(differences), margin, design)
    return EvidencePath(e_green=bets.green().e_values(-bets.margin), e_red=bets.red().e_values(bets.red_margin))


def minimum_further_cases(
    differences: Numbers,
    *,
    margin: float,
    threshold_green: float = 20.0,
    threshold_red: float = 20.0,
    **design: Unpack[Design],
) -> FurtherCases:
    """How many more cases it takes at the least until green, or red, can be decided.

    For green all further cases are taken to be concordant, for red all to be lost. So many calls can be made at once
    without waste, unless gains come: a case that only the variant gets right counts for more than a concordant one.
    The thresholds are e-values, 1/alpha and 1/beta for a single variant; a family asks for more. `differences` may be
    empty: nothing has been asked yet. With `weights`, further units weigh what is given for them; without, the most
    there is, or in a suite the mean of what is left. Exact up to 1,048,576 further cases, which is what is said where
    not even these are enough.
    """
    between(threshold_green, "threshold_green", 1.0, np.inf)
    between(threshold_red, "threshold_red", 1.0, np.inf)
    seen = np.asarray(differences, dtype=np.float64)
    if seen.size:
        seen = differences_of(seen)
    return FurtherCases(
        green=_until(seen, 0.0, margin, threshold_green, design, green=True),
        red=_until(seen, -1.0, margin, threshold_red, design, green=False),
    )


def first_reach(e_values: FloatArray, threshold: float) -> int | None:
    """The number of cases after which the evidence first reaches the threshold."""
    reached = e_values >= threshold
    return int(np.argmax(reached)) + 1 if reached.any() else None


def _until(
    seen: FloatArray, future: float, margin: float, threshold: float, design: Design, *, green: bool
) -> int | None:
    population = population_of(design, seen.size)
    left = None if population is None else population - seen.size
    longest = _HORIZON if left is None else min(left, _HORIZON)
    further = min(_FIRST, longest)
    while True:
        values = np.concatenate([seen, np.full(further, future)])
        if design.get("baseline") is not None and future < 0.0:
            # Where the baseline is wrong there is nothing to lose.
            known = np.asarray(design["baseline"], dtype=np.float64)[seen.size : values.size]
            values[seen.size :] = -known
        if not values.size:
            return None
        bets = Bets(values, margin, _with_further(design, values.size))
        path = bets.green().e_values(-bets.margin) if green else bets.red().e_values(bets.red_margin)
        reached = first_reach(path, threshold)
        if reached is not None:
            return max(reached - seen.size, 0)
        if further >= longest:
            return None if further == left else longest
        further = min(further * (4 if further < _HORIZON // 8 else 2), longest)


def _with_further(design: Design, cases: int) -> Design:
    """The design with a weight for every case: where none is known the largest, or a suite's mean of those to come."""
    weights, population = design.get("weights"), design.get("population")
    if weights is None or len(weights) >= cases:
        return design
    known = np.asarray(weights, dtype=np.float64)
    likely = 1.0
    if population is not None:
        likely = ((design.get("total_weight") or population) - float(np.cumsum(known)[-1])) / (population - known.size)
    longer = design.copy()
    longer["weights"] = np.concatenate([known, np.full(cases - known.size, likely)])
    return longer
