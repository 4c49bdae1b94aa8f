"""Confidence sequences: they hold at every moment at once, and agree with the certificate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evalgate.errors import StatisticsError
from evalgate.stats import certify, confidence_interval, confidence_sequence


@given(arrays.arrays(np.float64, st.integers(1, 120), elements=st.floats(-1, 1)), st.booleans())
def test_the_sequence_only_ever_narrows_and_stays_in_range(values, suite):
    design = {"claim": "suite", "population": 150} if suite else {}
    lower, upper = confidence_sequence(values, level=0.9, margin=0.05, **design)
    assert lower.shape == upper.shape == values.shape
    assert (np.diff(lower) >= 0).all()
    assert (np.diff(upper) <= 0).all()
    assert lower.min() >= -1
    assert upper.max() <= 1


def test_its_last_pair_is_the_interval_of_the_certificate():
    values = np.random.default_rng(1).choice([-1.0, 0.0, 1.0], p=[0.04, 0.92, 0.04], size=200)
    certificate = certify(values, margin=0.02, level=0.95)
    lower, upper = confidence_sequence(values, level=0.95, margin=0.02)
    assert certificate.verdict == "inconclusive"
    assert (lower[-1], upper[-1]) == pytest.approx(certificate.interval, abs=5e-6)


def test_it_contains_the_truth_at_all_times_at_once():
    random = np.random.default_rng(2)
    missed = 0
    for _ in range(150):
        values = np.where(random.random(300) < 0.06, -1.0, np.where(random.random(300) < 0.03, 1.0, 0.0))
        truth = -0.06 + 0.94 * 0.03
        lower, upper = confidence_sequence(values, level=0.9, margin=0.05)
        missed += bool((lower > truth).any() or (upper < truth).any())
    assert missed / 150 <= 0.1 + 3 * np.sqrt(0.09 / 150)


def test_a_suite_that_was_seen_whole_is_known_exactly():
    values = np.random.default_rng(3).choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=250)
    lower, upper = confidence_sequence(values, level=0.95, margin=0.02, claim="suite", population=250)
    assert (lower[-1], upper[-1]) == pytest.approx((values.mean(), values.mean()), abs=5e-6)


def test_the_interval_narrows_to_the_scale_of_the_margin():
    values = np.random.default_rng(4).choice([-1.0, 0.0, 1.0], p=[0.02, 0.96, 0.02], size=2000)
    lower, upper = confidence_sequence(values, level=0.95, margin=0.02)
    assert upper[-1] - lower[-1] < 0.04


def test_a_level_outside_zero_and_one_is_refused():
    with pytest.raises(StatisticsError, match="level"):
        confidence_sequence([0.0], level=95)


def test_the_interval_is_the_last_pair_of_the_sequence() -> None:
    differences = np.random.default_rng(4).choice([-1.0, 0.0, 1.0], 150, p=[0.1, 0.85, 0.05])

    lower, upper = confidence_sequence(differences, level=0.9, margin=0.05)

    assert confidence_interval(differences, level=0.9, margin=0.05) == (lower[-1], upper[-1])
