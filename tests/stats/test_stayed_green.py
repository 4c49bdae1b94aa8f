"""Stayed green: no alarm more often than promised, a drop found in time, and a state that survives anything."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.errors import StatisticsError
from evalgate.stats import (
    GreenState,
    StayedGreen,
    average_run_length,
    best_schedule,
    certify,
    detection_delay,
    share_run_length,
    suite_control,
)
from evalgate.stats.watch_simulation import ManyWatches, draw_days

VALUES = np.array([-1.0, 0.0, 1.0])
RUNS = 600
DIFFERENCES = st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), min_size=1, max_size=30)


def days_of(random, days, cases, flip_rate, difference=0.0):
    for counts in draw_days(random, days, cases, flip_rate, difference):
        yield random.permutation(np.repeat(VALUES, counts.astype(int)))


def false_alarms(flip_rate, cases, *, days, run_length, certified=200, margin=0.02, difference=0.0):
    """The share of watches that cry wolf within so many days after a certification that was drawn alike."""
    random = np.random.default_rng(11)
    watch = ManyWatches(
        StayedGreen(run_length=run_length, margin=margin),
        VALUES,
        certified=draw_days(random, RUNS, certified, flip_rate, difference),
    )
    quiet = np.ones(RUNS, dtype=bool)
    for _ in range(days):
        watch.day(draw_days(random, RUNS, cases, flip_rate, difference))
        quiet &= watch.evidence < run_length
    return 1.0 - quiet.mean()


@pytest.mark.parametrize("flip_rate", [0.0, 0.02, 0.1, 0.4])
@pytest.mark.parametrize("cases", [1, 50])
def test_false_withdrawals_are_as_rare_as_promised(flip_rate, cases):
    allowed = 50 / 100
    assert false_alarms(flip_rate, cases, days=50, run_length=100) <= allowed + 3 * np.sqrt(allowed / RUNS)


@pytest.mark.parametrize("difference", [-0.02, 0.05])
def test_the_promise_is_about_the_certified_level_wherever_it_lies(difference):
    assert false_alarms(0.08, 50, days=50, run_length=100, difference=difference) <= 0.5


def test_at_the_real_run_length_hardly_anybody_is_withdrawn_in_a_hundred_days():
    assert false_alarms(0.05, 50, days=100, run_length=1000) <= 0.1 + 3 * np.sqrt(0.1 / RUNS)


def test_the_bound_would_notice_a_level_taken_for_certain():
    """To watch at the certified mean as if it were the level cries wolf far more often than promised."""
    random = np.random.default_rng(5)
    alarms = 0
    for _ in range(60):
        level = float(next(days_of(random, 1, 100, 0.1)).mean())
        watch = ManyWatches(StayedGreen(run_length=1000), VALUES, level=level)
        peak = 0.0
        for _ in range(100):
            watch.day(draw_days(random, 1, 50, 0.1, 0.0))
            peak = max(peak, float(watch.evidence[0]))
        alarms += peak >= 1000
    assert alarms / 60 > 0.2


@pytest.mark.parametrize(("drop", "expected"), [(0.05, 7.0), (0.10, 3.4)])
def test_delays_at_a_known_level_are_those_of_the_specification(drop, expected):
    """50 cases a day, run length 1000, a level that is known: the days on average that STATISTICS section 5 states."""
    random = np.random.default_rng(3)
    watch = ManyWatches(StayedGreen(), VALUES, level=0.0, runs=RUNS)
    found = np.full(RUNS, 40.0)
    for day in range(1, 40):
        watch.day(draw_days(random, RUNS, 50, drop + 0.01, -drop))
        found = np.where((found == 40) & (watch.evidence >= 1000), day, found)
    assert found.mean() == pytest.approx(expected, rel=0.2)


def test_drops_are_found_in_time_with_a_level_that_is_not_known():
    assert detection_delay(0.05, 0.05, 50, runs=200).median <= 8
    assert detection_delay(0.10, 0.05, 50, runs=200).median <= 4


def test_the_simulation_is_the_detector():
    random = np.random.default_rng(2)
    rules = StayedGreen(margin=0.05)
    certified = np.array([0.0] * 80 + [-1.0] * 3 + [1.0] * 2)
    state = rules.begin(certified)
    watch = ManyWatches(rules, VALUES, certified=np.array([[3.0, 80.0, 2.0]]))
    for today in days_of(random, 15, 20, 0.1, -0.05):
        state = rules.after(state, today)
        watch.day(np.array([[(today == value).sum() for value in VALUES]], dtype=float))
        assert state.evidence == pytest.approx(float(watch.evidence[0]), rel=1e-9)
        assert state.loss_evidence == pytest.approx(float(watch.loss_evidence[0]), rel=1e-9)


def test_a_collapse_is_red_and_a_drop_within_the_margin_is_not():
    rules = StayedGreen(margin=0.1)
    collapsed, slipped = rules.begin([0.0] * 400), rules.begin([0.0] * 400)
    random = np.random.default_rng(4)
    for today in days_of(random, 60, 50, 0.06, -0.05):
        collapsed = rules.after(collapsed, [-1.0] * 20 + [0.0] * 30)
        slipped = rules.after(slipped, today)
    assert rules.verdict(collapsed) == "red"
    assert rules.verdict(slipped) == "unknown"


def test_a_variant_within_the_margin_is_hardly_ever_called_red():
    random = np.random.default_rng(6)
    watch = ManyWatches(StayedGreen(margin=0.05), VALUES, certified=draw_days(random, RUNS, 200, 0.1, -0.05))
    red = np.zeros(RUNS, dtype=bool)
    for _ in range(150):
        watch.day(draw_days(random, RUNS, 50, 0.1, -0.05))
        red |= watch.loss_evidence >= 20
    assert red.mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / RUNS)


def test_an_alarm_lasts():
    rules = StayedGreen(run_length=10)
    state = rules.after(rules.begin([0.0] * 300), [-1.0] * 10)
    for _ in range(5):
        state = rules.after(state, [1.0] * 50)
    assert rules.verdict(state) != "green"


@settings(max_examples=25, deadline=None)
@given(DIFFERENCES, st.lists(DIFFERENCES, min_size=1, max_size=4))
def test_a_state_survives_json(certified, days):
    rules = StayedGreen()
    state = rules.begin(certified)
    for today in days:
        state = rules.after(state, today)
    assert GreenState.from_json(json.loads(json.dumps(state.as_json()))) == state


@settings(max_examples=25, deadline=None)
@given(DIFFERENCES, DIFFERENCES, st.integers(0, 30))
def test_how_a_day_is_cut_into_batches_changes_nothing(certified, today, place):
    rules = StayedGreen()
    begun = rules.after(rules.begin(certified), [0.0, -1.0])
    whole = rules.after(begun, today)
    parts = [part for part in (today[:place], today[place:]) if part]
    state = begun
    for number, part in enumerate(parts):
        state = rules.after(state, part, same_day=number > 0)
    assert (state.days, state.cases) == (whole.days, whole.cases)
    assert state.evidence == pytest.approx(whole.evidence, rel=1e-9)
    assert state.loss_evidence == pytest.approx(whole.loss_evidence, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(DIFFERENCES, DIFFERENCES, st.randoms(use_true_random=False))
def test_the_order_within_a_day_changes_nothing(certified, today, random):
    rules = StayedGreen()
    begun = rules.begin(certified)
    shuffled = random.sample(today, len(today))
    assert rules.after(begun, shuffled).evidence == pytest.approx(rules.after(begun, today).evidence, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(DIFFERENCES, DIFFERENCES)
def test_a_worse_day_is_never_less_evidence(certified, today):
    rules = StayedGreen()
    begun = rules.begin(certified)
    worse = [max(value - 0.5, -1.0) for value in today]
    assert rules.after(begun, worse).evidence >= rules.after(begun, today).evidence


def test_evidence_stays_finite_whatever_comes():
    rules = StayedGreen()
    state = rules.begin([1.0] * 5000)
    for _ in range(3):
        state = rules.after(state, [-1.0] * 6000)
    assert np.isfinite(state.evidence)
    assert json.loads(json.dumps(state.as_json(), allow_nan=False))


def test_fragile_cases_drawn_more_often_keep_the_promise_and_find_a_drop_sooner():
    """A fifth of the cases carry four fifths of the flips, and are drawn half of the time."""
    random = np.random.default_rng(8)
    values, weights = np.tile(VALUES, 2), np.repeat([0.4, 1.6], 3)

    def share(difference, fair):
        """Probabilities of a fragile or robust case together with its difference."""
        rows = [[(r - difference) / 2, 1 - r, (r + difference) / 2] for r in (0.32, 0.02)]
        drawn = (0.2, 0.8) if fair else (0.5, 0.5)
        return np.concatenate([drawn[n] * np.array(rows[n]) for n in (0, 1)])

    def median_delay(fair):
        watch = ManyWatches(
            StayedGreen(margin=0.05),
            values,
            certified=random.multinomial(400, share(0.0, True), size=300).astype(float),
            weights=None if fair else weights,
        )
        for _ in range(60):
            watch.day(random.multinomial(50, share(0.0, fair), size=300).astype(float))
        assert (watch.evidence >= 1000).mean() <= 0.06 + 3 * np.sqrt(0.06 / 300)
        found = np.full(300, 60.0)
        dropped = share(0.0, fair) + np.array([0.25, -0.25, 0, 0, 0, 0]) * (0.2 if fair else 0.5)
        for day in range(1, 60):
            watch.day(random.multinomial(50, dropped, size=300).astype(float))
            found = np.where((found == 60) & (watch.evidence >= 1000), day, found)
        return np.median(found)

    assert median_delay(fair=False) < median_delay(fair=True)


def test_what_was_known_of_each_case_finds_a_drop_sooner():
    random = np.random.default_rng(9)
    earlier = random.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=600)
    control = suite_control(earlier)
    assert control.mean() == pytest.approx(0.0, abs=1e-12)
    rules = StayedGreen(margin=0.05)

    def days_until_found(known):
        state = rules.begin(earlier)
        for day in range(1, 120):
            drawn = random.integers(0, 600, 50)
            dropped = day > 30
            today = np.where(random.random(50) < 0.06 * dropped, -1.0, earlier[drawn])
            options = {"control": control[drawn], "largest_control": float(abs(control).max())} if known else {}
            state = rules.after(state, today, **options)
            if rules.verdict(state) != "green":
                return day
        return 120

    assert 30 < days_until_found(known=True) < days_until_found(known=False)


@pytest.mark.parametrize(
    "call",
    [
        lambda rules: rules.begin(),
        lambda rules: rules.begin([0.0], level=0.0),
        lambda rules: rules.begin([]),
        lambda rules: rules.begin(level=1.5),
        lambda rules: rules.after(rules.begin([0.0]), []),
        lambda rules: rules.after(rules.begin([0.0]), [float("nan")]),
        lambda rules: rules.after(rules.begin([0.0]), [87.0]),
        lambda rules: rules.after(rules.begin([0.0]), [0.0], weights=[1.0]),
        lambda rules: rules.after(rules.begin([0.0]), [0.0], weights=[2.0], largest_weight=1.5),
        lambda rules: rules.after(rules.begin([0.0]), [0.0], largest_control=1.0),
        lambda rules: StayedGreen(run_length=0.0),
        lambda rules: StayedGreen(margin=0.0),
        lambda rules: share_run_length(1000, {}),
        lambda rules: share_run_length(1000, {"scores": 0.0}),
        lambda rules: best_schedule(0.05, 0.05),
        lambda rules: detection_delay(0.05, 1.5, 50),
    ],
)
def test_wrong_input_is_refused(call):
    with pytest.raises(StatisticsError):
        call(StayedGreen())


@pytest.mark.parametrize(
    "damage",
    [None, [], {}, {"levels": [0.0]}, {"levels": ["x"]}, {"dropped": [[0.0]]}, {"peak": float("nan")}, {"extra": 1}],
)
def test_a_damaged_state_is_refused(damage):
    whole = StayedGreen().begin([0.0] * 10).as_json()
    with pytest.raises(StatisticsError, match="begin anew"):
        GreenState.from_json({**whole, **damage} if isinstance(damage, dict) and damage else damage)


def test_shares_add_up_to_the_run_length():
    each = share_run_length(1000, {"scores": 2, "border": 1, "rates": 1})
    assert each == {"scores": 2000, "border": 4000, "rates": 4000}
    assert sum(1 / length for length in each.values()) == pytest.approx(1 / 1000)


def test_a_schedule_keeps_within_its_budget_and_a_delay_within_its_limit():
    plan = best_schedule(0.1, 0.05, calls_a_month=1500, runs=50)
    assert plan is not None
    assert plan.calls <= 1500
    cheapest = best_schedule(0.1, 0.05, delay=7, runs=50)
    assert cheapest is not None
    assert cheapest.delay.median <= 7
    assert best_schedule(0.1, 0.05, calls_a_month=1, runs=50) is None


def test_the_average_run_length_is_beyond_the_stated_one():
    assert average_run_length(0.05, 20, run_length=50, runs=100) >= 50


def test_a_certificate_and_its_watch_fit_together():
    random = np.random.default_rng(1)
    differences = next(days_of(random, 1, 600, 0.05))
    certificate = certify(differences, margin=0.05)
    assert certificate.verdict == "green"
    rules = StayedGreen(margin=0.05)
    state = rules.begin(differences[: certificate.cases])
    for today in days_of(random, 20, 50, 0.05):
        state = rules.after(state, today)
    assert rules.verdict(state) == "green"
