"""The last number in an answer, and whether it is the expected one."""

from __future__ import annotations

import math
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.graders.number import last_number, numeric

FINITE = st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text(st.characters(categories=["Ll", "Zs"]), max_size=10)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42", 42.0),
        ("12 apples", 12.0),
        ("first 3, then 4.", 4.0),
        ("3/4", 4.0),
        ("1,204.50", 1204.5),
        ("1,204,999", 1204999.0),
        ("1,2,3", 3.0),
        ("1,2345", 2345.0),
        ("-7", -7.0),
        ("x = −7", -7.0),
        ("= +7", 7.0),
        ("3-5", 5.0),
        ("GPT-4", 4.0),
        ("(-4)", -4.0),
        ("5 - 3", 3.0),
        (".5", 0.5),
        ("3.", 3.0),
        ("1e3", 1000.0),
        ("2E-2", 0.02),
        ("7e", 7.0),
        ("٤٢", 42.0),
        ("$1,000,000!", 1e6),
        ("99% of 1e999", 99.0),
        ("x²", None),
        ("", None),
        ("none", None),
        ("- . , e", None),
    ],
)
def test_last_number(text: str, number: float | None) -> None:
    assert last_number(text) == number


@given(st.text())
def test_the_last_number_of_any_text_is_finite_or_none(text: str) -> None:
    number = last_number(text)
    assert number is None or math.isfinite(number)


@given(WORDS, st.integers(-(10**15), 10**15) | FINITE.map(lambda value: round(value, 6)), WORDS)
def test_a_number_among_words_is_found(before: str, number: float, after: str) -> None:
    assert last_number(f"{before} {number} {after}") == number


@given(st.integers(-(10**15), 10**15))
def test_thousands_separators_do_not_matter(number: int) -> None:
    assert last_number(f"{number:,}") == number


@given(st.text(st.characters(codec="utf-8")).filter(lambda text: not re.search(r"\d", text)))
def test_without_a_digit_there_is_no_number(text: str) -> None:
    assert last_number(text) is None


@pytest.mark.parametrize("text", ["1" * 200_000, "1," * 100_000, "," * 200_000, "1,234" * 40_000, "-" * 200_000])
def test_reading_is_linear_in_the_length_of_the_answer(text: str) -> None:
    started = time.monotonic()
    last_number(text)
    assert time.monotonic() - started < 3


def test_only_the_end_of_a_huge_answer_is_read() -> None:
    assert numeric("5 " + "x" * 1_000_000, 5) == 0.0
    assert numeric("x" * 1_000_000 + " 5", 5) == 1.0


@pytest.mark.parametrize(
    ("text", "expected", "tolerance", "score"),
    [
        ("42", 42, 0.0, 1.0),
        ("42.0", "42", 0.0, 1.0),
        ("42.1", 42, 0.0, 0.0),
        ("42.1", 42, 0.1, 1.0),
        ("0.30000000000000004", 0.3, 0.0, 1.0),
        ("41.89", 42, 0.1, 0.0),
        ("-42", 42, 0.0, 0.0),
        ("no idea", 0, 0.0, 0.0),
        ("1e308", -1e308, 0.0, 0.0),
    ],
)
def test_a_number_within_the_tolerance_scores_one(
    text: str, expected: float | str, tolerance: float, score: float
) -> None:
    assert numeric(text, expected, tolerance=tolerance) == score
