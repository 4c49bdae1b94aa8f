"""The family of an operation: closed testing in rounds, latecomers, and members that are not judged now."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import StatisticsError
from evalgate.stats import (
    RESERVE,
    arrival_weight,
    closed_sequential,
    evidence_path,
    first_reach,
    holm_sequential,
    reserve_left,
)
from evalgate.stats.simulation import draw_differences, draw_suites

e_values = st.one_of(st.floats(0, 200), st.sampled_from([0.0, 1.0, 20.0, 40.0]))
paths = st.lists(st.lists(e_values, min_size=1, max_size=8), min_size=1, max_size=5)
shares = st.lists(st.sampled_from([1.0, 1.0, 0.05, 0.02]), min_size=5, max_size=5)


def rejected(members, alpha):
    """Whether the weighted mean of these (weight, e-value) reaches 1 / alpha: the first batch shares nine tenths."""
    first = [e for weight, e in members if weight == 1.0]
    late = [(weight, e) for weight, e in members if weight < 1.0]
    parts = [(0.9, sum(first) / len(first))] if first else []
    return sum(w * (e - 1 / alpha) for w, e in [*parts, *late]) >= 0


def closure(rows, weights, absent, alpha):
    """Closed testing by the book: every intersection is tried in every round, and stays rejected once it was."""
    decided, gone = [None] * len(rows), set()
    count = len(rows) + len(absent)
    sets = [s for size in range(1, count + 1) for s in combinations(range(count), size)]
    for at in range(max(len(row) for row in rows)):
        members = [*zip(weights, [row[min(at, len(row) - 1)] for row in rows], strict=True), *absent]
        gone |= {s for s in sets if s not in gone and rejected([members[i] for i in s], alpha)}
        for i in range(len(rows)):
            if decided[i] is None and all(s in gone for s in sets if i in s):
                decided[i] = at + 1
    return decided


@given(paths, shares, st.lists(st.tuples(st.sampled_from([1.0, 0.03]), e_values), max_size=2))
def test_in_a_single_round_it_is_closed_testing(rows, weights, absent):
    weights = weights[: len(rows)]
    rows = [np.round(row[:1], 2) + 0.00031 for row in rows]  # no ties: rounding could break them
    absent = [(weight, round(e, 2)) for weight, e in absent]
    outcome = closed_sequential(rows, 0.05, weights=weights, absent=absent)
    assert list(outcome.decided_at) == closure([row.tolist() for row in rows], weights, absent, 0.05)


@given(paths, shares, st.lists(st.tuples(st.sampled_from([1.0, 0.03]), e_values), max_size=2))
def test_in_many_rounds_nobody_is_green_whom_closed_testing_would_not_prove(rows, weights, absent):
    """It may be later: an intersection that was rejected in passing is forgotten, unless it proved somebody."""
    weights = weights[: len(rows)]
    rows = [np.round(row, 2) + 0.00031 for row in rows]
    absent = [(weight, round(e, 2)) for weight, e in absent]
    outcome = closed_sequential(rows, 0.05, weights=weights, absent=absent)
    by_the_book = closure([row.tolist() for row in rows], weights, absent, 0.05)
    for ours, most in zip(outcome.decided_at, by_the_book, strict=True):
        assert ours is None or (most is not None and most <= ours)


@given(paths, shares, st.randoms(use_true_random=False))
def test_it_does_not_matter_in_which_order_variants_are_listed(rows, weights, random):
    shuffled = list(range(len(rows)))
    random.shuffle(shuffled)
    one = closed_sequential([np.array(row) for row in rows], weights=weights[: len(rows)])
    other = closed_sequential([np.array(rows[i]) for i in shuffled], weights=[weights[i] for i in shuffled])
    assert tuple(one.decided_at[i] for i in shuffled) == other.decided_at
    assert [one.thresholds[i] for i in shuffled] == pytest.approx(other.thresholds)


@given(paths)
def test_whoever_holm_proves_on_current_e_values_is_proven_at_least_as_soon(rows):
    rows = [np.maximum.accumulate(row) for row in rows]
    closed, holm = closed_sequential(rows).decided_at, holm_sequential(rows).decided_at
    for ours, theirs in zip(closed, holm, strict=True):
        assert theirs is None or (ours is not None and ours <= theirs)


@given(paths, st.integers(1, 8))
def test_the_outcome_so_far_does_not_know_what_comes(rows, at):
    whole = closed_sequential([np.array(row) for row in rows]).decided_at
    short = closed_sequential([np.array(row[:at]) for row in rows]).decided_at
    assert [w if w is not None and w <= at else None for w in whole] == list(short)


def test_one_alone_is_asked_for_one_over_alpha_and_bad_company_makes_it_more():
    path = np.array([10.0, 25.0])
    assert closed_sequential([path]).decided_at == (2,)
    assert closed_sequential([path, np.array([1.0])]).thresholds == (39.0, 20.0)
    assert closed_sequential([path, np.array([15.0])]).decided_at == (2, None)


def test_one_that_is_proven_stands_in_nobodys_way():
    outcome = closed_sequential([np.array([10.0, 70.0, 0.0]), np.array([19.0, 22.0, 22.0])])
    assert outcome.decided_at == (2, 2)
    outcome = closed_sequential([np.array([70.0, 0.0]), np.array([0.0, 21.0])])
    assert outcome.decided_at == (1, 2)


def test_who_was_taken_off_the_list_still_counts():
    path = np.array([30.0])
    assert closed_sequential([path]).decided_at == (1,)
    assert closed_sequential([path], absent=[(1.0, 0.2)]).decided_at == (None,)
    assert closed_sequential([path], absent=[(1.0, 12.0)]).decided_at == (1,)


def test_a_latecomer_is_asked_for_its_share_however_many_are_red_and_for_little_where_all_are_green():
    late = [np.array([1.0])]
    asked = [
        closed_sequential(late, weights=[arrival_weight(1)], absent=[*others, (reserve_left(1), 1.0)]).thresholds[0]
        for others in ([(1.0, 0.0)], [(1.0, 0.0)] * 30, [(1.0, 25.0)] * 3)
    ]
    assert asked == pytest.approx([20 + 0.9 * 20 / 0.05 + 19, 20 + 0.9 * 20 / 0.05 + 19, 20 + 19])


def test_a_level_of_its_own_scales_the_evidence():
    assert closed_sequential([np.array([30.0])], scale=[0.5]).decided_at == (None,)
    assert closed_sequential([np.array([30.0])], scale=[0.5]).thresholds == (40.0,)
    assert closed_sequential([np.array([40.0])], scale=[0.5]).decided_at == (1,)


@given(st.integers(0, 50))
def test_all_latecomers_together_weigh_what_was_reserved_for_them(arrivals):
    spent = sum(arrival_weight(k) for k in range(1, arrivals + 1))
    assert spent + reserve_left(arrivals) == pytest.approx(RESERVE)


def drawn_paths(random, variants, cases, difference, *, flip_rate=0.1, shared=0.5):
    """Current e-values of variants whose flips are partly the same ones, as those of one model are."""
    common = draw_differences(random, 1, cases, flip_rate, difference)
    own = draw_differences(random, variants, cases, flip_rate, difference)
    rows = np.where(random.random((variants, cases)) < shared, common, own)
    return [evidence_path(row, margin=0.05).e_green for row in rows]


def arrive_one_by_one(bad, good=()):
    """Half of the bad ones at first; then one a time while nobody bad is green, the others off the list."""
    half = len(bad) // 2
    outcome = closed_sequential([*bad[:half], *good], absent=[(reserve_left(0), 1.0)])
    if any(outcome.decided_at[:half]):
        return True
    stopped = [(1.0, float(path[-1])) for path in bad[:half]]
    for arrival, path in enumerate(bad[half:], start=1):
        weight, left = arrival_weight(arrival), reserve_left(arrival)
        judged = closed_sequential([path], weights=[weight], absent=[*stopped, (left, 1.0)])
        if judged.decided_at[0] is not None:
            return True
        stopped.append((weight, float(path[-1])))
    return False


def test_a_family_whose_reds_go_off_the_list_and_whose_latecomers_come_one_by_one_keeps_its_error():
    random = np.random.default_rng(1)
    runs, alone, wrong = 250, 0, 0
    for _ in range(runs):
        bad = drawn_paths(random, 20, 400, -0.05)
        good = drawn_paths(random, 3, 400, 0.0)
        alone += any(first_reach(path, 20.0) for path in bad)
        wrong += arrive_one_by_one(bad, good)
    assert alone / runs > 0.2
    assert wrong / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize("claim", ["traffic", "suite"])
def test_a_family_that_bets_to_a_deadline_for_its_own_goal_keeps_its_error(claim):
    random = np.random.default_rng(3)
    runs, variants, wrong = 250, 8, 0
    design = {"deadline": 250, "goal": 20.0 * variants}
    if claim == "suite":
        design |= {"claim": "suite", "population": 400}
    for _ in range(runs):
        if claim == "suite":
            rows = draw_suites(random, variants, 400, 0.1, -0.05)[:, :250]
        else:
            rows = draw_differences(random, variants, 250, 0.1, -0.05)
        judged = [evidence_path(row, margin=0.05, **design).e_green for row in rows]
        wrong += any(closed_sequential(judged, absent=[(reserve_left(0), 1.0)]).decided_at)
    assert wrong / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_good_variants_are_proven_sooner_than_by_holm():
    random = np.random.default_rng(2)
    closed, holm = [], []
    for _ in range(10):
        rows = [evidence_path(row, margin=0.05).e_green for row in draw_differences(random, 20, 1500, 0.1)]
        closed += [at or 1500 for at in closed_sequential(rows).decided_at]
        holm += [at or 1500 for at in holm_sequential(rows).decided_at]
    assert np.mean(closed) < 0.97 * np.mean(holm)


@pytest.mark.parametrize(
    "call",
    [
        lambda: closed_sequential([]),
        lambda: closed_sequential([np.array([])]),
        lambda: closed_sequential([np.array([np.nan])]),
        lambda: closed_sequential([np.array([1.0])], alpha=5),
        lambda: closed_sequential([np.array([1.0])], weights=[1.0, 1.0]),
        lambda: closed_sequential([np.array([1.0])], weights=[0.0]),
        lambda: closed_sequential([np.array([1.0])], scale=[2.0]),
        lambda: closed_sequential([np.array([1.0])], absent=[(0.0, 1.0)]),
        lambda: closed_sequential([np.array([1.0])], absent=[(1.0, -1.0)]),
        lambda: arrival_weight(0),
        lambda: reserve_left(-1),
    ],
)
def test_what_makes_no_family_is_refused(call):
    with pytest.raises(StatisticsError):
        call()
