from __future__ import annotations

from dataclasses import replace

import pytest

from evalgate.gate import Board, OperationBoard, Verdict
from evalgate.report.drift.changes import Change, OperationChanges, changes
from evalgate.report.drift.past import Before


@pytest.fixture
def operation(board: Board) -> OperationBoard:
    return board.operations[1]


def compared(board: Board, now: OperationBoard, was: OperationBoard) -> OperationChanges:
    (found,) = changes(replace(board, operations=(now,)), {was.operation: Before("earlier", 0.0, was)})
    return found


def only(board: Board, now: Verdict, was: Verdict) -> tuple[Change, ...]:
    operation = board.operations[1]
    return compared(board, replace(operation, verdicts=(now,)), replace(operation, verdicts=(was,))).changes


def moved(verdict: Verdict, by: float) -> Verdict:
    metric = verdict.metrics[0]
    ends = (metric.interval[0] + by, metric.interval[1] + by)
    return replace(verdict, metrics=(replace(metric, delta=metric.delta + by, interval=ends),))


def test_nothing_changed_between_equal_boards(board: Board, operation: OperationBoard) -> None:
    assert compared(board, operation, operation) == OperationChanges(operation.operation, "earlier", 0.0, (), ())


def test_an_operation_that_was_never_judged_is_not_compared(board: Board) -> None:
    assert changes(board, {}) == []


def test_a_verdict_that_fell_is_a_change_for_the_worse(board: Board, operation: OperationBoard) -> None:
    green = next(verdict for verdict in operation.verdicts if verdict.outcome == "green")
    red = replace(green, outcome="red", beyond_margin=True)

    (fell,), (rose,) = only(board, red, green), only(board, green, red)

    assert (fell.kind, fell.for_worse) == ("verdict", True)
    assert (rose.kind, rose.for_worse) == ("verdict", False)


def test_new_and_gone_variants_are_told(board: Board, operation: OperationBoard) -> None:
    first, second = operation.verdicts[:2]

    found = compared(board, replace(operation, verdicts=(first,)), replace(operation, verdicts=(second,))).changes

    assert {(each.kind, each.variant) for each in found} == {("new", first.variant.id), ("gone", second.variant.id)}


def test_a_difference_that_left_what_was_possible_has_moved(board: Board, operation: OperationBoard) -> None:
    verdict = operation.verdicts[0]

    (change,) = only(board, moved(verdict, -0.3), verdict)

    assert (change.kind, change.for_worse) == ("moved", True)
    assert change.moved == pytest.approx(-0.3)


def test_a_difference_within_what_was_possible_is_no_change(board: Board, operation: OperationBoard) -> None:
    verdict = operation.verdicts[0]
    wide = replace(verdict, metrics=(replace(verdict.metrics[0], interval=(-0.9, 0.9)),))

    assert only(board, moved(wide, -0.2), wide) == ()


def test_another_configuration_under_the_same_name_is_a_change(board: Board, operation: OperationBoard) -> None:
    verdict = operation.verdicts[0]
    other = replace(verdict, variant=replace(verdict.variant, config="sha256:other"))

    assert [each.kind for each in only(board, other, verdict)] == ["configured"]


def test_cases_that_broke_anew_and_that_no_longer_do_are_counted(board: Board, operation: OperationBoard) -> None:
    verdict = next(each for each in operation.verdicts if len(each.flips) > 5)
    broke = [flip for flip in verdict.flips if flip.variant_score < flip.baseline_score]
    was = replace(verdict, outcome="inconclusive", flips=tuple(broke[1:]))
    now = replace(verdict, flips=tuple(broke[:-1]))

    (change,) = only(board, now, was)

    assert change.anew == (broke[0],)
    assert change.healed == 1


def test_what_makes_two_runs_another_question_is_told(board: Board, operation: OperationBoard) -> None:
    other = replace(
        operation,
        suite_hash="sha256:other",
        baseline=replace(operation.baseline, config="sha256:other"),
        policy=replace(operation.policy, margin=0.02),
    )

    assert compared(board, operation, other).terms == (
        "the suite was changed",
        "the baseline was lab-f16, configured otherwise",
        "the margin was 2 pp",
    )
