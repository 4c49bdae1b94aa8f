"""Holm in rounds, e-BH, e-LOND, and metrics of one variant."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import StatisticsError
from evalgate.stats import (
    combine_verdicts,
    e_bh,
    e_lond,
    e_lond_level,
    evidence_path,
    holm_sequential,
    intersection_union,
    union_red,
)
from evalgate.stats.simulation import draw_differences

paths = st.lists(st.lists(st.floats(0, 200), min_size=1, max_size=12), min_size=1, max_size=6)


def naive_holm(rows, alpha, at):
    """Holm on the p-values 1 / (running maximum) after round `at`: the textbook, without any shortcut."""
    p_values = [1 / max(*row[:at], 1e-300) for row in rows]
    rejected = set()
    for rank, index in enumerate(sorted(range(len(rows)), key=lambda i: p_values[i])):
        if p_values[index] > alpha / (len(rows) - rank):
            break
        rejected.add(index)
    return rejected


@given(paths)
def test_it_is_holm_after_every_round(rows):
    outcome = holm_sequential([np.array(row) for row in rows], 0.05)
    for at in range(1, 13):
        decided = {i for i, when in enumerate(outcome.decided_at) if when is not None and when <= at}
        assert decided == naive_holm(rows, 0.05 * (1 + 1e-12), at)


@given(paths, st.randoms(use_true_random=False))
def test_it_does_not_matter_in_which_order_variants_are_listed(rows, random):
    shuffled = list(range(len(rows)))
    random.shuffle(shuffled)
    one = holm_sequential([np.array(row) for row in rows]).decided_at
    other = holm_sequential([np.array(rows[i]) for i in shuffled]).decided_at
    assert [one[i] for i in shuffled] == list(other)


def test_each_proof_lowers_what_is_asked_of_the_others():
    outcome = holm_sequential([np.array([10.0, 70.0, 70.0]), np.array([45.0, 45.0, 45.0]), np.array([1.0, 1.0, 19.0])])
    assert outcome.decided_at == (2, 2, None)
    assert outcome.thresholds == (60.0, 40.0, 20.0)


def test_one_that_passes_alone_may_not_pass_in_its_family():
    path = np.array([25.0])
    assert holm_sequential([path]).decided_at == (1,)
    assert holm_sequential([path, np.array([0.1])]).decided_at == (None, None)


def test_a_family_of_bad_variants_rarely_offers_one():
    random = np.random.default_rng(1)
    alone = family = 0
    for _ in range(100):
        rows = [evidence_path(row, margin=0.05).max_e_green for row in draw_differences(random, 10, 400, 0.1, -0.05)]
        alone += any(row[-1] >= 20 for row in rows)
        family += any(holm_sequential(rows).decided_at)
    assert alone > 20
    assert family <= 5 + 3 * np.sqrt(100 * 0.05 * 0.95)


def test_e_bh_rejects_the_largest_that_carry_each_other():
    assert e_bh([100.0, 1.0, 45.0, 0.0], level=0.05).tolist() == [True, False, True, False]
    assert e_bh([79.0, 1.0, 1.0, 1.0], level=0.05).tolist() == [False] * 4
    assert e_bh([20.0, 20.0, 20.0], level=0.05).all()
    assert not e_bh([0.0], level=0.05).any()


def test_e_bh_keeps_its_false_discovery_rate_under_dependence():
    random = np.random.default_rng(2)
    shares = []
    for _ in range(400):
        common = np.exp(random.normal(-0.5, 1.0))  # a mean of one, shared by all: the strongest dependence
        null = common * np.exp(random.normal(-2.0, 2.0, 15))
        found = e_bh(np.concatenate([null, np.full(5, 500.0)]), level=0.1)
        shares.append(found[:15].sum() / max(found.sum(), 1))
    assert np.mean(shares) <= 0.1


def test_e_lond_gives_most_to_the_first_attempt_less_to_every_other_and_more_after_a_green():
    assert e_lond_level([], 0.05) == pytest.approx(0.045)
    assert e_lond_level([False], 0.05) == pytest.approx(0.0025)
    assert e_lond_level([False, False], 0.05) == pytest.approx(0.05 / 60)
    assert e_lond_level([True], 0.05) == pytest.approx(0.005)
    assert sum(e_lond_level([False] * t, 0.05) for t in range(500)) < 0.05
    assert e_lond([50.0, 50.0, 700.0, 1e9], level=0.05).tolist() == [True, False, True, True]
    assert e_lond([50.0, 50.0], level=0.05).tolist() == e_lond([50.0, 50.0, 0.0], level=0.05).tolist()[:2]


@given(st.lists(st.booleans(), max_size=40))
def test_no_attempt_is_ever_given_more_than_the_whole_level(decisions):
    assert 0 < e_lond_level(decisions, 0.05) <= 0.05


def test_trying_again_after_an_unwelcome_verdict_buys_nothing():
    """Six attempts with fresh answers, each at its own level; at a fresh alpha each, one in five would get through."""
    random = np.random.default_rng(3)
    runs, charged, fresh = 400, 0, 0
    levels = [e_lond_level([False] * attempt) for attempt in range(6)]
    for _ in range(runs):
        rows = draw_differences(random, 6, 400, 0.1, -0.05)
        best = [evidence_path(row, margin=0.05).max_e_green[-1] for row in rows]
        charged += any(e >= 1 / level for e, level in zip(best, levels, strict=True))
        fresh += any(e >= 20 for e in best)
    assert fresh / runs > 0.12
    assert charged / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_green_needs_all_metrics_and_red_one_with_its_share_of_beta():
    accuracy, validity = np.array([10.0, 30.0, 5.0]), np.array([1.0, 5.0, 25.0])
    assert intersection_union([accuracy, validity]).tolist() == [1.0, 5.0, 25.0]
    assert union_red([accuracy, validity]).tolist() == [5.0, 15.0, 15.0]
    assert combine_verdicts(["green", "green"]) == "green"
    assert combine_verdicts(["green", "inconclusive"]) == "inconclusive"
    assert combine_verdicts(["red", "inconclusive", "green"]) == "red"


@pytest.mark.parametrize(
    "call",
    [
        lambda: holm_sequential([]),
        lambda: holm_sequential([np.array([])]),
        lambda: holm_sequential([np.array([np.nan])]),
        lambda: holm_sequential([np.array([1.0])], alpha=5),
        lambda: e_bh([]),
        lambda: e_bh([-1.0]),
        lambda: intersection_union([]),
        lambda: intersection_union([np.array([1.0]), np.array([1.0, 2.0])]),
        lambda: combine_verdicts([]),
    ],
)
def test_nothing_is_decided_of_nothing(call):
    with pytest.raises(StatisticsError):
        call()
