"""`claim: suite`: a finite suite, without replacement, with control variate and fragile strata."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evalgate.errors import StatisticsError
from evalgate.stats import certify, evidence_path, fragile_first, random_order

suites = arrays.arrays(np.float64, st.integers(2, 200), elements=st.sampled_from([-1.0, 0.0, 0.0, 0.0, 1.0]))


@given(suites, st.sampled_from([0.01, 0.02, 0.07, 0.1, 0.3]))
def test_a_suite_that_was_seen_whole_is_always_resolved_and_never_wrongly_green(values, margin):
    path = evidence_path(values, margin=margin, claim="suite", population=values.size)
    total = round(values.sum())
    assert (path.e_green[-1] > 1e300) == (total > -margin * values.size + 1e-7)
    assert (path.e_red[-1] > 1e300) == (total < 0)
    assert certify(values, margin=margin, claim="suite", population=values.size).verdict != "inconclusive"


def test_a_tie_with_the_margin_is_not_green():
    for size, margin in ((100, 0.07), (200, 0.035), (1000, 0.003)):
        values = np.zeros(size)
        values[: round(size * margin)] = -1.0
        path = evidence_path(values, margin=margin, claim="suite", population=size)
        assert path.e_green[-1] < 20 < path.e_red[-1]


@given(suites, st.integers(0, 300))
def test_what_is_certain_stays_certain(values, unseen):
    path = evidence_path(values, margin=0.1, claim="suite", population=values.size + unseen)
    certain = path.e_green > 1e300
    assert (np.diff(certain.astype(int)) >= 0).all()
    if certain.any():
        first = int(np.argmax(certain)) + 1
        worst_case = values[:first].sum() - (values.size + unseen - first)
        assert worst_case > -0.1 * (values.size + unseen)


def test_a_large_suite_is_like_traffic():
    values = np.random.default_rng(1).choice([-1.0, 0.0, 1.0], p=[0.03, 0.94, 0.03], size=500)
    traffic = evidence_path(values, margin=0.03).e_green
    suite = evidence_path(values, margin=0.03, claim="suite", population=10**9).e_green
    np.testing.assert_allclose(suite, traffic, rtol=1e-3)


def test_a_suite_needs_fewer_cases_than_traffic():
    values = np.random.default_rng(2).choice([-1.0, 0.0, 1.0], p=[0.02, 0.96, 0.02], size=800)
    assert certify(values, margin=0.03, claim="suite", population=800).cases < certify(values, margin=0.03).cases


def test_what_is_still_possible_is_narrowed_by_the_baseline():
    """Where the baseline failed there is nothing left to lose, so the suite is settled sooner."""
    baseline = np.concatenate([np.ones(100), np.zeros(100)])
    values = np.zeros(200)
    values[:100:25] = -1.0
    plain = evidence_path(values, margin=0.05, claim="suite", population=200)
    known = evidence_path(values, margin=0.05, claim="suite", population=200, baseline=baseline)
    assert np.argmax(known.e_green > 1e300) < np.argmax(plain.e_green > 1e300)


def test_a_difference_that_the_baseline_makes_impossible_is_refused():
    with pytest.raises(StatisticsError, match=r"differences\[1\]: impossible beside baseline\[1\] = 0"):
        certify([0.0, -1.0], margin=0.1, claim="suite", population=3, baseline=[1.0, 0.0, 1.0])


@pytest.mark.parametrize("with_baseline", [False, True])
def test_the_estimate_is_unbiased_under_weights_and_control(with_baseline):
    random = np.random.default_rng(3)
    strata = (np.arange(300) < 60).astype(int)
    baseline = (random.random(300) < np.where(strata == 1, 0.5, 0.95)) * 1.0
    variant = np.where(random.random(300) < np.where(strata == 1, 0.4, 0.02), 1 - baseline, baseline)
    values = variant - baseline
    estimates = []
    for seed in range(300):
        order = fragile_first(strata, {0: 1.0, 1: 4.0}, seed=seed)
        asked = values[order.order][:100]
        known = {"baseline": baseline[order.order]} if with_baseline else {}
        certificate = certify(
            asked, margin=0.3, alpha=1e-9, beta=1e-9, claim="suite", population=300, sampling=order, **known
        )
        estimates.append(certificate.delta)
    error = np.std(estimates) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates) - values.mean()) < 4 * error


def test_the_random_order_is_a_permutation_fixed_by_its_seed():
    assert sorted(random_order(50, seed=1)) == list(range(50))
    assert random_order(10, seed=7).tolist() == [6, 3, 4, 9, 0, 2, 8, 7, 5, 1]
    assert (random_order(50, seed=1) != random_order(50, seed=2)).any()


def test_fragile_cases_come_first_with_weights_that_average_to_one():
    strata = (np.arange(1000) < 200).astype(int)
    order = fragile_first(strata, {0: 1.0, 1: 4.0}, seed=5)
    assert sorted(order.order) == list(range(1000))
    early = strata[order.order][:200]
    assert 0.4 < early.mean() < 0.6  # half of the draws, from a fifth of the cases
    assert set(np.round(order.importance[:1], 6)) <= {0.4, 1.6}
    assert (order.importance <= order.largest_importance).all()
    assert order.importance[-1] == order.largest_importance[-1] == 1.0


def test_equal_attention_is_plain_sampling():
    order = fragile_first([0, 1, 2, 0, 1, 2, 0], {0: 2.0, 1: 2.0, 2: 2.0}, seed=0)
    np.testing.assert_allclose(order.importance, 1.0)


@pytest.mark.parametrize(
    ("strata", "attention"), [([0, 1], {0: 1.0}), ([0, 1], {0: 1.0, 1: 0.0}), ([], {}), ([0.5], {0: 1.0})]
)
def test_strata_without_a_positive_attention_are_refused(strata, attention):
    with pytest.raises(StatisticsError):
        fragile_first(strata, attention, seed=0)
