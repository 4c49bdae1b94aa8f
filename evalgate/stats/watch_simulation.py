"""Many watches at once, by the factors of the very detector: for schedules, benchmarks and tests.

Differences take a few values only, so that a day is not its cases but how often each value came: a day of 2,000 watches
is one multiplication. `tests/stats/test_stayed_green.py` holds it against `StayedGreen` case by case.
"""

from __future__ import annotations

import numpy as np

from evalgate.stats._input import BoolArray, FloatArray, IntArray
from evalgate.stats.stayed_green import (
    Bound,
    StayedGreen,
    drop_factors,
    level_ends,
    mean_wealth,
    reference_factors,
)

__all__ = ["ManyWatches", "draw_days"]


class ManyWatches:
    """`runs` watches with the same rules, side by side.

    `values` (kinds,): the differences that occur; `weights` (kinds,): the weight that each comes with, 1 if not given;
    `controls` (kinds,): what was expected of each, 0 if not given;
    `certified` (runs, kinds): how often each came in the certification (unweighted), or `level`, if it is known.
    """

    def __init__(
        self,
        rules: StayedGreen,
        values: FloatArray,
        *,
        certified: FloatArray | None = None,
        level: float | None = None,
        runs: int = 1,
        weights: FloatArray | None = None,
        controls: FloatArray | None = None,
    ) -> None:
        importance = np.ones(values.size) if weights is None else weights
        expected = np.zeros(values.size) if controls is None else controls
        bound = Bound(max(float(importance.max()), 1.0), 1.0 + float(np.abs(expected).max()))
        if certified is None:
            levels = np.full((runs, 1), level)
        else:
            levels = np.array([level_ends(values, row, rules.margin) for row in certified])
        self._drop = _logs(drop_factors(values - expected, importance, levels, bound))
        self._loss = _logs(drop_factors(values - expected, importance, np.array([[-rules.margin]]), bound))[0, 0]
        self._held: FloatArray | None = None
        if certified is not None:
            self._reference = _logs(reference_factors(values - expected, importance, levels, bound))
            unweighted = _logs(reference_factors(values, np.ones(values.size), levels, Bound()))
            self._held = np.einsum("rlbv,rv->rlb", unweighted, certified)
        self._sums = np.zeros(self._drop.shape[:-1])
        self._losing = np.zeros((levels.shape[0], self._loss.shape[0]))
        self.rules = rules
        self.days = 0
        self._began = np.zeros(levels.shape[0], dtype=np.int64)
        self.evidence = np.zeros(levels.shape[0])
        self.loss_evidence = np.ones(levels.shape[0])

    def day(self, counts: FloatArray) -> None:
        """One more day of every watch; `counts` (runs, kinds)."""
        self.days += 1
        days = (self.days - self._began)[:, None]
        first = 1.0 if self._held is None else mean_wealth(np.exp(np.minimum(self._held, 600.0)))[..., None]
        growth = np.exp(np.einsum("rlbv,rv->rlb", self._drop, counts))
        self._sums = np.minimum((self._sums + first) * growth, 1e250)
        if self._held is not None:
            self._held += np.einsum("rlbv,rv->rlb", self._reference, counts)
        opened = 1.0 / (days * (days + 1.0))
        self._losing = np.minimum((self._losing + opened) * np.exp(counts @ self._loss.T), 1e250)
        self.evidence = self._sums.mean(axis=-1).min(axis=-1)
        self.loss_evidence = self._losing.mean(axis=-1) + 1.0 / (days[:, 0] + 1.0)

    def replace(self, places: IntArray, others: ManyWatches) -> None:
        """Put the watches of `others`, which have just begun, at these places."""
        self._drop[places], self._sums[places], self._losing[places] = others._drop, others._sums, others._losing
        self._began[places] = self.days
        if self._held is not None and others._held is not None:
            self._reference[places], self._held[places] = others._reference, others._held

    def keep(self, chosen: BoolArray) -> None:
        """Go on with some of the watches only; `chosen` (runs,)."""
        self._drop, self._sums, self._losing = self._drop[chosen], self._sums[chosen], self._losing[chosen]
        self.evidence, self.loss_evidence = self.evidence[chosen], self.loss_evidence[chosen]
        self._began = self._began[chosen]
        if self._held is not None:
            self._reference, self._held = self._reference[chosen], self._held[chosen]


def draw_days(random: np.random.Generator, runs: int, cases: int, flip_rate: float, difference: float) -> FloatArray:
    """How often -1, 0 and 1 come among `cases`, shape (runs, 3), with P(D != 0) >= |E[D]| as given."""
    flips = max(flip_rate, abs(difference))
    shares = [(flips - difference) / 2.0, 1.0 - flips, (flips + difference) / 2.0]
    return random.multinomial(cases, shares, size=runs).astype(np.float64)


def _logs(factors: FloatArray) -> FloatArray:
    return np.log(np.maximum(factors, 1e-300))
