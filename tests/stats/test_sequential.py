"""The e-processes: the published formulas, and nothing but the past in every stake."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evalgate.errors import StatisticsError
from evalgate.stats import CERTAIN, evidence_path, minimum_further_cases
from evalgate.stats._wealth import running_product

scores = arrays.arrays(np.float64, st.integers(1, 300), elements=st.floats(-1, 1))


def tgro(values, margin, *, flip_rate_green=0.05, flip_rate_red=0.10, inertia=20.0, cap=0.9):
    """STATISTICS.md section 2, case by case, in plain floats; red follows a loss beyond the margin, less one error."""
    green = red = 1.0
    e_green, e_red = [], []
    squares = total = 0.0
    for count, value in enumerate(values):
        psi = (squares + inertia * flip_rate_green) / (count + inertia)
        a, b = margin * (1 - margin**2), psi - 2 * margin**2
        stake = min((-b + sqrt(b * b + 4 * a * margin)) / (2 * a), cap / (1 - margin))
        green *= 1 + stake * (value + margin)
        psi = (squares + inertia * flip_rate_red) / (count + inertia)
        loss = max(margin, (-total - sqrt(squares + 1)) / (count + inertia))
        red *= 1 - min(loss / psi, cap) * value
        e_green.append(green)
        e_red.append(red)
        squares += value * value
        total += value
    return np.array(e_green), np.array(e_red)


@given(scores, st.floats(0.005, 0.3))
def test_the_evidence_is_tgro_as_specified(values, margin):
    path = evidence_path(values, margin=margin, flip_rate_green=0.05, flip_rate_red=0.10, inertia=20.0)
    e_green, e_red = tgro(values, margin)
    np.testing.assert_allclose(path.e_green, e_green, rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(path.e_red, e_red, rtol=1e-9, atol=1e-300)


def test_a_broken_variant_is_red_within_two_dozen_cases():
    assert minimum_further_cases([], margin=0.02).red <= 12
    half_lost = np.random.default_rng(0).choice([-1.0, 0.0], size=(50, 100))
    assert np.mean([np.argmax(evidence_path(row, margin=0.02).max_e_red >= 20) + 1 for row in half_lost]) < 25


def test_at_margin_two_percent_the_default_guess_is_the_specified_one():
    values = np.random.default_rng(1).choice([-1.0, 0.0, 1.0], p=[0.03, 0.94, 0.03], size=500)
    default = evidence_path(values, margin=0.02)
    given_ = evidence_path(values, margin=0.02, flip_rate_green=0.05, flip_rate_red=0.05, inertia=20.0)
    np.testing.assert_array_equal(default.e_green, given_.e_green)
    np.testing.assert_array_equal(default.e_red, given_.e_red)


@given(scores, st.integers(0, 299), st.floats(-1, 1), st.booleans())
def test_evidence_so_far_does_not_know_what_comes(values, place, other, suite):
    design = {"claim": "suite", "population": 400} if suite else {}
    place %= values.size
    changed = values.copy()
    changed[place:] = other
    one, two = evidence_path(values, margin=0.05, **design), evidence_path(changed, margin=0.05, **design)
    np.testing.assert_array_equal(one.e_green[:place], two.e_green[:place])
    np.testing.assert_array_equal(one.e_red[:place], two.e_red[:place])


@given(scores, st.floats(0.005, 0.5), st.integers(0, 299))
def test_one_more_case_is_a_fair_bet_at_the_null(values, margin, place):
    """Ville needs E[factor | past] <= 1 for every distribution with the null as its mean: two-point ones are tried."""
    place %= values.size
    for low, high, null, kind in ((-1.0, 1.0, -margin, "e_green"), (-1.0, 0.0, -margin, "e_green"),
                                  (-1.0, 1.0, 0.0, "e_red"), (-0.1, 0.7, 0.0, "e_red")):  # fmt: skip
        chance = (null - low) / (high - low)
        grown = []
        for value in (low, high):
            tried = values[: place + 1].copy()
            tried[place] = value
            path = getattr(evidence_path(tried, margin=margin), kind)
            grown.append(path[-1] / (path[-2] if place else 1.0) if not place or path[-2] > 0 else 1.0)
        assert (1 - chance) * grown[0] + chance * grown[1] <= 1 + 1e-9


@given(scores)
def test_evidence_is_never_negative_and_never_infinite(values):
    path = evidence_path(values, margin=0.02, cap=1.0)
    for evidence in (path.e_green, path.e_red):
        assert ((evidence >= 0) & (evidence <= CERTAIN)).all()
    assert (np.diff(path.max_e_green) >= 0).all()
    assert np.isfinite(path.log_e_green).all()


def test_ties_count_for_green():
    flips = np.random.default_rng(2).choice([-1.0, 1.0], size=40)
    with_ties = np.zeros(800)
    with_ties[::20] = flips
    assert evidence_path(with_ties, margin=0.05).e_green[-1] > 1000 * evidence_path(flips, margin=0.05).e_green[-1]


def test_products_outlive_the_range_of_floats():
    factors = np.concatenate([np.full(5000, 0.2), np.full(5000, 5.0)])
    np.testing.assert_allclose(running_product(factors)[-1], 1.0, rtol=1e-9)
    assert running_product(np.full(5000, 2.0))[-1] == CERTAIN
    assert running_product(np.full(5000, 0.5))[-1] == 0.0


@given(arrays.arrays(np.float64, st.integers(1, 900), elements=st.floats(0.1, 2.9)))
def test_products_are_the_left_to_right_products_bit_for_bit(factors):
    product, expected = 1.0, []
    for factor in factors:
        product *= factor
        expected.append(product)
    if 1e-300 < min(expected) <= max(expected) < 1e300:
        np.testing.assert_array_equal(running_product(factors), expected)


def test_rows_are_independent_runs():
    rows = np.random.default_rng(3).uniform(0.2, 2.0, (3, 700))
    together = running_product(rows)
    for row, alone in zip(together, rows, strict=True):
        np.testing.assert_array_equal(row, running_product(alone))


def test_further_cases_are_exact_for_a_concordant_future():
    seen = np.random.default_rng(4).choice([-1.0, 0.0, 1.0], p=[0.03, 0.94, 0.03], size=150)
    for threshold in (20.0, 120.0):
        further = minimum_further_cases(seen, margin=0.03, threshold_green=threshold).green
        path = evidence_path(np.concatenate([seen, np.zeros(further)]), margin=0.03).max_e_green
        assert path[-2] < threshold <= path[-1]


def test_further_cases_of_a_fresh_suite():
    fresh = minimum_further_cases([], margin=0.02)
    assert fresh.green == 196
    assert minimum_further_cases([], margin=0.02, threshold_green=400.0).green > 196
    assert minimum_further_cases([], margin=0.02, claim="suite", population=300).green < 196
    assert minimum_further_cases(-np.ones(fresh.red), margin=0.02).red == 0


def test_what_a_suite_can_no_longer_prove_needs_no_further_cases():
    lost = np.concatenate([-np.ones(5), np.zeros(85)])
    further = minimum_further_cases(lost, margin=0.02, claim="suite", population=100)
    assert (further.green, further.red) == (None, 0)


def test_further_cases_refuse_a_threshold_that_is_no_evidence():
    with pytest.raises(StatisticsError, match="threshold_green"):
        minimum_further_cases([0.0], margin=0.02, threshold_green=0.5)
