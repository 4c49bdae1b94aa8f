"""The memory of attempts: what goes on is the same try, what is welcome may be renewed, everything else is charged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.gate import Attempt, History
from evalgate.gate.history import Trial, weight_of

ALPHA = 0.05
FIRST = Attempt(
    config="a",
    variant="cheap",
    number=1,
    arrival=0,
    level=0.045,
    policy="p",
    deadline=300,
    asked="300 cases",
    cases=300,
    outcome="inconclusive",
    e_value=7.0,
    began=50.0,
    at=100.0,
    run="r",
)


def trial(policy: str = "p", deadline: int = 600, renewed: int = 0, asked: str = "300 cases") -> Trial:
    return Trial(policy, deadline, lambda cases: asked, lambda cases, at: renewed)


def test_a_first_certification_is_charged_nine_tenths_and_belongs_to_the_first_batch() -> None:
    first = History().charge("a", trial(), ALPHA, ["a"])
    assert (first.number, first.arrival, first.level) == (1, 0, pytest.approx(0.9 * ALPHA))
    assert first.deadline == 600


def test_what_goes_on_is_the_same_try_with_the_deadline_that_it_had() -> None:
    on = History([FIRST]).charge("a", trial(), ALPHA, [])
    assert (on.number, on.level, on.deadline) == (1, FIRST.level, 300)


@pytest.mark.parametrize("changes", [{"policy": "another margin"}, {"renewed": 1}, {"asked": "other cases"}], ids=str)
def test_another_test_after_an_unwelcome_verdict_is_charged_as_a_further_try(changes: dict[str, object]) -> None:
    again = History([FIRST]).charge("a", trial(**changes), ALPHA, [])  # type: ignore[arg-type]
    assert again.number == 2
    assert again.level == pytest.approx(0.1 / 2 * ALPHA)
    assert again.deadline == 600


def test_calls_that_failed_may_be_made_again_in_the_same_try() -> None:
    history = History([replace(FIRST, failed=3)])
    assert history.charge("a", trial(renewed=3), ALPHA, []).number == 1
    assert history.charge("a", trial(renewed=4), ALPHA, []).number == 2


def test_whoever_looks_again_and_stops_early_has_nothing_forgotten() -> None:
    history = History([FIRST])
    assert history.shows_more(replace(FIRST, cases=10, at=200.0))
    assert not history.shows_more(replace(FIRST, cases=310, at=200.0))
    assert not history.shows_more(replace(FIRST, cases=10, at=200.0, outcome="green"))


def test_a_green_that_is_renewed_on_fresh_answers_is_charged_what_it_was() -> None:
    history = History([replace(FIRST, outcome="green")])
    renewed = history.charge("a", trial(renewed=300), ALPHA, [])
    assert (renewed.number, renewed.level) == (1, FIRST.level)


def test_a_green_that_failed_when_it_was_renewed_is_charged_the_next_time() -> None:
    history = History([replace(FIRST, outcome="green"), replace(FIRST, at=200.0, began=150.0)])
    assert history.charge("a", trial(renewed=300), ALPHA, []).number == 2


def test_whoever_is_not_judged_now_lends_no_evidence_from_another_test() -> None:
    history = History([replace(FIRST, config="b", outcome="green", e_value=900.0, policy="a wider margin")])
    assert history.absent(["a"], ALPHA, "p") == [(1.0, 1.0)]


@pytest.mark.parametrize("earlier", [{"outcome": "green"}, {"cases": 0}], ids=str)
def test_a_suite_that_allows_less_than_before_is_charged_no_more_than_that(earlier: dict[str, object]) -> None:
    history = History([replace(FIRST, level=0.9 * 0.2, **earlier)])  # type: ignore[arg-type]
    assert history.charge("a", trial(policy="a smaller alpha"), ALPHA, []).level == pytest.approx(0.9 * ALPHA)


def test_who_comes_later_stands_behind_who_was_there_first() -> None:
    history = History([FIRST])
    newcomers = history.newcomers(["c", "a", "b"])
    late = [history.charge(each, trial(), ALPHA, newcomers).arrival for each in ("b", "c")]
    assert newcomers == ["b", "c"]
    assert late == [1, 2]
    assert weight_of(0) == 1.0 > weight_of(1) > weight_of(2) > 0


def test_whoever_was_named_at_the_beginning_is_not_late() -> None:
    history = History([FIRST, replace(FIRST, config="b", cases=0, e_value=1.0)])
    begins = history.charge("b", trial(renewed=300), ALPHA, [])
    assert (begins.number, begins.arrival, begins.deadline) == (1, 0, 600)


def test_whoever_is_off_the_list_still_counts_with_the_evidence_that_it_had() -> None:
    history = History([FIRST, replace(FIRST, config="b", e_value=0.2)])
    assert history.absent(["a"], ALPHA, "p") == [(1.0, pytest.approx(0.2 * 0.9))]


def test_an_attempt_is_read_back_as_it_was_written() -> None:
    assert Attempt.from_json(FIRST.to_json()) == FIRST


def test_looking_again_at_the_same_evidence_is_no_other_attempt() -> None:
    assert replace(FIRST, outcome="red", at=120.0, cases=320).key == FIRST.key
    assert replace(FIRST, began=60.0).key != FIRST.key


@given(outcomes=st.lists(st.sampled_from(["red", "inconclusive"]), max_size=30))
def test_all_tries_without_a_green_risk_alpha_together(outcomes: list[str]) -> None:
    attempts: list[Attempt] = []
    risked = 0.0
    for number, outcome in enumerate(outcomes):
        made = History(attempts).charge("a", trial(policy=str(number), renewed=300), ALPHA, ["a"])
        risked += made.level
        changes = {"number": made.number, "level": made.level, "outcome": outcome, "at": 100.0 + number}
        attempts.append(replace(FIRST, policy=str(number), **changes))  # type: ignore[arg-type]
    assert risked <= ALPHA * (1 + 1e-9)
