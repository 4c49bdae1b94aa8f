"""From differences to the signal that is bet on: what weighs how much, and what is known of what is still to come.

Three things may be known besides the differences: that the cases are drawn from a finite suite, the baseline's score
of every case of it (a control variate), and with which probability each was drawn (importance). And units may weigh
differently, as clusters of unequal size do when the question is about their cases. Then the bet is on w (D - m), with
a stake that depends on the weights *before* only: a stake that knew how large the cluster is could favour the kind of
cluster that does well, and the mean over all cases would no longer be what is tested.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalgate.errors import StatisticsError
from evalgate.stats._game import predictable_mean, sums_before
from evalgate.stats._input import FloatArray, Numbers, between, numbers, scores_of
from evalgate.stats._suite import control_variate, moving_null, sums_after
from evalgate.stats.sampling import SamplingOrder

_ROUNDING = 1e-9
_ONE: FloatArray = np.ones(())


@dataclass(frozen=True, slots=True)
class Signal:
    """What is bet on; arrays are () or (..., n). `lowest`, `slope`, `reach`, `offset`, `proven` as in `Game`.

    `expected_slope`: the slope as far as it can be foretold; the stake is made for it. `mean_square`: the mean squared
    weight of the units before, by which a flip rate becomes a second moment.
    """

    values: FloatArray
    lowest: FloatArray
    slope: FloatArray
    reach: FloatArray
    expected_slope: FloatArray
    offset: FloatArray
    mean_square: FloatArray
    proven: FloatArray | None


class Sample:
    """The differences (..., n) with all that is known of their units."""

    def __init__(
        self,
        differences: FloatArray,
        population: int | None,
        *,
        baseline: Numbers | None,
        sampling: SamplingOrder | None,
        weights: Numbers | None,
        total_weight: float | None,
    ) -> None:
        self.differences = differences
        self.population = population
        self.cases = differences.shape[-1]
        self.importance = self.largest_importance = _ONE
        self.baseline: FloatArray | None = None
        self.weights: FloatArray | None = None
        self.total = 0.0
        if sampling is not None:
            for name in ("importance", "largest_importance"):
                numbers(getattr(sampling, name), f"sampling.{name}", low=0.0, high=1e9, length=population)
            self.importance = sampling.importance[: self.cases]
            self.largest_importance = sampling.largest_importance[: self.cases]
        if baseline is not None:
            self.baseline = scores_of(baseline, "baseline", length=population)
            known = self.baseline[: self.cases]
            broken = (differences < -known - _ROUNDING) | (differences > 1.0 - known + _ROUNDING)
            if broken.any():
                place = int(np.argwhere(broken)[0][-1])
                msg = f"differences[{place}]: impossible beside baseline[{place}] = {known[place]:g}"
                raise StatisticsError(msg)
        if weights is not None:
            if baseline is not None or sampling is not None:
                msg = "weights: cannot be combined with baseline or sampling"
                raise StatisticsError(msg)
            self.weights = _weights_of(weights, differences)
            self.total = self._total_of(total_weight, self.weights)
        elif total_weight is not None:
            msg = f"total_weight: {total_weight:g} given without weights"
            raise StatisticsError(msg)

    def signal(self, sign: float, inertia: float) -> Signal:
        """The signal of the game on `sign` times the differences."""
        differences = sign * self.differences
        if self.weights is not None:
            return self._weighted(differences, self.weights)
        values, lowest = differences, -self.largest_importance
        slope: FloatArray = _ONE
        offset: FloatArray = np.zeros(())
        proven: FloatArray | None = None
        if self.population is not None:
            slope, offset = moving_null(differences, self.population)
            after = self.population - np.arange(1.0, self.cases + 1.0)
            proven = (np.cumsum(differences, axis=-1) - after) / self.population
        if self.baseline is not None and self.population is not None:
            control, weight, centre = control_variate(differences, self.baseline, sign, inertia)
            values = differences - control
            # The control is linear in the baseline's score, so its extremes are where that score is 0 or 1.
            at_zero = weight * centre - (0.0 if sign > 0 else 1.0)
            at_one = weight * (centre - 1.0) - (1.0 if sign > 0 else 0.0)
            lowest = self.largest_importance * np.minimum(at_zero, at_one)
            worst = -self.baseline if sign > 0 else self.baseline - 1.0
            proven = (np.cumsum(differences, axis=-1) + sums_after(worst)[: self.cases]) / self.population
        return Signal(self.importance * values, lowest, slope, slope, slope, offset, _ONE, proven)

    def _weighted(self, differences: FloatArray, weights: FloatArray) -> Signal:
        """Without replacement the mean of w (D - m) over the units still to come is minus its sum so far over their
        number, which is linear in m as well (Waudby-Smith & Ramdas 2020, section 2, for w (D - m) in place of D).
        """
        values = weights * differences
        mean_square = predictable_mean(weights * weights, 1.0, 1.0)
        if self.population is None:
            mean = predictable_mean(weights, 1.0, 1.0)
            return Signal(values, -_ONE, weights, _ONE, mean, np.zeros(()), mean_square, None)
        remaining = self.population - np.arange(self.cases)
        before = sums_before(weights)
        unseen = self.total - (before + weights)
        return Signal(
            values=values,
            lowest=-_ONE,
            slope=(before + weights * remaining) / remaining,
            reach=(before + remaining) / remaining,
            expected_slope=self.total / remaining,  # the mean weight of the units still to come is known
            offset=-sums_before(values) / remaining,
            mean_square=mean_square,
            proven=(np.cumsum(values, axis=-1) - unseen) / self.total,
        )

    def _total_of(self, total_weight: float | None, weights: FloatArray) -> float:
        if self.population is None:
            return 0.0
        if total_weight is None:
            msg = "total_weight: claim 'suite' with weights needs the sum of the weights of all its units"
            raise StatisticsError(msg)
        seen = float(np.cumsum(weights, axis=-1)[..., -1].max(initial=0.0)) if self.cases else 0.0
        most = seen + (self.population - self.cases)
        return between(
            total_weight, "total_weight", seen * (1.0 - _ROUNDING), most * (1.0 + _ROUNDING), closed="low high"
        )


def _weights_of(weights: Numbers, differences: FloatArray) -> FloatArray:
    """The weights of the cases given; those of cases to come are not looked at. One dimension, or as `differences`."""
    known = np.asarray(weights, dtype=np.float64)
    if known.ndim not in (1, differences.ndim) or known.shape[-1] < differences.shape[-1]:
        msg = f"weights: shape {known.shape}, expected one for each of {differences.shape[-1]} cases at least"
        raise StatisticsError(msg)
    known = known[..., : differences.shape[-1]]
    outside = ~((known > 0.0) & (known <= 1.0))
    if outside.any():
        place = int(np.argwhere(outside)[0][-1])
        msg = f"weights[{place}]: outside (0, 1]; divide sizes by the largest size of the whole suite"
        raise StatisticsError(msg)
    return np.broadcast_to(known, differences.shape)
