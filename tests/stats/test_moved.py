"""Has the distribution moved? Ranks that are uniform, alarms that are rare, states that survive anything."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.errors import StatisticsError
from evalgate.stats import (
    UNSTABLE,
    Bins,
    Movement,
    MovementState,
    border_prompts,
    name_movement,
    self_disagreement,
)
from evalgate.stats.moved import bet_factors, calibrated, permutation_p_value, rarity_ranks

LABELS = st.sampled_from(["a", "b", "c", "a much longer label" * 9])
OBSERVATIONS = st.lists(st.tuples(st.sampled_from(["p", "q"]), LABELS), min_size=1, max_size=20)


@pytest.mark.parametrize("shares", [[0.98, 0.02], [0.5, 0.5], [0.4, 0.3, 0.2, 0.1], [1.0, 0.0]])
def test_ranks_are_uniform_and_independent_when_nothing_moves(shares):
    random = np.random.default_rng(1)
    runs, steps = 4000, 12
    counts = random.multinomial(5, shares, size=runs)
    ranks = np.empty((steps, runs))
    for step in range(steps):
        drawn = random.choice(len(shares), p=shares, size=runs)
        ranks[step] = rarity_ranks(counts, drawn, random.random(runs))
        counts[np.arange(runs), drawn] += 1
    for step in range(steps):
        assert np.histogram(ranks[step], bins=10, range=(0, 1))[0] == pytest.approx(400, abs=5 * np.sqrt(360))
    assert abs(np.corrcoef(ranks) - np.eye(steps)).max() < 5 / np.sqrt(runs)


def test_every_bet_is_fair():
    ranks = (np.arange(100_000) + 0.5) / 100_000
    assert bet_factors(ranks).mean(axis=0) == pytest.approx(1.0, abs=1e-3)
    assert bet_factors(ranks).min() > 0


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.3])
def test_false_alarms_are_as_rare_as_promised(rate):
    """600 watches of 20 observations a day with a reference of ten: within half a run length half of them at most."""
    random = np.random.default_rng(3)
    runs, run_length = 600, 60
    counts = np.stack([np.full(runs, 10), np.zeros(runs, dtype=int)], axis=-1)
    thinned = random.binomial(10, rate, size=runs)
    counts[:, 0], counts[:, 1] = 10 - thinned, thinned
    sums = np.zeros((runs, bet_factors(np.array(0.5)).size))
    alarmed = np.zeros(runs, dtype=bool)
    for _ in range(run_length // 2):
        sums += 1
        for _ in range(20):
            drawn = (random.random(runs) < rate).astype(int)
            sums *= bet_factors(rarity_ranks(counts, drawn, random.random(runs)))
            counts[np.arange(runs), drawn] += 1
        alarmed |= sums.mean(axis=-1) >= run_length
    assert alarmed.mean() <= 0.5 + 3 * np.sqrt(0.25 / runs)


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.95, 0.05], [1.0, 0.0], [0.5, 0.3, 0.2]])
def test_p_values_of_a_day_are_uniform_when_nothing_moves(shares):
    random = np.random.default_rng(2)
    values = [
        permutation_p_value([random.multinomial([30, 10], shares) for _ in range(3)], 99, random) for _ in range(1000)
    ]
    assert np.histogram(values, bins=5, range=(0, 1))[0] == pytest.approx(200, abs=5 * np.sqrt(160))


def test_every_bet_on_a_p_value_is_fair():
    p_values = (np.arange(1_000_000) + 0.5) / 1_000_000
    means = calibrated(p_values, 500.0).mean(axis=0)
    assert means[0] == pytest.approx(1.0)
    assert means.max() <= 1.0 + 1e-9
    assert means.min() > 0.7  # of a power as steep as p^-0.9 a quarter lies below one in a million


def test_bets_on_uniform_p_values_keep_the_promise():
    random = np.random.default_rng(6)
    runs, run_length = 4000, 60
    sums, alarmed = np.zeros((runs, 4)), np.zeros(runs, dtype=bool)
    for _ in range(run_length // 2):
        sums = (sums + 1) * calibrated(random.random(runs), run_length)
        alarmed |= 0.5 * sums[:, 0] + 0.5 * sums[:, 1:].mean(axis=-1) >= run_length
    assert alarmed.mean() <= 0.5 + 3 * np.sqrt(0.25 / runs)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_coin_that_became_biased_is_found_on_the_first_day(share):
    """20 prompts, ten answers each a day, of which half used to be different: how rare a label is says nothing."""
    random = np.random.default_rng(7)
    watch = Movement(run_length=1000, method="day")

    def a_day(rate):
        return [(f"p{n}", "new" if random.random() < rate else "old") for n in range(20) for _ in range(10)]

    state = watch.begin({f"p{n}": ["old", "new"] * 10 for n in range(20)})
    for _ in range(5):
        state = watch.after(state, a_day(0.5))
    assert not watch.moved(state)
    assert watch.moved(watch.after(state, a_day(0.9 if share else 0.1)))


@settings(max_examples=15, deadline=None)
@given(OBSERVATIONS, st.randoms(use_true_random=False))
def test_the_order_within_a_day_changes_nothing(today, random):
    watch = Movement(run_length=20, method="day")
    begun = watch.begin({"p": ["a", "b"]})
    assert watch.after(begun, random.sample(today, len(today))) == watch.after(begun, today)


def test_states_of_one_method_are_no_states_of_the_other():
    state = Movement(method="calls").begin({"p": ["a"]})
    with pytest.raises(StatisticsError, match="begin anew"):
        Movement(method="day").after(state, [("p", "a")])
    with pytest.raises(StatisticsError, match="method"):
        Movement(method="hour")


def test_prompts_that_turn_over_are_found_on_the_first_day():
    prompts = [f"prompt {number}" for number in range(200)]
    watch = Movement(run_length=4000)
    state = watch.begin({prompt: ["old"] * 10 for prompt in prompts})
    for _ in range(3):
        state = watch.after(state, [(prompt, "old") for prompt in prompts])
    assert not watch.moved(state)
    state = watch.after(state, [(prompt, "new" if place % 5 == 0 else "old") for place, prompt in enumerate(prompts)])
    assert watch.moved(state)


def test_a_rate_that_rises_is_found_in_days():
    random = np.random.default_rng(4)
    watch = Movement()
    state = watch.begin({"truncated": ["no"] * 294 + ["yes"] * 6})
    for day in range(18):
        rate = 0.02 if day < 10 else 0.2
        state = watch.after(state, [("truncated", "yes" if random.random() < rate else "no") for _ in range(50)])
        assert day >= 10 or not watch.moved(state)
    assert watch.moved(state)


def test_a_stratum_that_is_new_proves_nothing_at_first():
    watch = Movement()
    state = watch.after(watch.begin({}), [("never seen", "anything")])
    assert state.evidence < 10
    assert state.seen == {"never seen": {"anything": 1}}


def test_a_day_without_an_answer_is_no_day():
    watch = Movement()
    state = watch.begin({"p": ["a"]})
    assert watch.after(state, []) == state


@settings(max_examples=30, deadline=None)
@given(OBSERVATIONS, OBSERVATIONS, st.sampled_from(["calls", "day"]))
def test_a_state_survives_json(first, second, method):
    watch = Movement(run_length=20, seed=7, method=method)
    state = watch.after(watch.after(watch.begin({"p": ["a", "b"]}), first), second)
    assert MovementState.from_json(json.loads(json.dumps(state.as_json()))) == state


@settings(max_examples=30, deadline=None)
@given(OBSERVATIONS, st.integers(1, 20))
def test_how_a_day_is_cut_into_batches_changes_nothing(today, place):
    watch = Movement()
    begun = watch.after(watch.begin({"p": ["a"] * 5}), [("p", "a")])
    whole = watch.after(begun, today)
    state = watch.after(watch.after(begun, today[:place]), today[place:], same_day=True)
    assert (state.seen, state.days, state.observations) == (whole.seen, whole.days, whole.observations)
    assert state.sums == pytest.approx(whole.sums, rel=1e-9)


def test_the_state_before_is_left_as_it_was():
    watch = Movement()
    state = watch.begin({"p": ["a"]})
    watch.after(state, [("p", "b")])
    assert state == watch.begin({"p": ["a"]})


@pytest.mark.parametrize("damage", [None, {}, {"seen": {"p": {"a": -1}}}, {"sums": [1.0]}, {"peak": "high"}])
def test_a_damaged_state_is_refused(damage):
    whole = Movement().begin({"p": ["a"]}).as_json()
    with pytest.raises(StatisticsError, match="begin anew"):
        MovementState.from_json({**whole, **damage} if damage else damage)


def test_bins_keep_noise_together_and_what_is_elsewhere_apart():
    bins = Bins.around([-1.0, -1.01, -0.99], smallest=0.005)
    assert {bins.label(value) for value in (-1.005, -1.0, -0.995)} == {"0"}
    assert bins.label(-1.3) != "0"
    assert bins.label(float("-inf")) == "-20"
    assert bins.label(float("nan")) == "none"
    with pytest.raises(StatisticsError):
        Bins.around([], smallest=0.1)


def test_border_prompts_are_those_that_nearly_tie():
    answers = {"wide": ["x"] * 3, "tie": ["x"] * 3, "narrow": ["y"] * 3, "noise": ["x", "y", "z"]}
    gaps = {"wide": 2.0, "tie": 0.01, "narrow": 0.1, "noise": 0.0}
    assert border_prompts(answers, 3, gaps=gaps) == ["tie", "narrow", "wide"]
    with pytest.raises(StatisticsError, match="ask more"):
        border_prompts(answers, 5)


def test_without_logprobs_prompts_that_gave_two_answers_come_first():
    answers = {"plain": ["x"] * 9, "border": ["x"] * 8 + ["y"], "also plain": ["z"] * 9}
    assert border_prompts(answers, 2) == ["border", "plain"]


def test_an_endpoint_that_disagrees_with_itself_is_unstable():
    assert self_disagreement({"p": ["a"] * 10, "q": ["a"] * 10}) == 0.0
    assert self_disagreement({"p": ["a", "b"] * 5, "q": ["a"]}) > UNSTABLE
    assert self_disagreement({}) == 0.0


@pytest.mark.parametrize(("share", "named"), [(0.0, "steady"), (0.3, "unstable"), (0.5, "unstable"), (1.0, "changed")])
def test_a_mix_of_replicas_is_named_unstable_rather_than_changed(share, named):
    random = np.random.default_rng(5)
    before = {f"p{number}": {"old": 20} for number in range(20)}
    burst = [(prompt, "new" if random.random() < share else "old") for prompt in before for _ in range(10)]
    assert name_movement(before, burst) == named


@pytest.mark.parametrize("method", ["calls", "day"])
def test_evidence_stays_finite_whatever_comes(method):
    watch = Movement(run_length=20, method=method)
    state = watch.begin({"p": ["old"] * 5000})
    for _ in range(3):
        state = watch.after(state, [("p", f"{'x' * 200}{number}") for number in range(300)])
    assert watch.moved(state)
    assert json.loads(json.dumps(state.as_json(), allow_nan=False))
    assert max(map(len, state.seen["p"])) <= 80
