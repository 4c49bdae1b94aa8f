"""Plans agree with what runs then do, and with the limits of the theory."""

from __future__ import annotations

import time

import numpy as np
import pytest

from evalgate.errors import StatisticsError
from evalgate.stats import (
    case_limit,
    cases_needed,
    certify,
    evidence_path,
    floor_cases,
    growth_limit,
    minimum_further_cases,
    score_test_cases,
    smallest_margin,
)
from evalgate.stats.simulation import draw_differences


@pytest.mark.parametrize(
    ("flip_rate", "margin", "limit"), [(0.02, 0.02, 347), (0.05, 0.02, 705), (0.10, 0.03, 609), (0.20, 0.05, 432)]
)
def test_the_limits_are_the_published_ones(flip_rate, margin, limit):
    assert round(case_limit(margin, flip_rate)) == limit


def test_growth_is_the_maximum_over_all_stakes():
    stakes = np.linspace(0, 0.999 / 0.95, 100_000)
    for flip_rate in (0.01, 0.1, 0.6):
        grown = flip_rate / 2 * (np.log1p(stakes * 1.05) + np.log1p(-stakes * 0.95)) + (1 - flip_rate) * np.log1p(
            stakes * 0.05
        )
        assert growth_limit(0.05, flip_rate) == pytest.approx(grown.max(), rel=1e-6)


@pytest.mark.parametrize(("cap", "cases"), [(1.0, 149), (0.9, 165)])
def test_the_exact_floor(cap, cases):
    assert floor_cases(0.02, cap=cap) == cases


def test_a_plan_foretells_the_cases_of_a_run():
    rows = draw_differences(np.random.default_rng(1), 200, 3000, 0.05)
    asked = np.array([certify(row, margin=0.03, batch=10).asked for row in rows])
    plan = cases_needed(0.03, 0.05)
    assert plan.mean == pytest.approx(asked.mean(), rel=0.15)
    assert plan.p90 == pytest.approx(np.quantile(asked, 0.9), rel=0.25)
    assert plan.green + plan.red + plan.inconclusive == pytest.approx(1.0)
    assert plan.green > 0.93


def test_a_budget_ends_a_run_and_a_suite_ends_by_itself():
    short = cases_needed(0.02, 0.05, max_cases=300)
    assert short.p90 == 300
    assert short.inconclusive > 0.8
    suite = cases_needed(0.02, 0.05, claim="suite", population=500)
    assert suite.p90 <= 500
    assert suite.inconclusive == 0.0


def test_a_bad_variant_is_found_out_and_a_broken_one_at_once():
    assert cases_needed(0.02, 0.05, difference=-0.02).red > 0.9
    assert cases_needed(0.02, 0.5, difference=-0.5).mean < 30


def test_identical_answers_take_the_floor_of_the_default_stakes():
    plan = cases_needed(0.02, 0.0, batch=1)
    assert (plan.mean, plan.p90, plan.green) == (196, 196, 1.0)


def test_large_problems_are_scaled_without_being_bent():
    limits = [cases_needed(margin, 0.1).mean / case_limit(margin, 0.1) for margin in (0.02, 0.01, 0.002)]
    assert limits == pytest.approx([1.1] * 3, abs=0.1)


def test_the_smallest_margin_is_what_the_cases_can_certify():
    margin = smallest_margin(600, 0.05)
    assert cases_needed(margin, 0.05, max_cases=600, batch=1).green == pytest.approx(0.9, abs=0.06)
    assert smallest_margin(1200, 0.05) < margin < smallest_margin(300, 0.05)
    assert smallest_margin(600, 0.0) < margin
    assert smallest_margin(600, 0.05, claim="suite", population=600) < margin


def test_too_few_cases_certify_no_margin():
    assert smallest_margin(1, 0.1) == 1.0


def test_plans_are_the_same_every_time_and_quick():
    assert cases_needed(0.02, 0.05) == cases_needed(0.02, 0.05)
    for call in (
        lambda: cases_needed(0.02, 0.05),
        lambda: cases_needed(0.005, 0.3),
        lambda: cases_needed(0.02, 0.05, claim="suite", population=1000),
        lambda: smallest_margin(1000, 0.05),
        lambda: smallest_margin(20_000, 0.05),
    ):
        started = time.process_time()
        call()
        assert time.process_time() - started < 1.0  # 0.3 s where nothing else runs


@pytest.mark.parametrize(
    "call",
    [
        lambda: cases_needed(0.0, 0.1),
        lambda: cases_needed(0.02, 0.01, difference=-0.02),
        lambda: cases_needed(0.02, 1.5),
        lambda: cases_needed(0.02, 0.1, max_cases=0),
        lambda: cases_needed(0.02, 0.1, claim="suite"),
        lambda: smallest_margin(0, 0.1),
        lambda: smallest_margin(100, 0.1, chance=1.0),
        lambda: smallest_margin(100, 0.1, claim="suite", population=50),
        lambda: case_limit(0.02, 0.05, alpha=0.6, beta=0.5),
        lambda: floor_cases(0.02, cap=0.0),
    ],
)
def test_what_cannot_be_planned_is_refused(call):
    with pytest.raises(StatisticsError):
        call()


@pytest.mark.parametrize("margin", [1e-160, 1e-9, 9.9e-6, 5e-324])
@pytest.mark.parametrize(
    "call",
    [
        lambda margin: cases_needed(margin, 0.05, max_cases=60),
        lambda margin: minimum_further_cases([], margin=margin),
        lambda margin: certify([0.0], margin=margin),
        lambda margin: case_limit(margin, 0.05),
        floor_cases,
        lambda margin: score_test_cases(margin, 0.05),
    ],
)
def test_a_margin_too_small_for_any_proof_is_refused_and_told_the_smallest(margin, call):
    with pytest.raises(StatisticsError, match=r"margin: .* is below 1e-05"):
        call(margin)


def test_the_smallest_margin_has_an_exact_floor_in_a_moment():
    started = time.process_time()
    floor = minimum_further_cases([], margin=1e-5).green
    assert time.process_time() - started < 1.0
    path = evidence_path(np.zeros(floor), margin=1e-5).e_green
    assert path[-2] < 20 <= path[-1]
    assert minimum_further_cases([], margin=1e-5, threshold_green=4000).green > floor_cases(1e-5, alpha=1 / 4000)
    assert cases_needed(1e-5, 0.0).mean == pytest.approx(floor, rel=0.01)


def test_what_lies_beyond_all_counting_is_a_lower_bound():
    assert minimum_further_cases([], margin=1e-5, threshold_green=1e9).green == 1 << 20
    assert minimum_further_cases([], margin=1e-5, claim="suite", population=60).green == 60
    assert minimum_further_cases([], margin=1e-5, claim="suite", population=10**8).green <= 1 << 20


def test_no_plan_promises_a_margin_below_the_smallest():
    assert smallest_margin(10**7, 0.0) == 1e-5
    assert smallest_margin(10**6, 0.0, claim="suite", population=10**9) >= 1e-5
