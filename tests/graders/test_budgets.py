"""What an answer may take; what is not known is not within a limit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.exchange import Answer
from evalgate.graders import bind
from evalgate.graders.budgets import Unit, length, sentences, words
from evalgate.graders.registry import Seen
from evalgate.suite import Case, load_suite
from tests.conftest import catalog, suite_file

CASE = Case("c", "", None)


@pytest.mark.parametrize(
    ("text", "unit", "count"),
    [
        ("  abc ", "characters", 3),
        ("don't well-known 1,204.50 Straße", "words", 4),
        ("- a\n\n- b\n", "lines", 2),
        ("a\nb\n\n \nc", "paragraphs", 2),
        ("One. Two? Three 1.5 (Four.) five", "sentences", 4),
        ("一つ。二つ！", "sentences", 2),
        ("...", "sentences", 1),
        ("", "words", 0),
        ("", "sentences", 0),
    ],
)
def test_a_length_is_counted_in_its_unit(text: str, unit: Unit, count: int) -> None:
    seen = Seen(Answer(text, "stop"), CASE)
    passing = [most for most in range(6) if length(text, None, least=most, most=most, unit=unit, seen=seen)]
    assert passing == [count]


@given(st.text(max_size=60))
def test_no_text_has_more_words_or_sentences_than_characters(text: str) -> None:
    assert 0 <= words(text) <= len(text)
    assert 0 <= sentences(text) <= len(text)


def test_tokens_are_those_that_the_server_counted() -> None:
    said = [Answer("a b c", "stop", output_tokens=count) for count in (10, 11, None)]
    assert [length("a", None, most=10, unit="tokens", seen=Seen(each, CASE)) for each in said] == [1.0, 0.0, 0.0]


def graded(folder: Path, assertion: dict[str, object], answer: Answer, *, priced: bool = True) -> float:
    suite = load_suite(suite_file(folder, assert_=[assertion]))
    endpoint = catalog(folder).endpoints("toy")["full"] if priced else None
    return bind(suite).grade(answer, suite.cases[0], endpoint)["score"]


@pytest.mark.parametrize(("taken", "score"), [(100.0, 1.0), (100.1, 0.0), (0.0, 0.0)])
def test_an_answer_must_come_in_time(tmp_path: Path, taken: float, score: float) -> None:
    assert graded(tmp_path, {"type": "latency", "most_ms": 100}, Answer("a", "stop", latency_ms=taken)) == score


def test_an_answer_may_cost_what_the_catalogue_says_of_its_tokens(tmp_path: Path) -> None:
    budget: dict[str, object] = {"type": "cost", "most_usd": 5e-6}  # of 1 USD in, 2 USD out for a million
    assert graded(tmp_path, budget, Answer("a", "stop", 1, 2)) == 1.0
    assert graded(tmp_path, budget, Answer("a", "stop", 2, 2)) == 0.0
    assert graded(tmp_path, budget, Answer("a", "stop", None, 2)) == 0.0
    assert graded(tmp_path, budget, Answer("a", "stop", 1, 2), priced=False) == 0.0


@pytest.mark.parametrize(
    ("assertion", "told"),
    [
        ({"type": "length"}, "would let everything pass"),
        ({"type": "length", "least": 3, "most": 2}, "assert.0.least: 3 is more than 'most' (2)"),
        ({"type": "length", "most": -1}, "assert.0.most: Input should be greater than or equal to 0"),
        ({"type": "length", "most": 1, "value": 1}, "assert.0.value: grader 'length' takes no value"),
        ({"type": "latency"}, "assert.0.type: grader 'latency' needs 'most_ms'"),
        ({"type": "cost", "most_usd": 0}, "assert.0.most_usd: Input should be greater than 0"),
    ],
)
def test_a_budget_that_says_nothing_is_refused(tmp_path: Path, assertion: dict[str, object], told: str) -> None:
    with pytest.raises(InputError) as caught:
        bind(load_suite(suite_file(tmp_path, assert_=[assertion])))
    assert told in str(caught.value)
