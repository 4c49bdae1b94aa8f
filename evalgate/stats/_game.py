"""One-sided betting games: the engine under every sequential verdict.

A game bets, case after case, against the claim "the mean is at most `null`". The wealth

    E_t = prod_{s<=t} (1 + lambda_s (Y_s - m_s))

is an e-process for that claim as long as the stake lambda_s uses only what came before case s and no factor can be
negative (Ville's inequality; Waudby-Smith & Ramdas 2023, section 4.1). "The mean is at least" is the same game on
mirrored differences. Without replacement (`population` cases in all) the null mean of what is still to come moves:
m_t = (N null - S_{t-1}) / (N - t + 1) (Waudby-Smith & Ramdas 2020, section 2).

Arrays are shaped (..., cases), so that the simulations of the power analysis run through the very code that decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalgate.stats._input import FloatArray
from evalgate.stats._wealth import CERTAIN, running_product

_ROUNDING = 1e-9  # sums of scores such as 1/3 are not exact: a tie with the null must never count as a proof
_LARGEST_STAKE = 2.0  # keeps every factor within what `running_product` can carry


@dataclass(frozen=True, slots=True)
class Game:
    """What is bet on and how much, against a null that is named later.

    `signal` (..., n): given the past, its mean is the mean of the cases still to come.
    `stakes` (..., n): the bets, before the cap.
    `lowest`: the smallest value the signal can take, () or (..., n).
    `cap`: the share of the wealth that one case may cost at most.
    `slope`, `offset`: () or (..., n); if the overall mean is m, that of the cases still to come is slope m + offset.
    `reach`: the largest slope that the case could have had, () or (..., n): what the cap must allow for, as a stake may
    not depend on the size of the cluster it is bet on. Where all count the same, it is the slope.
    `proven` (..., n): the overall mean is at least this, whatever the remaining cases show; None for traffic.
    """

    signal: FloatArray
    stakes: FloatArray
    lowest: FloatArray
    cap: float
    slope: FloatArray
    reach: FloatArray
    offset: FloatArray
    proven: FloatArray | None

    @property
    def cases(self) -> int:
        """How many cases have been seen."""
        return int(self.signal.shape[-1])

    def first(self, cases: int) -> Game:
        """The same game, stopped after so many cases."""

        def seen(values: FloatArray) -> FloatArray:
            return values[..., :cases] if values.ndim else values

        return replace(
            self,
            signal=seen(self.signal),
            stakes=seen(self.stakes),
            lowest=seen(self.lowest),
            slope=seen(self.slope),
            reach=seen(self.reach),
            offset=seen(self.offset),
            proven=None if self.proven is None else seen(self.proven),
        )

    def terms(self, null: float) -> tuple[FloatArray, FloatArray]:
        """What each case pays for one unit staked, and the most that may be staked on it; () or (..., n)."""
        means = self.slope * null + self.offset
        # Where the null mean is below all that is possible nothing can be lost: only the largest stake binds.
        room = np.maximum(self.reach * null + self.offset - self.lowest, self.cap / _LARGEST_STAKE)
        return self.signal - means, np.asarray(self.cap / room)

    def factors(self, null: float) -> FloatArray:
        """Shape (..., n): what one unit of wealth becomes at each case; it never rises with `null`."""
        surplus, most = self.terms(null)
        return np.maximum(1.0 + np.minimum(self.stakes, most) * surplus, 0.0)

    def e_values(self, null: float) -> FloatArray:
        """Shape (..., n): the e-value against "mean <= null" after each case."""
        values = running_product(self.factors(null))
        return values if self.proven is None else np.where(self.proven > null + _ROUNDING, CERTAIN, values)

    def rejected(self, null: float, threshold: float) -> bool:
        """Whether the evidence against "mean <= null" has ever reached the threshold; one-dimensional games."""
        return bool(self.e_values(null).max() >= threshold)


def predictable_mean(values: FloatArray, prior: float | FloatArray, inertia: float) -> FloatArray:
    """Shape (..., n): the mean of what came *before* each case, begun with `inertia` imagined cases at `prior`."""
    return np.asarray((sums_before(values) + inertia * prior) / (np.arange(values.shape[-1]) + inertia))


def cautious_mean(values: FloatArray, square: float | FloatArray, inertia: float) -> FloatArray:
    """Shape (..., n): the mean of what came before each case, less one standard error, held back by `inertia`.

    `square`: that of one imagined flip, without which nothing would look certain too early.
    """
    error = np.sqrt(sums_before(values * values) + square)
    return np.asarray((sums_before(values) - error) / (np.arange(values.shape[-1]) + inertia))


def sums_before(values: FloatArray) -> FloatArray:
    """Shape (..., n): the sum of what came before each place."""
    before: FloatArray = np.zeros(values.shape)
    np.cumsum(values[..., :-1], axis=-1, out=before[..., 1:])
    return before


def design_stakes(null: FloatArray, target: FloatArray, second_moment: FloatArray) -> FloatArray:
    """The Kelly stake against the mean `null` when the truth is `target`, for differences in {-1, 0, 1}.

    With M = -null and gap g = target + M, setting the derivative of E log(1 + L (D + M)) to zero leaves

        M (1 - M^2) L^2 + (v - 2 M^2 - target M) L - g = 0,        v = E[D^2],

    whose positive root is written as 2 g / (b + sqrt(b^2 + 4 M (1 - M^2) g)), so that M = 0 needs no special case.
    M = margin and target = 0 give TGRO's stake for green; M = 0 and target = -margin, mirrored, give its
    margin / v for red. Where there is no root the growth rises with the stake, which is left to the cap.
    """
    shift = -null
    gap = target + shift
    linear = second_moment - 2.0 * shift * shift - target * shift
    inner = linear * linear + 4.0 * shift * (1.0 - shift * shift) * gap
    below = linear + np.sqrt(np.maximum(inner, 0.0))
    rising = (inner < 0.0) | (below <= 0.0)
    stakes = np.where(rising, _LARGEST_STAKE, 2.0 * gap / np.where(rising, 1.0, below))
    return np.where(gap > 0.0, stakes, 0.0)
