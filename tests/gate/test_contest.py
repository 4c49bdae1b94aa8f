"""The sequential decision: who is green, who is red, when, and at which threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.gate import Differences, rule
from evalgate.suite import Gate

GATE = Gate(margin=0.05)


def constant(value: float, cases: int, gate: Gate = GATE) -> Differences:
    return Differences({"score": np.full(cases, value)}, gate)


def flips(seed: int, cases: int, broke: float, fixed: float, gate: Gate = GATE) -> Differences:
    draws = np.random.default_rng(seed).random(cases)
    return Differences({"score": np.where(draws < broke, -1.0, np.where(draws > 1 - fixed, 1.0, 0.0))}, gate)


def test_a_variant_without_a_difference_is_green() -> None:
    assert rule({"a": constant(0, 200)}, GATE)["a"].outcome == "green"


def test_a_variant_that_always_loses_is_red_and_stops_early() -> None:
    ruling = rule({"a": constant(-1, 200)}, GATE)["a"]
    assert ruling.outcome == "red"
    assert ruling.units < 40


def test_too_few_cases_prove_nothing() -> None:
    assert rule({"a": constant(0, 10)}, GATE)["a"].outcome == "inconclusive"


def test_the_first_green_of_a_family_of_four_needs_four_over_alpha() -> None:
    rulings = rule({"a": constant(0, 300), **{name: constant(-0.5, 300) for name in "bcd"}}, GATE)
    assert rulings["a"].e_needed == pytest.approx(4 / 0.05)


def test_a_variant_judged_alone_is_held_to_the_whole_family_all_the_same() -> None:
    together = rule({"a": constant(0, 300), **{name: constant(-0.5, 300) for name in "bcd"}}, GATE)["a"]
    assert rule({"a": constant(0, 300)}, GATE, family=4)["a"] == together


def test_each_green_lowers_the_threshold_for_the_others() -> None:
    rulings = rule({"clean": constant(0, 600), "noisy": flips(3, 600, 0.03, 0.03)}, GATE)
    assert rulings["clean"].e_needed == pytest.approx(40)
    assert rulings["noisy"].outcome == "green"
    assert rulings["noisy"].e_needed == pytest.approx(20)


def test_control_verdict_asks_each_for_one_over_alpha_only() -> None:
    gate = Gate(margin=0.05, control="verdict")
    alone = rule({"a": constant(0, 300, gate)}, gate)["a"]
    among = rule({name: constant(0, 300, gate) for name in "abcdefgh"}, gate)["a"]
    assert alone == among


def test_green_needs_every_metric() -> None:
    metrics = {"score": np.zeros(300), "valid_json": np.full(300, -0.04)}
    assert rule({"a": Differences(metrics, GATE)}, GATE)["a"].outcome != "green"


def test_red_needs_one_metric_at_beta_over_the_number_of_metrics() -> None:
    single = rule({"a": constant(-0.2, 400)}, GATE)["a"]
    both = Differences({"score": np.full(400, -0.2), "valid_json": np.zeros(400)}, GATE)
    double = rule({"a": both}, GATE)["a"]
    assert single.outcome == double.outcome == "red"
    assert double.units > single.units


@given(seed=st.integers(0, 10_000), cut=st.integers(1, 399))
def test_a_proof_stands_whatever_comes_after_it(seed: int, cut: int) -> None:
    whole = {"a": flips(seed, 400, 0.05, 0.03), "b": flips(seed + 1, 400, 0.15, 0.02), "c": constant(0, 400)}
    start = {name: Differences({"score": each.metrics["score"][:cut]}, GATE) for name, each in whole.items()}
    before, after = rule(start, GATE), rule(whole, GATE)
    for name, ruling in before.items():
        if ruling.outcome == "green":
            assert after[name] == ruling
        if ruling.outcome == "red":
            assert after[name].outcome in {"red", "green"}  # a family that shrank may prove it within the margin


@given(seed=st.integers(0, 10_000))
def test_the_order_in_which_variants_are_listed_does_not_matter(seed: int) -> None:
    variants = {str(n): flips(seed + n, 300, 0.02 * n, 0.02) for n in range(5)}
    assert rule(variants, GATE) == rule(dict(reversed(variants.items())), GATE)
