"""What is known of a finite suite: how the null moves as cases are seen, and what the baseline's scores foretell."""

from __future__ import annotations

import numpy as np

from evalgate.stats._game import predictable_mean, sums_before
from evalgate.stats._input import FloatArray


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
    centre = (sums_after(baseline) + baseline)[:cases] / remaining
    spread = baseline[:cases] - centre
    covariance = predictable_mean(differences * spread, 0.0, inertia)
    variance = predictable_mean(spread * spread, 0.25, inertia)
    low, high = (-1.0, 0.0) if sign > 0 else (0.0, 1.0)
    slope = np.clip(covariance / variance, low, high)
    return slope * spread, slope, centre


def moving_null(values: FloatArray, population: int) -> tuple[FloatArray, FloatArray]:
    """Slope (n,) and offset (..., n) of the mean of the cases still to come, as a function of the overall mean."""
    remaining = population - np.arange(values.shape[-1])
    return np.asarray(population / remaining), -sums_before(values) / remaining


def sums_after(values: FloatArray) -> FloatArray:
    """Shape (N,): the sum of all values after each place."""
    backwards = np.cumsum(values[::-1])[::-1]
    after: FloatArray = np.zeros(values.shape)
    after[:-1] = backwards[1:]
    return after
