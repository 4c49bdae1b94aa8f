"""Graders that look at the text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.graders import registry
from evalgate.graders.text import contains, exact, regex

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT)
def test_every_text_is_exactly_itself(text: str) -> None:
    assert exact(text, text) == 1.0
    assert exact(text, text, normalise=False) == 1.0


@pytest.mark.parametrize(
    ("text", "expected", "score"),
    [
        ("Paris.", "paris", 1.0),
        ("  The  Lamp\n", "the lamp", 1.0),
        ("STRASSE", "straße", 1.0),
        ("ﬁne", "fine", 1.0),
        ("42", 42, 1.0),
        ("True", True, 1.0),
        ("Paris, France", "Paris", 0.0),
        ("", "Paris", 0.0),
        ("no", False, 0.0),
        ("?", "!", 0.0),
        ("!", " ! ", 1.0),
    ],
)
def test_exact_forgives_case_space_and_outer_punctuation(text: str, expected: str | int, score: float) -> None:
    assert exact(text, expected) == score


def test_exact_without_normalising_forgives_outer_space_alone() -> None:
    assert exact(" Paris\n", "Paris", normalise=False) == 1.0
    assert exact("paris", "Paris", normalise=False) == 0.0


@given(TEXT, st.text(st.characters(exclude_categories=["Cs"]), min_size=1), TEXT)
def test_what_stands_anywhere_in_the_answer_is_contained(before: str, wanted: str, after: str) -> None:
    assert contains(before + wanted + after, wanted, ignore_case=False) == 1.0
    assert contains((before + wanted + after).upper(), wanted.upper()) == 1.0


def test_contains_ignores_case_unless_told_otherwise() -> None:
    assert contains("a LAMP", "lamp") == 1.0
    assert contains("a LAMP", "lamp", ignore_case=False) == 0.0


def test_regex_finds_anywhere_and_minds_case_unless_told_otherwise() -> None:
    assert regex("order no. 17", r"no\. \d+$") == 1.0
    assert regex("Order", "^order$") == 0.0
    assert regex("Order", "^order$", ignore_case=True) == 1.0


def test_a_search_without_end_is_given_up_and_scores_zero() -> None:
    started = time.monotonic()
    assert regex("a" * 5000 + "!", "(a|aa)+$") == 0.0
    assert time.monotonic() - started < 5


def test_only_the_first_200000_characters_are_searched() -> None:
    assert regex("x" * 199_999 + "b", "b") == 1.0
    assert regex("x" * 200_000 + "b", "b") == 0.0


@pytest.mark.parametrize(
    ("name", "expected", "told"),
    [
        ("exact", None, "there is no target"),
        ("exact", ["a"], "expected a text or a number"),
        ("contains", "", "expected a text"),
        ("contains", 5, "expected a text"),
        ("regex", "(", "not a regular expression"),
        ("regex", "(?V0)(?V1)", "not a regular expression"),
        ("regex", None, "there is no target"),
        ("numeric", "many", "expected a number as target, got 'many'"),
        ("numeric", True, "expected a number"),
        ("numeric", "nan", "expected a number"),
        ("numeric", None, "there is no target"),
        ("json_fields", {}, "expected an object with fields"),
        ("json_fields", None, "there is no target"),
        ("json_schema", "{}", "expected a JSON schema"),
        ("json_schema", {"type": "text"}, "not a JSON schema"),
        ("json_schema", {"$ref": "#/nope"}, "not a JSON schema that can be used here"),
        ("json_schema", {"$ref": "#"}, "refers to itself for ever"),
    ],
)
def test_an_expectation_that_a_grader_cannot_use_is_told(name: str, expected: object, told: str) -> None:
    assert told in str(registry.find(name).expects(expected))  # type: ignore[arg-type]
