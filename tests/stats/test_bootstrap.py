"""BCa intervals, for display: scipy's own are the reference."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from evalgate.errors import StatisticsError
from evalgate.stats import bca_interval

SKEWED = np.random.default_rng(1).exponential(size=60)


def test_it_agrees_with_scipy():
    theirs = bootstrap((SKEWED,), np.mean, n_resamples=9999, rng=np.random.default_rng(2)).confidence_interval
    assert bca_interval(SKEWED, resamples=9999) == pytest.approx((theirs.low, theirs.high), abs=0.03)


def test_other_statistics_can_be_had():
    def spread(values):
        return np.std(values, axis=-1)

    theirs = bootstrap((SKEWED,), np.std, n_resamples=9999, rng=np.random.default_rng(2)).confidence_interval
    assert bca_interval(SKEWED, statistic=spread, resamples=9999) == pytest.approx((theirs.low, theirs.high), abs=0.1)


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
