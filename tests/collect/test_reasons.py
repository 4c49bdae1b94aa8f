"""Why answers failed, grouped."""

from __future__ import annotations

from evalgate.collect import ReasonGroup, Reasons
from evalgate.collect.reasons import _MOST
from evalgate.exchange import Answer


def grouped(*answers: Answer) -> list[ReasonGroup]:
    reasons = Reasons()
    for answer in answers:
        reasons.add(answer)
    return reasons.groups()


def refused(error: str) -> Answer:
    return Answer("", "refused", error=error)


def test_reasons_that_differ_in_numbers_and_ids_are_one_and_the_largest_group_is_first() -> None:
    groups = grouped(
        Answer("", "error", error="HTTP 500: boom (6 attempts)"),
        *(refused(f"HTTP 400: request {n}0f3a9c1d2e is too long") for n in range(3)),
        Answer("fine", "stop"),
    )
    assert [(it.kind, it.count, it.kept) for it in groups] == [("refused", 3, True), ("failed", 1, False)]
    assert groups[0].reason == "HTTP 400: request 00f3a9c1d2e is too long"


def test_the_same_words_for_what_is_kept_and_for_what_is_not_are_two_reasons() -> None:
    assert len(grouped(refused("no"), Answer("", "error", error="no"))) == 2


def test_who_makes_up_a_reason_for_every_answer_gets_no_list_without_end() -> None:
    names = ("".join(chr(ord("g") + int(digit)) for digit in str(n)) for n in range(2 * _MOST))
    groups = grouped(*(refused(name) for name in names))
    assert len(groups) == _MOST + 1
    assert (groups[0].reason, groups[0].count) == ("other reasons", _MOST)
