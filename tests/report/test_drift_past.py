from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from evalgate.errors import InputError
from evalgate.exchange import JsonValue
from evalgate.gate import Board
from evalgate.report.drift.past import REMEMBERED, choose, in_order

DAY = 86_400.0


def stored(boards: list[Board]) -> Iterator[dict[str, JsonValue]]:
    """As a store gives them: the newest first."""
    return (board.to_json() for board in sorted(boards, key=lambda each: -each.at))


@pytest.fixture(scope="module")
def runs(small: Board) -> list[Board]:
    return [replace(small, run=f"2026010{n}-aaaa", at=n * DAY) for n in range(1, 5)]


def test_the_last_run_is_compared_with_the_one_before_it(runs: list[Board]) -> None:
    chosen = choose(stored(runs), "s")

    assert chosen.board.run == runs[3].run
    assert {each.run for each in chosen.before.values()} == {runs[2].run}


def test_a_run_is_named_by_how_it_begins(runs: list[Board]) -> None:
    chosen = choose(stored(runs), "s", run="20260102")

    assert chosen.board.run == runs[1].run
    assert {each.run for each in chosen.before.values()} == {runs[0].run}


def test_since_a_date_is_compared_with_how_things_stood_then(runs: list[Board]) -> None:
    chosen = choose(stored(runs), "s", since=2.5 * DAY)

    assert chosen.board.run == runs[3].run
    assert {each.run for each in chosen.before.values()} == {runs[1].run}


def test_two_runs_are_compared_whichever_is_named_first(runs: list[Board]) -> None:
    older, newer = in_order(stored(runs), "s", ["20260104", "20260101"])
    chosen = choose(stored(runs), "s", run=newer, against=older)

    assert (older, newer) == (runs[0].run, runs[3].run)
    assert {each.run for each in chosen.before.values()} == {older}


def test_an_operation_is_compared_with_the_last_run_that_judged_it(runs: list[Board]) -> None:
    other = replace(runs[2], operations=(replace(runs[2].operations[0], operation="another"),))

    chosen = choose(stored([runs[0], runs[1], other, runs[3]]), "s")

    assert {name: each.run for name, each in chosen.before.items()} == {runs[3].operations[0].operation: runs[1].run}


def test_the_history_of_a_verdict_is_the_oldest_first_and_not_endless(small: Board) -> None:
    many = [replace(small, run=f"run-{n:03}", at=n * DAY) for n in range(REMEMBERED + 5)]

    history = choose(stored(many), "s").history[
        small.operations[0].operation, small.operations[0].verdicts[0].variant.id
    ]

    assert [past.run for past in history] == [board.run for board in many[-REMEMBERED:]]


def test_a_board_of_history_that_cannot_be_read_is_passed_over(runs: list[Board]) -> None:
    data = [*stored(runs[1:]), {"run": "broken", "at": 0.0, "operations": [{"operation": 3}]}]

    assert len(choose(data, "s").history) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"run": "2027"}, "store s: no run '2027'; the newest are 20260104-aaaa, 20260103-aaaa"),
        ({"run": "20260102", "against": "20260103"}, "store s: no run '20260103' before the other"),
    ],
)
def test_a_run_that_is_not_there_is_an_error_that_says_which_are(
    runs: list[Board], arguments: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError) as failure:
        choose(stored(runs), "s", **arguments)  # type: ignore[arg-type]
    assert str(failure.value).startswith(message)


def test_without_any_run_the_next_step_is_told() -> None:
    with pytest.raises(InputError, match="no run yet; start with: evalgate check"):
        choose([], "s")


def test_a_run_is_not_compared_with_itself(runs: list[Board]) -> None:
    with pytest.raises(InputError, match="compared with itself"):
        in_order(stored(runs), "s", ["20260101", "20260101-aaaa"])
