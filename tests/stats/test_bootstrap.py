"""BCa intervals, for display."""

from __future__ import annotations

import numpy as np
import pytest

from evalgate.errors import StatisticsError
from evalgate.stats import bca_interval

SKEWED = np.random.default_rng(1).exponential(size=60)


# Efron & Tibshirani 1993, table 14.1: the test A scores of 26 children; their table 14.2 has the BCa interval
SPATIAL = (48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41)


def test_the_published_interval_of_a_variance():
    """Their 90 % interval of the plug-in variance, from 2,000 resamples: (115.8, 259.6)."""
    found = bca_interval(SPATIAL, statistic=lambda values: np.var(values, axis=-1), level=0.9, resamples=9999)
    assert found == pytest.approx((115.8, 259.6), rel=0.02)


def test_the_interval_of_a_mean_is_drawn_towards_the_long_tail():
    low, high = bca_interval(SKEWED, resamples=9999)
    assert high - SKEWED.mean() > SKEWED.mean() - low > 0


def test_the_same_seed_gives_the_same_interval():
    assert bca_interval(SKEWED, seed=3) == bca_interval(SKEWED, seed=3) != bca_interval(SKEWED, seed=4)


def test_values_that_all_agree_are_their_own_interval():
    assert bca_interval([2.5] * 20) == (2.5, 2.5)


@pytest.mark.parametrize(
    "call",
    [lambda: bca_interval([1.0]), lambda: bca_interval([1.0, np.nan]), lambda: bca_interval([1.0, 2.0], level=2)],
)
def test_what_has_no_interval_is_refused(call):
    with pytest.raises(StatisticsError):
        call()
