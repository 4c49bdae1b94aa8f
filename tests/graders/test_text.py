"""Graders that look at the text."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalgate.graders import registry
from evalgate.graders.normalise import normalised
from evalgate.graders.text import contains, exact, regex

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT)
def test_every_text_is_exactly_itself(text: str) -> None:
    assert exact(text, text) == 1.0
    assert exact(text, text, normalise="none") == 1.0


@pytest.mark.parametrize(
    ("text", "expected", "score"),
    [
        ("Paris.", "paris", 1.0),
        ("  The  Lamp\n", "the lamp", 1.0),
        ("STRASSE", "straße", 1.0),
        ("ﬁne", "fine", 1.0),
        ("“shipping”", "shipping", 1.0),
        ("« Paris »", "Paris", 1.0),
        ("巴黎。", "巴黎", 1.0),
        ("\u200bParis", "Paris", 1.0),
        ("\ufeffParis", "Paris", 1.0),
        ("don’t", "don't", 1.0),
        ("don´t", "don't", 1.0),
        ("don′t", "don't", 1.0),
        ("5′", "5'", 0.0),
        ("~~~\nParis\n~~~", "Paris", 1.0),
        ("```text\nParis```", "Paris", 1.0),
        ("```\nParis\n``` or ```\nRome\n```", "Paris\n``` or ```\nRome", 0.0),
        ("5", "-5", 0.0),
        ("-5", "5", 0.0),
        ("<42", "42", 0.0),
        ("AA-", "AA+", 0.0),
        ("A-", "A", 0.0),
        ("C++", "C#", 0.0),
        ("5", ".5", 0.0),
        ("102", "10²", 0.0),
        ("42", 42, 1.0),
        ("True", True, 1.0),
        ("true", True, 1.0),
        ("Paris, France", "Paris", 0.0),
        ("", "Paris", 0.0),
        ("no", False, 0.0),
        ("?", "!", 0.0),
        ("!", " ! ", 1.0),
    ],
)
def test_exact_forgives_what_cannot_carry_meaning(text: str, expected: str | int, score: float) -> None:
    assert exact(text, expected) == score


def test_exact_is_as_strict_as_it_is_told() -> None:
    assert exact(" Paris\n", "Paris", normalise="strict") == 1.0
    assert exact(" Paris\n", "Paris", normalise="none") == 0.0
    assert exact("paris", "Paris", normalise="strict") == 0.0
    assert exact("paris", "Paris", normalise="strict", ignore_case=True) == 1.0
    assert exact("paris", "Paris", ignore_case=False) == 0.0
    assert exact("“Paris”", "Paris", ignore_case=False) == 1.0


@given(TEXT, st.text(st.characters(exclude_categories=["Cs"]), min_size=1), TEXT)
def test_what_stands_anywhere_in_the_answer_is_contained(before: str, wanted: str, after: str) -> None:
    assert contains(before + wanted + after, wanted, normalise="none") == 1.0


@given(TEXT, TEXT)
@example("**Paris.**", "« paris »")
def test_what_is_exactly_right_is_contained(text: str, wanted: str) -> None:
    if normalised(wanted) and exact(text, wanted):
        assert contains(text, wanted) == 1.0


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("un café noir", "cafe\u0301"),
        ("un cafe\u0301 noir", "café"),
        ("in New\u00a0York", "New York"),
        ("in New\u202fYork", "New York"),
        ("in New\nYork", "New York"),
        ("I don’t", "don't"),
        ("It is **Paris**.", "Paris"),
        ("a shipping matter", "ship"),
        ("Antwort: 5.", "5"),
        ("5, 6 or 7", "5"),
        ("x = -5", "-5"),
        ("3-5", "5"),
        ("$5", "5"),
    ],
)
def test_contains_compares_what_is_normalised(text: str, wanted: str) -> None:
    assert contains(text, wanted) == 1.0


@pytest.mark.parametrize("text", ["15", "50", "-5", "−5", "1.5", "5.1", ".5", "5,000", "1'500", "5²", "-$5", "x = -5"])
def test_a_number_is_not_found_inside_another_one(text: str) -> None:
    assert contains(text, "5") == 0.0
    assert contains(f"{text} or 5", "5") == 1.0


def test_a_sign_is_not_found_in_a_range() -> None:
    assert contains("3-5", "-5") == 0.0


def test_whole_words_are_found_only_where_words_begin_and_end() -> None:
    assert contains("I know", "no", whole_words=True) == 0.0
    assert contains("I know", "kno", whole_words=True) == 0.0
    assert contains("No, I know", "no", whole_words=True) == 1.0
    assert contains("written in C++.", "C++", whole_words=True) == 1.0


def test_contains_ignores_case_unless_told_otherwise() -> None:
    assert contains("a LAMP", "lamp") == 1.0
    assert contains("a LAMP", "lamp", ignore_case=False) == 0.0


def test_contains_is_as_strict_as_it_is_told() -> None:
    assert contains("a Lamp", "lamp", normalise="strict") == 0.0
    assert contains("a lamp", "“lamp”", normalise="strict") == 0.0
    assert contains("a\u00a0lamp", "a lamp", normalise="strict") == 1.0
    assert contains("a\u00a0lamp", "a lamp", normalise="none") == 0.0


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
        ("contains", " \u200b", "nothing is left of ' \\u200b' when it is normalised"),
        ("regex", "(", "not a regular expression"),
        ("regex", "(?V0)(?V1)", "not a regular expression"),
        ("regex", None, "there is no target"),
        ("numeric", "many", "expected a number as target, got 'many'"),
        ("numeric", True, "expected a number"),
        ("numeric", "nan", "expected a number"),
        ("numeric", float("inf"), "expected a number"),
        ("numeric", "3 or 4", "expected a number as target, got '3 or 4'"),
        ("numeric", "12 kg", "expected a number as target, got '12 kg'"),
        ("numeric", "1/0", "expected a number"),
        ("numeric", "1,2,3", "expected a number"),
        ("numeric", "2024-01-31", "expected a number"),
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


@pytest.mark.parametrize("text", ["5 000", "5\u202f000", "5_000", "5e3", "1e5", "5½"])
def test_a_number_is_not_found_inside_another_however_that_is_written(text: str) -> None:
    assert contains(f"there are {text} of them", "5") == 0.0
