"""The baseline's known scores as control variate of a finite suite: what they save, and what they must not change.

All runs go through the record, as in a check. Suites are drawn so that the variant is exactly at the border.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evalgate.gate import operation_board
from tests.gate.simulated import Operation, Scores

MARGIN = 0.05
RUNS = 300
BOUND = 0.05 + 3 * (0.05 * 0.95 / RUNS) ** 0.5
CASES = 300
GATE = f"margin: {MARGIN}, claim: suite, baseline_check: false"


def operation(folder: Path, gate: str = GATE, cases: int = CASES) -> Operation:
    return Operation(folder, gate=gate, cases=cases)


def drawn(seed: int, *, lost: int, won: int, level: float = 0.7, cases: int = CASES) -> tuple[Scores, Scores]:
    """Baseline and variant of a suite in random order: exactly `lost` cases are lost and `won` are won."""
    random = np.random.default_rng([11, seed])
    right = round(level * cases)
    baseline, variant = np.repeat([1.0, 0.0], [right, cases - right]), np.repeat([1.0, 0.0], [right, cases - right])
    variant[:lost] = 0.0
    variant[right : right + won] = 1.0
    order = random.permutation(cases)
    return baseline[order], variant[order]


def units(one: Operation) -> int:
    return one.record.rulings["v"].units


@pytest.mark.parametrize(("lost", "won"), [(15, 0), (35, 20)])
def test_a_suite_that_loses_the_margin_turns_green_in_alpha_of_its_orders(tmp_path: Path, lost: int, won: int) -> None:
    green = 0
    for seed in range(RUNS):
        baseline, variant = drawn(seed, lost=lost, won=won)
        green += operation(tmp_path).certify({"v": variant}, baseline, known=True)["v"] == "green"
    assert green / RUNS <= BOUND


def test_a_suite_that_loses_nothing_turns_red_in_beta_of_its_orders(tmp_path: Path) -> None:
    red = 0
    for seed in range(RUNS):
        baseline, variant = drawn(seed, lost=20, won=20)
        red += operation(tmp_path).certify({"v": variant}, baseline, known=True)["v"] == "red"
    assert red / RUNS <= BOUND


@pytest.mark.parametrize(("lost", "won"), [(15, 15), (30, 30), (45, 30)])
def test_it_saves_cases_where_cases_flip(tmp_path: Path, lost: int, won: int) -> None:
    plain = known = 0
    for seed in range(100):
        baseline, variant = drawn(seed, lost=lost, won=won)
        one, other = operation(tmp_path), operation(tmp_path)
        one.certify({"v": variant}, baseline)
        other.certify({"v": variant}, baseline, known=True)
        plain, known = plain + units(one), known + units(other)
    assert known < 0.98 * plain


def test_the_size_of_a_wave_changes_no_verdict(tmp_path: Path) -> None:
    for seed in range(10):
        baseline, variant = drawn(seed, lost=20, won=12)
        rulings = []
        for look in (1, 7, 80, CASES):
            one = operation(tmp_path)
            one.certify({"v": variant}, baseline, known=True, look=look)
            rulings.append(one.record.rulings["v"])
        assert len(set(rulings)) == 1


def test_who_was_killed_and_goes_on_comes_to_the_same_ruling(tmp_path: Path) -> None:
    for seed in range(10):
        baseline, variant = drawn(seed, lost=24, won=12)
        at_once, twice = operation(tmp_path), operation(tmp_path)
        at_once.certify({"v": variant}, baseline, known=True, look=20)
        twice.certify({"v": variant}, baseline, known=True, look=20, until=40)
        twice.certify({"v": variant}, baseline, known=True, look=20)
        assert twice.record.rulings == at_once.record.rulings
        assert twice.record.charges["v"].number == 1


def test_what_began_without_goes_on_without(tmp_path: Path) -> None:
    baseline, variant = drawn(3, lost=24, won=12)
    plain, switched = operation(tmp_path), operation(tmp_path)
    plain.certify({"v": variant}, baseline, look=20)
    switched.certify({"v": variant}, baseline, look=20, until=40)
    switched.certify({"v": variant}, baseline, look=20, known=True)
    assert switched.record.rulings == plain.record.rulings
    assert switched.record.known("v") == {}


def test_a_newcomer_uses_it_beside_a_test_that_goes_on_without(tmp_path: Path) -> None:
    baseline, variant = drawn(3, lost=24, won=12)
    one = operation(tmp_path)
    one.certify({"v": variant}, baseline, until=80)
    one.certify({"v": variant, "new": variant}, baseline, known=True)
    assert not one.record.known("v")
    assert one.record.known("new")


def test_what_began_with_it_is_another_try_once_it_is_no_more_to_be_had(tmp_path: Path) -> None:
    baseline, variant = drawn(3, lost=24, won=12)
    one = operation(tmp_path)
    one.certify({"v": variant}, baseline, known=True, until=20, look=20)
    one.certify({"v": variant}, baseline)
    assert one.record.charges["v"].number == 2


def test_what_began_with_other_scores_of_the_baseline_is_another_try(tmp_path: Path) -> None:
    baseline, variant = drawn(3, lost=24, won=12)
    one = operation(tmp_path)
    one.certify({"v": variant}, baseline, known=True, until=20, look=20)
    changed = baseline.copy()
    changed[-1] = 1 - changed[-1]
    one.certify({"v": variant}, changed, known=True)
    assert one.record.charges["v"].number == 2


def test_a_plan_takes_it_for_the_test_that_it_was(tmp_path: Path) -> None:
    baseline, variant = drawn(3, lost=24, won=12)
    one = operation(tmp_path)
    one.certify({"v": variant}, baseline, known=True, until=20, look=20)
    one.certify({"v": variant[:0]}, baseline[:0])
    charge, _ = one.record.expected()["v"]
    assert charge.number == 1


def test_what_is_about_traffic_does_without(tmp_path: Path) -> None:
    baseline, variant = drawn(0, lost=3, won=3)
    one = operation(tmp_path, gate=f"margin: {MARGIN}, baseline_check: false")
    one.certify({"v": variant}, baseline, known=True)
    assert one.record.known("v") == {}


def test_a_baseline_that_differs_from_itself_does_without(tmp_path: Path) -> None:
    baseline, variant = drawn(0, lost=3, won=3)
    again = baseline.copy()
    again[5] = 1 - again[5]
    one = operation(tmp_path, gate=f"margin: {MARGIN}, claim: suite")
    one.certify({"v": variant}, baseline, again, known=True)
    assert one.record.analysis == "traffic"
    assert one.record.known("v") == {}


def test_a_baseline_that_failed_somewhere_does_without(tmp_path: Path) -> None:
    baseline, variant = drawn(0, lost=3, won=3)
    lost = np.arange(CASES) == CASES - 1
    one = operation(tmp_path)
    one.certify({"v": variant}, baseline, known=True, failed={"full": lost})
    assert one.record.known("v") == {}


@pytest.mark.parametrize(("sizes", "used"), [([3] * 100, True), ([2, 4] * 50, False)])
def test_clusters_use_it_where_they_are_of_one_size(tmp_path: Path, sizes: list[int], used: bool) -> None:
    baseline, variant = drawn(0, lost=9, won=9)
    one = operation(tmp_path)
    one.extra, one.sizes = "cluster_by: metadata.s", sizes
    one.certify({"v": variant}, baseline, known=True)
    assert bool(one.record.known("v")) is used


def test_failed_calls_of_the_variant_leave_a_proof_that_holds_without_them(tmp_path: Path) -> None:
    baseline, variant = drawn(0, lost=0, won=0)
    failed = np.arange(CASES) % 100 == 10
    one = operation(tmp_path)
    assert one.certify({"v": variant}, baseline, known=True, failed={"v": failed})["v"] == "green"


def test_a_baseline_that_answers_otherwise_when_it_is_asked_is_analysed_as_a_sample(tmp_path: Path) -> None:
    """Another process may buy its answers anew while this one is under way."""
    baseline, variant = drawn(0, lost=0, won=0)
    one = operation(tmp_path)
    one.certify({"v": variant}, baseline, known=True, until=80)
    one.record.sides.baseline._means["score"][7] = 1 - baseline[7]
    one.record.rule()
    assert one.record.analysis == "traffic"


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")  # scores are all that is simulated
def test_the_board_says_what_it_was_worth_at_the_very_same_case(tmp_path: Path) -> None:
    baseline, variant = drawn(2, lost=30, won=30)
    one, plain = operation(tmp_path), operation(tmp_path)
    assert one.certify({"v": variant}, baseline, known=True, look=1)["v"] == "green"
    plain.certify({"v": variant}, baseline, look=1, until=units(one))
    worth = operation_board(one.record, ["score"]).verdicts[0].control_variate
    assert worth is not None
    assert worth.e_value == pytest.approx(one.record.rulings["v"].e_value)
    assert worth.e_without == pytest.approx(plain.record.differences("v").e_green[: units(one)].max())
    assert operation_board(plain.record, ["score"]).verdicts[0].control_variate is None
