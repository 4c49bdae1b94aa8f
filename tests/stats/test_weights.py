"""Clusters of unequal size: what is tested is the mean over cases, and no stake knows how large the next cluster is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evalgate.errors import StatisticsError
from evalgate.stats import certify, confidence_sequence, evidence_path, minimum_further_cases
from evalgate.stats.simulation import GREEN, RED, run_rows

THRESHOLDS = (20.0, 20.0)
scores = arrays.arrays(np.float64, st.integers(1, 200), elements=st.floats(-1, 1))


def few_large_clusters(random, runs, units, *, large_lose, small_lose=0.0):
    """A tenth of the clusters is ten times the size of the others: more than half of all cases."""
    large = random.random((runs, units)) < 0.1
    lost = random.random((runs, units)) < np.where(large, large_lose, small_lose)
    return np.where(lost, -1.0, 0.0), np.where(large, 1.0, 0.1)


def suites(random, runs, *, lost_large, lost_small=0, gained_small=0):
    """Suites of 20 large and 180 small clusters in random order: 38 cases' worth, of which the large ones are 20."""
    values, weights = np.zeros(200), np.where(np.arange(200) < 20, 1.0, 0.1)
    values[:lost_large] = -1.0
    values[20 : 20 + lost_small] = -1.0
    values[60 : 60 + gained_small] = 1.0
    order = random.permuted(np.tile(np.arange(200), (runs, 1)), axis=1)
    return values[order], weights[order]


def rate(values, weights, margin, outcome, **design):
    chosen = {"weights": weights, **design}
    return float((run_rows(values, margin, THRESHOLDS, chosen)[1] == outcome).mean())


@given(scores, st.booleans(), st.sampled_from([None, 60]))
def test_equal_clusters_give_the_same_bits_as_none(values, suite, deadline):
    design = {"claim": "suite", "population": 250} if suite else {}
    total = {"total_weight": 250.0} if suite else {}
    plain = certify(values, margin=0.05, deadline=deadline, **design)
    weighted = certify(values, margin=0.05, deadline=deadline, weights=np.ones(values.size), **design, **total)
    assert plain == weighted


def test_a_loss_in_the_large_clusters_is_a_loss_of_cases():
    """Each cluster counted once would say -.03; of the cases a sixth are lost."""
    values, weights = few_large_clusters(np.random.default_rng(1), 1, 2000, large_lose=0.3)
    assert certify(values[0], margin=0.05).verdict == "green"
    certificate = certify(values[0], margin=0.05, weights=weights[0])
    assert certificate.verdict == "red"
    assert certificate.delta == pytest.approx(-0.16, abs=0.12)


@pytest.mark.parametrize("deadline", [None, 600])
@pytest.mark.parametrize(("large_lose", "small_lose"), [(0.05, 0.05), (0.095, 0.0), (0.0, 0.1056)])
def test_a_variant_at_the_border_by_cases_is_rarely_green(large_lose, small_lose, deadline):
    random = np.random.default_rng(2)
    values, weights = few_large_clusters(random, 400, 1200, large_lose=large_lose, small_lose=small_lose)
    assert rate(values, weights, 0.05, GREEN, deadline=deadline) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    if (large_lose, small_lose) == (0.095, 0.0):
        assert (run_rows(values, 0.05, THRESHOLDS, {})[1] == GREEN).mean() > 0.5  # the mean of cluster means


@pytest.mark.parametrize(("large_lose", "small_lose"), [(0.05, -0.05), (-0.05, 0.05)])
def test_a_variant_as_good_by_cases_is_rarely_red(large_lose, small_lose):
    random = np.random.default_rng(3)
    large = random.random((400, 1200)) < 0.1
    lost = random.random((400, 1200)) < np.where(large, 0.045, 0.05)
    sign = np.where(large, np.sign(-large_lose), np.sign(-small_lose))
    assert rate(np.where(lost, sign, 0.0), np.where(large, 1.0, 0.1), 0.05, RED) <= 0.05 + 3 * np.sqrt(0.0475 / 400)


@pytest.mark.parametrize("deadline", [None, 100])
def test_error_rates_of_finite_suites(deadline):
    random = np.random.default_rng(4)
    design = {"claim": "suite", "population": 200, "total_weight": 38.0, "deadline": deadline}
    bound = 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    for border in ({"lost_large": 2}, {"lost_large": 0, "lost_small": 20}, {"lost_large": 3, "gained_small": 10}):
        values, weights = suites(random, 400, **border)
        assert rate(values, weights, 2.0 / 38.0, GREEN, **design) <= bound
    for equal in ({"lost_large": 1, "gained_small": 10}, {"lost_large": 3, "gained_small": 30}):
        values, weights = suites(random, 400, **equal)
        assert rate(values, weights, 2.0 / 38.0, RED, **design) <= bound


def test_a_suite_that_was_seen_whole_is_always_resolved():
    random = np.random.default_rng(5)
    for lost_large, lost_small, margin in ((0, 19, 0.05), (1, 8, 0.05), (2, 0, 0.05), (1, 9, 0.04)):
        values, weights = suites(random, 1, lost_large=lost_large, lost_small=lost_small)
        path = evidence_path(
            values[0], margin=margin, claim="suite", population=200, weights=weights[0], total_weight=38.0
        )
        assert (path.e_green[-1] > 1e300) == (lost_large + lost_small / 10 < margin * 38.0 - 1e-6)
        assert (path.e_red[-1] > 1e300) == (lost_large + lost_small > 0)
        design = {"claim": "suite", "population": 200, "weights": weights[0], "total_weight": 38.0}
        certificate = certify(values[0], margin=margin, level=0.95, **design, red_is_final=False)
        if certificate.cases == 200:
            assert certificate.delta == pytest.approx(-(lost_large + lost_small / 10) / 38.0)
        lower, upper = confidence_sequence(values[0], margin=margin, **design)
        assert (lower[-1], upper[-1]) == pytest.approx([-(lost_large + lost_small / 10) / 38.0] * 2, abs=5e-6)


