"""The sequential decision: who is green, who is red, when, and at which threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.gate import Differences, Family, Policy, Standing, rule
from tests.signal.test_document import POLICY as GATE


def constant(value: float, cases: int, gate: Policy = GATE) -> Differences:
    return Differences({"score": np.full(cases, value)}, gate)


def flips(seed: int, cases: int, broke: float, fixed: float, gate: Policy = GATE) -> Differences:
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


def test_among_three_that_lose_green_needs_what_they_lack_as_well() -> None:
    rulings = rule({"a": constant(0, 300), **{name: constant(-0.5, 300) for name in "bcd"}}, GATE)
    assert rulings["a"].e_needed == pytest.approx(4 / 0.05, rel=0.02)


def test_a_variant_judged_alone_is_held_to_those_who_are_absent_all_the_same() -> None:
    together = rule({"a": constant(0, 300), **{name: constant(-0.5, 300) for name in "bcd"}}, GATE)
    absent = [(1.0, together[name].e_value) for name in "bcd"]
    alone = rule({"a": constant(0, 300)}, GATE, Family(absent=absent))["a"]
    assert (alone.outcome, alone.e_needed) == (together["a"].outcome, pytest.approx(together["a"].e_needed, rel=1e-6))


def test_copies_of_one_variant_do_not_stand_in_each_others_way() -> None:
    copies = rule({name: constant(0, 300) for name in "abcdefg"}, GATE)
    assert copies["a"] == rule({"a": constant(0, 300)}, GATE)["a"]


def test_whoever_is_charged_less_has_to_show_that_much_more() -> None:
    charged = Family({"a": Standing(1.0, 0.05 / 4)})
    assert rule({"a": constant(0, 300)}, GATE, charged)["a"].e_needed == pytest.approx(80)


def test_a_latecomer_needs_more_than_whoever_was_there_first() -> None:
    reds = [(1.0, 0.5)] * 2
    first = rule({"a": constant(0, 600)}, GATE, Family({"a": Standing(1.0, 0.05)}, reds))["a"]
    late = rule({"a": constant(0, 600)}, GATE, Family({"a": Standing(0.05, 0.05)}, reds))["a"]
    assert late.outcome == "green"
    assert late.e_needed > 3 * first.e_needed


def test_each_green_lowers_the_threshold_for_the_others() -> None:
    rulings = rule({"clean": constant(0, 600), "noisy": flips(3, 600, 0.03, 0.03)}, GATE)
    assert rulings["clean"].e_needed > 20
    assert rulings["noisy"].outcome == "green"
    assert rulings["noisy"].e_needed == pytest.approx(20)


def test_control_verdict_asks_each_for_one_over_alpha_only() -> None:
    gate = replace(GATE, control="verdict")
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
