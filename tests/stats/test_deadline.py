"""Betting to a deadline: more verdicts from the cases there are, and the same promises."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evalgate.errors import StatisticsError
from evalgate.stats import cases_needed, certify, confidence_sequence, evidence_path, minimum_further_cases
from evalgate.stats._deadline import _POLICY, _SHARES, _policy
from evalgate.stats.simulation import GREEN, RED, draw_differences, draw_suites, run_rows

RUNS = 500
BOUND = 0.05 + 3 * np.sqrt(0.05 * 0.95 / RUNS)
THRESHOLDS = (20.0, 20.0)
scores = arrays.arrays(np.float64, st.integers(1, 200), elements=st.floats(-1, 1))


def rate(values, margin, outcome, **design):
    return float((run_rows(values, margin, THRESHOLDS, design)[1] == outcome).mean())


def test_the_table_is_the_policy_of_browne():
    normal = NormalDist()
    inside = _SHARES[:-1].tolist()
    assert _POLICY[:-1] == pytest.approx([normal.pdf(normal.inv_cdf(u)) / u for u in inside], abs=1e-4)
    assert _policy(np.array([0.0, 1e-9, 0.4, 0.45, 1.0, 7.0])) == pytest.approx([4.9483, 4.9483, 0.9659, 0.8819, 0, 0])


@pytest.mark.parametrize(
    ("flip_rate", "margin", "cases", "least"),
    [(0.05, 0.02, 400, 0.40), (0.05, 0.02, 700, 0.61), (0.2, 0.05, 250, 0.44)],
)
def test_more_runs_are_green_by_their_last_case_and_in_fewer_cases(flip_rate, margin, cases, least):
    values = draw_differences(np.random.default_rng(1), 1500, cases, flip_rate)
    plain, known = (run_rows(values, margin, THRESHOLDS, design) for design in ({}, {"deadline": cases}))
    error = np.sqrt(0.25 / 1500)
    assert (known[1] == GREEN).mean() > least - 2 * error
    assert (known[1] == GREEN).mean() > (plain[1] == GREEN).mean() + 0.08
    assert known[0].mean() < plain[0].mean()


def test_a_bad_variant_is_red_more_often_too():
    values = draw_differences(np.random.default_rng(2), 1500, 400, 0.05, -0.02)
    assert rate(values, 0.02, RED, deadline=400) > rate(values, 0.02, RED) + 0.06


@pytest.mark.parametrize(("flip_rate", "margin", "cases"), [(0.02, 0.02, 300), (0.05, 0.02, 400), (0.2, 0.05, 250)])
def test_error_rates_of_traffic(flip_rate, margin, cases):
    random = np.random.default_rng(3)
    bad = draw_differences(random, RUNS, 2 * cases, flip_rate, -margin)
    assert rate(bad, margin, GREEN, deadline=cases) <= BOUND  # and going on after the deadline is the same test
    assert rate(draw_differences(random, RUNS, 2 * cases, flip_rate), margin, RED, deadline=cases) <= BOUND


@pytest.mark.parametrize(("size", "asked", "flips", "margin"), [(200, 200, 10, 0.02), (500, 200, 50, 0.05)])
def test_error_rates_of_suites(size, asked, flips, margin):
    random = np.random.default_rng(4)
    design = {"claim": "suite", "population": size, "deadline": asked}
    for difference, outcome in ((-margin, GREEN), (0.0, RED)):
        values = draw_suites(random, RUNS, size, flips / size, difference)
        assert rate(values[:, :asked], margin, outcome, **design) <= BOUND


def test_a_goal_of_a_family_is_reached_more_often_when_it_is_named():
    values = draw_differences(np.random.default_rng(5), 800, 700, 0.05)
    reached = {}
    for goal in (20.0, 200.0):
        design = {"deadline": 700, "goal": goal}
        reached[goal] = (run_rows(values, 0.02, (200.0, 20.0), design)[1] == GREEN).mean()
    assert reached[200.0] > reached[20.0] + 0.05


def test_raising_the_deadline_with_other_stakes_is_another_test():
    """Whoever moves the deadline whenever it has passed, and computes all stakes anew, looks at one run many times."""
    values = draw_differences(np.random.default_rng(6), 2000, 1600, 0.05, -0.02)
    best = np.zeros(2000)
    for deadline in (200, 300, 400, 600, 800, 1200, 1600):
        design = {"deadline": deadline}
        best = np.maximum(best, (run_rows(values[:, :deadline], 0.02, THRESHOLDS, design)[1] == GREEN) * 1.0)
    assert best.mean() > 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)
    assert rate(values, 0.02, GREEN, deadline=200) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)


@given(scores, st.integers(1, 300), st.integers(0, 199), st.floats(-1, 1))
def test_no_stake_knows_what_comes(values, deadline, place, other):
    place %= values.size
    changed = values.copy()
    changed[place:] = other
    one, two = (evidence_path(each, margin=0.05, deadline=deadline) for each in (values, changed))
    np.testing.assert_array_equal(one.e_green[:place], two.e_green[:place])
    np.testing.assert_array_equal(one.e_red[:place], two.e_red[:place])


@given(scores, st.integers(1, 300), st.integers(0, 199))
def test_one_more_case_is_a_fair_bet_at_the_null(values, deadline, place):
    place %= values.size
    for low, high, null, kind in ((-1.0, 1.0, -0.05, "e_green"), (-1.0, 0.0, -0.05, "e_green"),
                                  (-1.0, 1.0, 0.0, "e_red"), (-0.1, 0.7, 0.0, "e_red")):  # fmt: skip
        chance = (null - low) / (high - low)
        grown = []
        for value in (low, high):
            tried = values[: place + 1].copy()
            tried[place] = value
            path = getattr(evidence_path(tried, margin=0.05, deadline=deadline), kind)
            grown.append(path[-1] / (path[-2] if place else 1.0) if not place or path[-2] > 0 else 1.0)
        assert (1 - chance) * grown[0] + chance * grown[1] <= 1 + 1e-9


def test_far_from_the_deadline_nothing_is_bet_that_kelly_would_not():
    values = np.random.default_rng(7).choice([-1.0, 0.0, 1.0], p=[0.02, 0.96, 0.02], size=50)
    plain, far = (evidence_path(values, margin=0.02, **design) for design in ({}, {"deadline": 10**7}))
    np.testing.assert_array_equal(plain.e_green, far.e_green)


def test_runs_that_are_simulated_together_are_the_runs_alone():
    rows = draw_differences(np.random.default_rng(8), 20, 300, 0.1)
    stop, outcome = run_rows(rows, 0.03, THRESHOLDS, {"deadline": 250})
    for row, at, how in zip(rows, stop, outcome, strict=True):
        certificate = certify(row, margin=0.03, deadline=250)
        assert (certificate.cases, certificate.verdict) == (at, {GREEN: "green", RED: "red", 0: "inconclusive"}[how])


@given(scores, st.floats(0.005, 0.5), st.integers(1, 250))
def test_the_interval_agrees_with_the_verdict(values, margin, deadline):
    certificate = certify(values, margin=margin, deadline=deadline)
    low, high = certificate.interval
    if "something changed" in certificate.note:
        return
    assert low >= -margin if certificate.verdict == "green" else low <= -margin + 4e-6
    assert certificate.verdict != "red" or high <= 0


def test_the_sequence_ends_where_the_certificate_does():
    values = np.random.default_rng(9).choice([-1.0, 0.0, 1.0], p=[0.04, 0.92, 0.04], size=200)
    design = {"deadline": 400, "goal": 40.0, "red_goal": 40.0}
    certificate = certify(values, margin=0.02, level=0.95, **design)
    lower, upper = confidence_sequence(values, level=0.95, margin=0.02, **design)
    assert (lower[-1], upper[-1]) == pytest.approx(certificate.interval, abs=5e-6)


def test_evidence_beyond_all_floats_does_not_stop_the_bets():
    values = np.concatenate([np.ones(6000), -np.ones(9000)])
    path = evidence_path(values, margin=0.5, deadline=40_000, cap=1.0)
    assert np.isfinite(path.e_green).all()


def test_the_least_number_of_cases_knows_the_deadline():
    further = minimum_further_cases([], margin=0.02, deadline=180).green
    assert 149 <= further < 196
    assert certify(np.zeros(180), margin=0.02, deadline=180).cases == further


def test_a_plan_foretells_what_a_deadline_gains():
    rows = draw_differences(np.random.default_rng(10), 400, 400, 0.05)
    green = np.mean([certify(row, margin=0.02, deadline=400).verdict == "green" for row in rows])
    plan = cases_needed(0.02, 0.05, max_cases=400, deadline=400)
    assert plan.green == pytest.approx(green, abs=0.09)
    assert plan.green > cases_needed(0.02, 0.05, max_cases=400).green + 0.08
    long = cases_needed(0.005, 0.05, max_cases=6000, deadline=6000)
    assert long.green > cases_needed(0.005, 0.05, max_cases=6000).green + 0.05


@pytest.mark.parametrize("design", [{"deadline": 0}, {"deadline": 2.5}, {"goal": 1.0}, {"red_goal": np.inf}])
def test_what_is_no_deadline_or_goal_is_refused(design):
    with pytest.raises(StatisticsError):
        evidence_path([0.0], margin=0.02, **design)


def test_one_run_alone_is_staked_as_it_is_among_many() -> None:
    shares = np.concatenate([[0.0, 1e-6, 1e-5, 0.5, 1.0, 1e300], 10.0 ** np.linspace(-8, 1, 5000)])
    alone = [float(_policy(np.asarray(share))) for share in shares]
    assert alone == _policy(shares).tolist()