@given(scores, st.data())
def test_one_more_cluster_is_a_fair_bet_at_the_null_whatever_size_goes_with_what_loss(values, data):
    """Traffic: size and difference are drawn together, from any four-point distribution with E[w (D - m)] = 0."""
    weights = data.draw(arrays.arrays(np.float64, values.size, elements=st.floats(0.05, 1)))
    place = values.size - 1
    small = data.draw(st.floats(0.05, 1))
    for null, kind in ((-0.05, "e_green"), (0.0, "e_red")):
        # large clusters lose, small ones gain, or the other way round, in the proportion that makes the null true
        for low, high, w_low, w_high in ((-1.0, 1.0, 1.0, small), (-1.0, 1.0, small, 1.0), (-1.0, null, 1.0, small)):
            down, up = w_low * (null - low), w_high * (high - null)
            chance = down / (down + up) if down + up else 0.5
            grown = []
            for value, weight in ((low, w_low), (high, w_high)):
                tried, sizes = values.copy(), weights.copy()
                tried[place], sizes[place] = value, weight
                path = getattr(evidence_path(tried, margin=0.05, weights=sizes), kind)
                grown.append(path[-1] / (path[-2] if place else 1.0) if not place or path[-2] > 0 else 1.0)
            assert (1 - chance) * grown[0] + chance * grown[1] <= 1 + 1e-9


@given(scores, st.data())
def test_evidence_so_far_knows_neither_sizes_nor_scores_to_come(values, data):
    weights = data.draw(arrays.arrays(np.float64, values.size, elements=st.floats(0.05, 1)))
    place = data.draw(st.integers(0, values.size - 1))
    other, sizes = values.copy(), weights.copy()
    other[place:], sizes[place:] = 1.0, 0.5
    one = evidence_path(values, margin=0.05, weights=weights, deadline=90)
    two = evidence_path(other, margin=0.05, weights=sizes, deadline=90)
    np.testing.assert_array_equal(one.e_green[:place], two.e_green[:place])
    longer = evidence_path(values, margin=0.05, weights=np.concatenate([weights, [0.3, 1.0]]), deadline=90)
    np.testing.assert_array_equal(one.e_green, longer.e_green)


@given(scores, st.data(), st.booleans())
def test_the_interval_agrees_with_the_verdict(values, data, suite):
    weights = data.draw(arrays.arrays(np.float64, values.size, elements=st.floats(0.05, 1)))
    known = {"claim": "suite", "population": values.size + 30, "total_weight": weights.sum() + 12} if suite else {}
    certificate = certify(values, margin=0.1, alpha=0.2, beta=0.2, weights=weights, **known)
    low, high = certificate.interval
    if "something changed" in certificate.note:
        return
    assert low >= -0.1 if certificate.verdict == "green" else low <= -0.1 + 4e-6
    assert certificate.verdict != "red" or high <= 0


def test_the_interval_holds_the_mean_over_cases():
    random = np.random.default_rng(6)
    missed = 0
    for _ in range(150):
        values, weights = few_large_clusters(random, 1, 400, large_lose=0.3, small_lose=0.02)
        lower, upper = confidence_sequence(values[0], level=0.9, margin=0.1, weights=weights[0])
        truth = -(0.3 * 0.1 + 0.02 * 0.9 * 0.1) / 0.19
        missed += bool((lower > truth).any() or (upper < truth).any())
    assert missed / 150 <= 0.1 + 3 * np.sqrt(0.09 / 150)


def test_further_units_weigh_what_is_known_of_them():
    known = np.concatenate([np.full(100, 0.5), np.ones(900)])
    large = minimum_further_cases(np.zeros(100), margin=0.02, weights=known).green
    assert large == minimum_further_cases(np.zeros(100), margin=0.02, weights=known[:100]).green
    small = minimum_further_cases(np.zeros(100), margin=0.02, weights=np.full(4000, 0.5)).green
    assert large < small
    suite = {"claim": "suite", "population": 300, "total_weight": 150.0}
    assert minimum_further_cases(np.zeros(100), margin=0.02, weights=known[:100], **suite).green < small


@pytest.mark.parametrize(
    ("design", "said"),
    [
        ({"weights": [1.0]}, "one for each of 2"),
        ({"weights": [1.0, 0.0]}, r"weights\[1\]: outside"),
        ({"weights": [1.0, 4.0]}, "divide sizes by the largest"),
        ({"weights": [1.0, np.nan]}, r"weights\[1\]"),
        ({"total_weight": 2.0}, "total_weight"),
        ({"weights": [1.0, 1.0], "total_weight": 2.0}, "needs claim='suite'"),
        ({"weights": [1.0, 1.0], "claim": "suite", "population": 3}, "needs the sum"),
        ({"weights": [1.0, 1.0], "claim": "suite", "population": 3, "total_weight": 1.5}, "total_weight"),
        ({"weights": [1.0, 1.0], "claim": "suite", "population": 3, "total_weight": 3.5}, "total_weight"),
        (
            {"weights": [1.0, 1.0], "claim": "suite", "population": 2, "total_weight": 2.0, "baseline": [1.0, 1.0]},
            "cannot be combined",
        ),
    ],
)
def test_weights_that_make_no_sense_are_refused(design, said):
    with pytest.raises(StatisticsError, match=said):
        certify([0.0, 0.0], margin=0.02, **design)
