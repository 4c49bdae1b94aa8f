from __future__ import annotations

from dataclasses import replace

import pytest

from evalgate.gate import Before, Board, FailOn, Kind, OperationBoard, Verdict
from tests.report.board_factory import operation_board

OPERATION = operation_board("classify_feedback")
TEMPLATE = OPERATION.verdicts[0]
WORDS = ("green", "inconclusive", "worse", "red")


def verdict(word: str, variant: str = "one", **changes: object) -> Verdict:
    outcome = "red" if word == "worse" else word
    who = replace(TEMPLATE.variant, id=variant)
    return replace(TEMPLATE, variant=who, outcome=outcome, beyond_margin=word == "red", **changes)


def board(*words: str, on_inconclusive: str = "fail") -> Board:
    verdicts = tuple(verdict(word, f"v{number}") for number, word in enumerate(words))
    policy = replace(OPERATION.policy, on_inconclusive=on_inconclusive)
    return Board("run", 0.0, 0, (replace(OPERATION, policy=policy, verdicts=verdicts),))


def one(word: str) -> tuple[OperationBoard, Verdict]:
    operation = board(word).operations[0]
    return operation, operation.verdicts[0]


@pytest.mark.parametrize(
    ("kinds", "codes"),
    [
        (None, {"green": 0, "inconclusive": 3, "worse": 1, "red": 1}),
        ({"red"}, {"green": 0, "inconclusive": 0, "worse": 0, "red": 1}),
        ({"worse"}, {"green": 0, "inconclusive": 0, "worse": 1, "red": 1}),
        ({"inconclusive"}, {"green": 0, "inconclusive": 3, "worse": 0, "red": 0}),
        ({"red", "inconclusive"}, {"green": 0, "inconclusive": 3, "worse": 0, "red": 1}),
        (set(), {"green": 0, "inconclusive": 0, "worse": 0, "red": 0}),
    ],
)
def test_what_is_named_fails_and_red_is_worse_than_worse(kinds: set[Kind] | None, codes: dict[str, int]) -> None:
    assert {word: FailOn(kinds).exit_code(board(word)) for word in WORDS} == codes


def test_without_a_word_the_suite_says_whether_inconclusive_fails() -> None:
    assert FailOn().exit_code(board("inconclusive", on_inconclusive="pass")) == 0
    assert FailOn({"inconclusive"}).exit_code(board("inconclusive", on_inconclusive="pass")) == 3


def test_red_goes_before_inconclusive() -> None:
    assert FailOn().exit_code(board("inconclusive", "red", "green")) == 1


def test_who_could_not_be_asked_is_no_verdict_so_no_policy_lets_it_pass() -> None:
    operation = board("green").operations[0]
    down = verdict("inconclusive", cause="unreachable")
    found = Board("run", 0.0, 0, (replace(operation, verdicts=(down,)),))
    assert FailOn(set(), {}).exit_code(found) == 4


@pytest.mark.parametrize("now", WORDS[1:])
@pytest.mark.parametrize("then", WORDS)
def test_only_what_is_worse_than_published_fails(now: str, then: str) -> None:
    operation, judged = one(now)
    key = (operation.operation, judged.variant.id)
    fail_on = FailOn(before={key: Before(judged.variant.config, then)})
    assert fail_on.fails(operation, judged) == (WORDS.index(now) > WORDS.index(then))


@pytest.mark.parametrize(
    "before",
    [
        {},
        {("classify_feedback", "v0"): Before("sha256:another", "red")},
        {("another", "v0"): Before(TEMPLATE.variant.config, "red")},
        {("classify_feedback", "another"): Before(TEMPLATE.variant.config, "red")},
    ],
)
def test_what_was_published_of_somebody_else_excuses_nobody(before: dict[tuple[str, str], Before]) -> None:
    operation, judged = one("red")
    assert FailOn(before=before).fails(operation, judged)


def test_a_board_has_the_exit_code_of_no_policy() -> None:
    for word in WORDS:
        assert board(word).exit_code == FailOn().exit_code(board(word))
