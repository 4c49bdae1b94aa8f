"""Absolute requirements and budgets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evalgate.errors import StatisticsError
from evalgate.stats import CERTAIN, certify_score, first_reach, median_log_ratio, score_evidence, within_budget


def passing(share, cases, seed=0):
    return (np.random.default_rng(seed).random(cases) < share) * 1.0


def test_a_requirement_of_one_is_refuted_by_a_single_failure():
    scores = np.ones(500)
    scores[40] = 0.999
    certificate = certify_score(scores, minimum=1.0, margin=0.02)
    assert (certificate.verdict, certificate.cases) == ("red", 41)
    assert certificate.interval[1] == 0.0


def test_a_requirement_of_one_within_a_margin_takes_the_exact_floor():
    assert certify_score(np.ones(500), minimum=1.0, margin=0.02, cap=1.0).cases == 149
    assert certify_score(np.ones(500), minimum=1.0, margin=0.02).cases == 165


def test_no_sample_proves_a_requirement_of_one_but_the_whole_suite_does():
    assert certify_score(np.ones(5000), minimum=1.0).verdict == "inconclusive"
    assert certify_score(np.ones(499), minimum=1.0, claim="suite", population=500).verdict == "inconclusive"
    assert certify_score(np.ones(500), minimum=1.0, claim="suite", population=500).verdict == "green"


def test_well_above_is_green_and_well_below_is_red():
    assert certify_score(passing(0.99, 1000), minimum=0.95).verdict == "green"
    assert certify_score(passing(0.90, 1000), minimum=0.95).verdict == "red"


def test_exactly_what_is_required_meets_a_suite_requirement():
    scores = np.ones(100)
    scores[10::20] = 0.0
    assert certify_score(scores, minimum=0.95, claim="suite", population=100).verdict == "green"
    scores[99] = 0.0
    assert certify_score(scores, minimum=0.95, claim="suite", population=100).verdict == "red"


@given(arrays.arrays(np.float64, st.integers(1, 200), elements=st.floats(0, 1)), st.floats(0.05, 1.0), st.booleans())
def test_the_interval_stays_in_range_and_agrees_with_the_verdict(scores, minimum, suite):
    design = {"claim": "suite", "population": scores.size + 50} if suite else {}
    certificate = certify_score(scores, minimum=minimum, **design)
    low, high = certificate.interval
    assert -minimum <= low <= 1 - minimum
    assert -minimum <= high <= 1 - minimum
    assert certificate.verdict != "green" or low >= -1e-6
    assert certificate.verdict != "red" or high <= 0


@pytest.mark.parametrize(
    ("minimum", "share", "wrong"), [(0.95, 0.95, "green"), (0.95, 0.95, "red"), (0.6, 0.6, "green"), (0.6, 0.6, "red")]
)
def test_error_rates_at_the_requirement(minimum, share, wrong):
    wrongs = [certify_score(passing(share, 400, seed), minimum=minimum).verdict == wrong for seed in range(250)]
    assert np.mean(wrongs) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 250)


def test_a_budget_is_kept_or_not():
    assert within_budget([10, 16, 15, 0], [10, 10, 10, 0], factor=1.5).tolist() == [1.0, 0.0, 1.0, 1.0]
    assert median_log_ratio([2.0, 4.0, 100.0], [1.0, 2.0, 1.0]) == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    "call",
    [
        lambda: certify_score([], minimum=0.5),
        lambda: certify_score([1.1], minimum=0.5),
        lambda: certify_score([1.0], minimum=0.0),
        lambda: certify_score([1.0], minimum=0.5, margin=0.5),
        lambda: certify_score([1.0], minimum=0.5, claim="suite"),
        lambda: within_budget([1.0], [1.0, 2.0], factor=1.5),
        lambda: within_budget([-1.0], [1.0], factor=1.5),
        lambda: within_budget([1.0], [1.0], factor=0.0),
        lambda: median_log_ratio([0.0], [1.0]),
    ],
)
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(StatisticsError):
        call()


@given(arrays.arrays(np.float64, st.integers(1, 200), elements=st.floats(0, 1)), st.floats(0.05, 1.0), st.booleans())
def test_the_running_evidence_is_what_the_certificate_rests_on(scores, minimum, suite):
    design = {"claim": "suite", "population": scores.size + 50} if suite else {}
    path = score_evidence(scores, minimum=minimum, **design)
    certificate = certify_score(scores, minimum=minimum, **design)
    assert (path.e_green[certificate.cases - 1], path.e_red[certificate.cases - 1]) == (
        certificate.e_green,
        certificate.e_red,
    )


def test_the_first_failure_of_a_requirement_of_one_is_certain():
    scores = np.ones(30)
    scores[12] = 0.0
    assert first_reach(score_evidence(scores, minimum=1.0, margin=0.02).e_red, CERTAIN) == 13
