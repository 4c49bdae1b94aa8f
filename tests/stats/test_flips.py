"""Flips, the noise floor, and verdicts that hang on errors."""

from __future__ import annotations

import numpy as np
import pytest

from evalgate.errors import StatisticsError
from evalgate.stats import certify, count_flips, noise_floor, seed_flip_rate, sensitivity_to_errors


def test_flips_are_counted_by_direction():
    flips = count_flips([0.0, -1.0, -0.2, 1.0, 0.0])
    assert (flips.broke, flips.fixed, flips.cases, flips.rate) == (2, 1, 5, 0.6)


def test_a_deterministic_baseline_is_as_good_as_itself_and_says_nothing_of_variants():
    floor = noise_floor(np.ones(300), np.ones(300), margin=0.02)
    assert floor.fit
    assert (floor.seed.flip_rate, floor.seed.inertia) == (0.05, 20.0)


def test_a_suite_on_which_the_baseline_is_a_coin_is_unfit():
    random = np.random.default_rng(1)
    floor = noise_floor(random.integers(0, 2, 300), random.integers(0, 2, 300), margin=0.02)
    assert not floor.fit
    assert floor.flips.rate == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("ill", ["first", "second"])
def test_a_baseline_that_was_ill_in_either_run_is_no_baseline(ill):
    """Losing .08 in one of two runs of 600 cases; a one-sided check would let half of these pass."""
    random = np.random.default_rng(2)
    healthy = (random.random(600) < 0.9) * 1.0
    sick = np.where(random.random(600) < 0.08 / 0.9, 0.0, healthy)
    runs = (sick, healthy) if ill == "first" else (healthy, sick)
    floor = noise_floor(*runs, margin=0.02)
    assert floor.verdict == "red"
    assert floor.cases < 300
    assert (floor.not_worse if ill == "first" else floor.not_better).verdict != "red"


def test_equal_runs_are_rarely_called_different_and_different_ones_rarely_equal():
    random = np.random.default_rng(3)
    runs, red, green = 200, 0, 0
    for _ in range(runs):
        first, second, third = ((random.random(500) < share) * 1.0 for share in (0.95, 0.95, 0.9))
        red += noise_floor(first, second, margin=0.05).verdict == "red"
        green += noise_floor(third, second, margin=0.05).fit
    assert red / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)
    assert green / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_the_seed_moves_towards_what_was_seen_but_never_all_the_way():
    seen = np.zeros(200)
    seen[:40] = 1.0
    seed = seed_flip_rate(seen, margin=0.02)
    assert 0.05 < seed.flip_rate < 0.2
    assert seed.inertia == 40.0
    few = seed_flip_rate(seen[:4], margin=0.02)
    assert few.inertia == 24.0
    certify(seen - 0.2, margin=0.3, flip_rate_green=seed.flip_rate, flip_rate_red=seed.flip_rate, inertia=seed.inertia)


def test_a_verdict_that_errors_decide_is_not_robust():
    values = np.zeros(400)
    values[::10] = -1.0
    failed = values < 0
    sensitivity = sensitivity_to_errors(values, failed, margin=0.02)
    assert sensitivity.with_errors.verdict == "red"
    assert sensitivity.without_errors.verdict == "green"
    assert not sensitivity.robust


def test_a_verdict_without_errors_is_robust_and_unchanged():
    sensitivity = sensitivity_to_errors(np.zeros(300), [False] * 300, margin=0.02, alpha=0.1)
    assert sensitivity.robust
    assert sensitivity.with_errors == sensitivity.without_errors == certify(np.zeros(300), margin=0.02, alpha=0.1)


def test_nothing_but_errors_is_never_robust():
    assert not sensitivity_to_errors(np.zeros(300), np.ones(300, dtype=bool), margin=0.02).robust


def test_a_suite_shrinks_by_the_errors_left_out():
    values = np.array([0.0] * 30 + [-1.0] * 2 + [0.0] * 8)
    sensitivity = sensitivity_to_errors(
        values, values < 0, margin=0.04, claim="suite", population=40, baseline=np.ones(40)
    )
    assert sensitivity.with_errors.verdict == "red"
    assert sensitivity.without_errors.verdict == "green"


def test_a_baseline_that_fails_where_the_variant_loses_hides_nothing():
    """A loss of .10, all of it where the baseline timed out: ties if they count 0, gone if they are left out."""
    failed = np.zeros(600, dtype=bool)
    failed[::10] = True
    known = sensitivity_to_errors(np.zeros(600), failed, baseline_errors=failed, margin=0.02)
    assert known.with_errors.verdict == known.without_errors.verdict == "green"
    assert known.baseline_right.verdict == "red"
    assert not known.robust
    assert sensitivity_to_errors(np.zeros(600), failed, margin=0.02).robust


def test_failures_of_the_baseline_where_the_variant_is_right_turn_nothing():
    values, failed = np.zeros(600), np.zeros(600, dtype=bool)
    values[::100] = 1.0
    failed[::100] = True
    assert sensitivity_to_errors(values, failed, baseline_errors=failed, margin=0.02).robust


def test_the_baseline_as_control_variate_is_right_too_where_it_failed():
    baseline = np.ones(300)
    baseline[5:100:10] = 0.0
    failed = np.zeros(200, dtype=bool)
    failed[5:100:10] = True
    known = sensitivity_to_errors(
        np.zeros(200), failed, baseline_errors=failed, margin=0.02, claim="suite", population=300, baseline=baseline
    )
    assert known.baseline_right.delta < 0


def test_no_variant_is_worse_where_the_baseline_failed():
    with pytest.raises(StatisticsError, match=r"differences\[1\]: -1, but"):
        sensitivity_to_errors([0.0, -1.0], [False, True], baseline_errors=[False, True], margin=0.02)


def test_weights_are_left_out_with_their_units():
    weights = np.where(np.arange(60) % 2, 0.5, 1.0)
    values = np.array([0.0] * 40 + [-1.0] * 4 + [0.0] * 16)
    known = sensitivity_to_errors(
        values, values < 0, margin=0.05, claim="suite", population=60, weights=weights, total_weight=weights.sum()
    )
    assert known.with_errors.verdict == "red"
    assert (known.without_errors.verdict, known.without_errors.delta) == ("green", 0.0)


@pytest.mark.parametrize("errors", [[True], np.zeros(3), np.zeros((3, 1), dtype=bool)])
def test_errors_must_be_one_boolean_for_each_case(errors):
    with pytest.raises(StatisticsError, match="errors: expected 3 booleans"):
        sensitivity_to_errors([0.0, 0.0, 0.0], errors, margin=0.02)
