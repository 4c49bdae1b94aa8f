"""What surrounds the proof: each way round it that was found, measured at the level of an operation.

Every bound is alpha = .05 with three standard errors of the simulation; the variants are exactly at the border, worse
by the margin. What the rates were before is said in each test.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.gate.simulated import Operation, Scores, paired

MARGIN = 0.05
RUNS = 200
ALPHA = 0.05
BOUND = ALPHA + 3 * (ALPHA * (1 - ALPHA) / RUNS) ** 0.5
CASES = 240


def rate(run: Callable[[np.random.Generator], bool], runs: int = RUNS) -> float:
    return float(np.mean([run(np.random.default_rng([7, number])) for number in range(runs)]))


def within(found: float, guarded: bool) -> bool:
    """Whether a rate is within its bound, or shows that the way round is one where nobody guards it."""
    return found <= BOUND if guarded else found > 1.3 * ALPHA


def at_the_border(random: np.random.Generator, baseline: Scores) -> Scores:
    """A variant that is worse by the margin, and flips a tenth of the cases."""
    draw = random.random(baseline.size)
    level = baseline.mean()
    variant = baseline.copy()
    variant[(baseline == 1) & (draw < 0.075 / level)] = 0.0
    variant[(baseline == 0) & (draw < 0.025 / (1 - level))] = 1.0
    return variant


@pytest.mark.parametrize("remember", [True, False])
def test_taking_others_off_the_list_proves_nobody(tmp_path: Path, remember: bool) -> None:
    """Was .22 without the reds, and .58 when only those were kept of whom the board said "on its own"."""

    def run(random: np.random.Generator) -> bool:
        operation = Operation(tmp_path, gate=f"margin: {MARGIN}, baseline_check: false", cases=CASES)
        baseline = (random.random(CASES) < 0.8).astype(float)
        variants = {f"v{number}": at_the_border(random, baseline) for number in range(8)}
        outcomes = operation.certify(variants, baseline, remember=remember)
        if "green" in outcomes.values():
            return True
        best = {name: operation.record.differences(name).e_green.max() for name in variants}
        alone = [name for name, e_value in best.items() if e_value >= 20]
        again = [operation.certify({name: variants[name]}, baseline, remember=remember) for name in alone]
        return any("green" in each.values() for each in again)

    assert within(rate(run), remember)


def test_variants_added_one_by_one_pay_for_their_place(tmp_path: Path) -> None:
    """Was .10 to .14."""

    def run(random: np.random.Generator) -> bool:
        operation = Operation(tmp_path, gate=f"margin: {MARGIN}, baseline_check: false", cases=CASES)
        baseline = (random.random(CASES) < 0.8).astype(float)
        for number in range(8):
            outcomes = operation.certify({f"v{number}": at_the_border(random, baseline)}, baseline)
            if "green" in outcomes.values():
                return True
        return False

    assert rate(run) <= BOUND


def test_a_baseline_whose_answers_are_from_an_incident_judges_nobody(tmp_path: Path) -> None:
    """Was .67: held against itself one way only, a baseline that was ill when it was asked first passes."""

    def run(random: np.random.Generator) -> bool:
        operation = Operation(tmp_path, gate=f"margin: {MARGIN}", cases=400)
        healthy = (random.random(400) < 0.9).astype(float)
        ill = np.where(random.random(400) < 0.1 / 0.9, 0.0, healthy)
        variant = np.where(random.random(400) < 0.1 / 0.9, 0.0, healthy)
        return operation.certify({"v": variant}, ill, healthy).get("v") == "green"

    assert rate(run) <= BOUND


@pytest.mark.parametrize("weight", ["cases", "equal"])
def test_the_mean_is_over_cases_however_unequal_the_clusters(tmp_path: Path, weight: str) -> None:
    """Was .84: one cluster in eight holds most cases, and the variant loses its cases there."""

    def run(random: np.random.Generator) -> bool:
        large = random.random(120) < 1 / 8
        extra = f"cluster_by: metadata.s\ncluster_weight: {weight}"
        operation = Operation(tmp_path, gate=f"margin: {MARGIN}, baseline_check: false", extra=extra)
        operation.sizes = np.where(large, 20, 1).tolist()
        operation.ids = [f"c{number}" for number in range(sum(operation.sizes))]
        lost = MARGIN * (1 / 8 * 20 + 7 / 8) / (1 / 8 * 20)  # of the cases in large clusters
        variant = np.concatenate(
            [np.full(size, float(size == 1 or random.random() >= lost)) for size in operation.sizes]
        )
        return operation.certify({"v": variant}, np.ones(variant.size)).get("v") == "green"

    assert within(rate(run), weight == "cases")


@pytest.mark.parametrize("loss", [MARGIN, 0.10])
def test_a_baseline_that_fails_where_the_variant_loses_hides_nothing(tmp_path: Path, loss: float) -> None:
    """Was .16 to .97."""

    def run(random: np.random.Generator) -> bool:
        operation = Operation(tmp_path, gate=f"margin: {MARGIN}, baseline_check: false", cases=CASES)
        lost = random.random(CASES) < loss
        variant = np.where(lost, 0.0, 1.0)
        return operation.certify({"v": variant}, np.ones(CASES), failed={"full": lost}).get("v") == "green"

    assert rate(run) <= BOUND


@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_a_suite_whose_answers_change_is_analysed_as_a_sample(tmp_path: Path, noise: float) -> None:
    """Was .06 to .22: with answers that change from call to call, a finite suite has no one truth."""

    def run(random: np.random.Generator) -> bool:
        cases = 200
        operation = Operation(tmp_path, gate=f"margin: {MARGIN}, claim: suite", cases=cases)
        expected = np.where(random.random(cases) < 0.5, 1.0 - noise / 2, noise / 2)

        def answers(shift: float) -> Scores:
            return (random.random(cases) < np.clip(expected - shift, 0, 1)).astype(float)

        worse = MARGIN / (np.clip(expected, 0, MARGIN * 2).mean() / (MARGIN * 2))  # mean loss is the margin
        outcomes = operation.certify({"v": answers(worse)}, answers(0), answers(0))
        return outcomes.get("v") == "green"

    assert rate(run) <= BOUND


def test_another_margin_after_an_unwelcome_verdict_is_charged(tmp_path: Path) -> None:
    """Was a fresh alpha for each: .02, then .05 and .04 on the same answers, at the border of the widest."""

    def run(random: np.random.Generator) -> bool:
        baseline = (random.random(CASES) < 0.8).astype(float)
        variant = at_the_border(random, baseline)
        operation = Operation(tmp_path, cases=CASES)
        for margin in (0.02, 0.05, 0.03, 0.045, 0.035, 0.05):
            operation.gate = f"margin: {margin}, baseline_check: false"
            if operation.certify({"v": variant}, baseline).get("v") == "green":
                return True
        return False

    assert rate(run) <= BOUND


@pytest.mark.parametrize("remember", [True, False])
def test_fresh_answers_after_an_unwelcome_verdict_are_charged(tmp_path: Path, remember: bool) -> None:
    """Seeds and `--refresh`: .07 to .17 in a few tries before."""

    def run(random: np.random.Generator) -> bool:
        operation = Operation(tmp_path, gate=f"margin: {MARGIN}, baseline_check: false", cases=CASES)
        for _ in range(8):
            baseline = (random.random(CASES) < 0.8).astype(float)
            variants = {"v": at_the_border(random, baseline)}
            if operation.certify(variants, baseline, fresh=True, remember=remember).get("v") == "green":
                return True
        return False

    assert within(rate(run), remember)


def test_answers_that_are_bought_anew_in_part_are_another_draw(tmp_path: Path) -> None:
    """Was .30: as long as the oldest answer was known, it was taken for the same test."""

    def run(random: np.random.Generator) -> bool:
        operation = Operation(tmp_path, gate=f"margin: {MARGIN}, baseline_check: false", cases=CASES)
        baseline = np.ones(CASES)
        variant = (random.random(CASES) < 1 - MARGIN).astype(float)
        for _ in range(9):
            if "green" in operation.certify({"v": variant}, baseline, fresh_from=20).values():
                return True
            variant[20:] = random.random(CASES - 20) < 1 - MARGIN
        return False

    assert rate(run) <= BOUND


def test_what_was_proven_within_a_wide_margin_thins_no_family_out(tmp_path: Path) -> None:
    """Was .21: whoever was off the list counted as proven, and nobody shared alpha."""

    def run(random: np.random.Generator) -> bool:
        operation = Operation(tmp_path, cases=CASES)
        baseline = (random.random(CASES) < 0.8).astype(float)
        variants = {f"v{number}": at_the_border(random, baseline) for number in range(8)}
        for name, scores in variants.items():
            operation.gate = "margin: 0.5, baseline_check: false"
            operation.certify(variants, baseline)
            operation.gate = f"margin: {MARGIN}, baseline_check: false"
            if "green" in operation.certify({name: scores}, baseline).values():
                return True
        return False

    assert rate(run) <= BOUND


def test_a_suite_that_grows_is_one_test(tmp_path: Path) -> None:
    """New cases follow those that were asked; interleaved and ruled again it was .14."""

    def run(random: np.random.Generator) -> bool:
        operation = Operation(tmp_path, gate=f"margin: {MARGIN}, baseline_check: false")
        baseline = (random.random(600) < 0.8).astype(float)
        variant = at_the_border(random, baseline)
        for cases in range(60, 600, 60):
            operation.ids, operation.sizes = [f"c{n}" for n in range(cases)], [1] * cases
            if operation.certify({"v": variant[:cases]}, baseline[:cases]).get("v") == "green":
                return True
            assert operation.record.charges["v"].number == 1
        return False

    assert rate(run, 150) <= 0.05 + 3 * (0.05 * 0.95 / 150) ** 0.5


def test_a_finite_suite_is_resolved_by_its_last_case_also_where_calls_failed(tmp_path: Path) -> None:
    """Was left inconclusive in 1 to 5 %."""

    def run(random: np.random.Generator) -> bool:
        operation = Operation(tmp_path, gate=f"margin: {MARGIN}, claim: suite, baseline_check: false", cases=100)
        baseline, variant = paired(random, 100, broke=0.03, fixed=0.01)
        failed = {"v": random.random(100) < 0.02}
        return operation.certify({"v": variant}, baseline, failed=failed).get("v") == "inconclusive"

    # what may stay open are runs in which the failures themselves carry the answer
    assert rate(run) <= 0.02


def test_a_good_variant_is_found_among_bad_ones(tmp_path: Path) -> None:
    """No correction is worth anything that proves nobody."""

    def run(random: np.random.Generator) -> bool:
        operation = Operation(tmp_path, gate=f"margin: {MARGIN}", cases=600)
        baseline, good = paired(random, 600, level=0.8, broke=0.02, fixed=0.02)
        bad = {f"v{number}": np.where(random.random(600) < 0.2, 0.0, baseline) for number in range(3)}
        return operation.certify({"good": good, **bad}, baseline, baseline).get("good") == "green"

    assert rate(run, 60) >= 0.9
