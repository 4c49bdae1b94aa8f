"""Numbers as people and models write them, and whether the one that an answer concludes with is the expected one."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalgate.graders.number import numeric
from evalgate.graders.number_place import concluding_number
from evalgate.graders.number_reader import Notation, Number

AUTO, POINT, COMMA = Notation(), Notation("point"), Notation("comma")
WORDS = st.text(st.characters(categories=["Ll", "Zs"]), max_size=10)
NUMBERISH = st.text(st.sampled_from("0123456789.,' \u202f-–$€%/^×eEk½²٣#[]()=:\\\n_*"), max_size=30)


def read(text: str, notation: Notation = AUTO, marker: str | None = None) -> Number | None:
    return concluding_number(text, notation, marker)


FORMS = {
    "plain": [("42", "42"), ("12 apples", "12"), ("3.", "3"), ("$1,000,000!", "1000000"), ("12kg", "12"), ("3rd", "3")],
    "thousands": [
        ("12 500", "12500"),
        ("12\u00a0500", "12500"),
        ("12\u202f500", "12500"),
        ("12\u2009500", "12500"),
        ("12'500", "12500"),
        ("12’500", "12500"),
        ("12,500", "12500"),
        ("12_500", "12500"),
        ("1,204.50", "1204.5"),
        ("1.234,50", "1234.5"),
        ("1 234,50", "1234.5"),
        ("1'234.50", "1234.5"),
        ("1.234.567", "1234567"),
        ("12,34,567", "1234567"),
        ("1,2,3", "3"),
        ("2024 500", "500"),
        ("12 5000", "5000"),
    ],
    "decimal mark": [("3,5", "3.5"), ("0,234", "0.234"), ("1,2345", "1.2345"), (".5", "0.5"), ("-.5", "-0.5")],
    "what cannot be decided": [("1,234", "1234"), ("1.234", "1.234")],
    "latex": [
        ("$\\$9{,}500$", "9500"),
        ("\\$9,500", "9500"),
        ("$1,\\!000$", "1000"),
        ("$12\\,500$", "12500"),
        ("10\\%", "10"),
        ("$12\\text{ cm}^2$", "12"),
        ("$\\frac{3}{4}$", "3/4"),
        ("$-\\dfrac{3}{4}$", "-3/4"),
        ("$1\\frac12$", "3/2"),
        ("\\cfrac{1}{2}", "1/2"),
        ("\\frac 1 2", "1/2"),
        ("{1 \\over 2}", "1/2"),
        ("\\frac{\\text{3}}{4}", "3/4"),
        ("$1.5 \\times 10^{3}$", "1500"),
    ],
    "sign": [
        ("-7", "-7"),
        ("x = −7", "-7"),
        ("–5", "-5"),
        ("－5", "-5"),
        ("—5", "-5"),
        ("-$5", "-5"),
        ("$-5", "-5"),
        ("−€5.50", "-5.5"),
        ("-EUR 5", "-5"),
        ("(-4)", "-4"),
        ("_-2_", "-2"),
        ("**-2**", "-2"),
        ("= +7", "7"),
        ("negative 5", "-5"),
        ("It is minus 5.", "-5"),
        ("x = - 5", "-5"),
        ("− 5", "-5"),
        ("5 − 3", "3"),
        ("5 - 3", "3"),
        ("- 5 apples", "5"),
        ("-**5**", "-5"),
        ("-`5`", "-5"),
        ("-(5)", "-5"),
        ("−(5)", "-5"),
        ("-{5}", "-5"),
        ("-\\text{5}", "-5"),
        ("-\\mathbf{5}", "-5"),
        ("-\u00a05", "-5"),
        ("−\u200a5", "-5"),
        ("⁻5", "-5"),
        ("➖5", "-5"),
        ("8 -(5)", "-5"),
        ("a-(5)", "5"),
        ("10⁻⁵ of 3", "3"),
        ("GPT-4", "4"),
        ("($5)", "5"),
    ],
    "markdown": [("**42**", "42"), ("`42`", "42"), ("_42_", "42"), ("***42***", "42")],
    "fraction": [
        ("3/4", "3/4"),
        ("3 / 4", "3/4"),
        ("1 1/2", "3/2"),
        ("½", "1/2"),
        ("1½", "3/2"),
        ("-1 1/2", "-3/2"),
        ("⅔", "2/3"),
        ("3⁄4", "3/4"),
    ],
    "scientific": [
        ("1e3", "1000"),
        ("2E-2", "0.02"),
        ("1.5 × 10^3", "1500"),
        ("1.5 x 10^3", "1500"),
        ("1.5×10³", "1500"),
        ("1.5·10⁻³", "0.0015"),
        ("1.5*10**3", "1500"),
        ("10^6", "1000000"),
        ("2^10", "1024"),
        ("7e", "7"),
    ],
    "scale": [
        ("5k", "5000"),
        ("5K", "5000"),
        ("2 million", "2000000"),
        ("2 hundred", "200"),
        ("2 Millionen", "2000000"),
        ("1.2 bn", "1200000000"),
        ("$1.2m", "1200000"),
        ("1.2m", "1.2"),
        ("3M", "3000000"),
        ("2 lakh", "200000"),
        ("2.5万", "25000"),
        ("2.5万元", "25000"),
        ("5千", "5000"),
        ("5만원", "50000"),
        ("3억", "300000000"),
        ("5 тыс.", "5000"),
        ("5 млн рублей", "5000000"),
        ("2 миллиарда", "2000000000"),
        ("5 mil", "5000"),
        ("5 milhões", "5000000"),
        ("5mila", "5000"),
        ("3 miljoner", "3000000"),
        ("2 miliardy", "2000000000"),
        ("5 करोड़", "50000000"),
        ("5 ألف", "5000"),
        ("2 Billionen", "2000000000000"),
        ("5 km", "5"),
        ("5 thou\u017fand", "5"),
        ("5 m\u0130llion", "5"),
    ],
    "script": [
        ("٤٢", "42"),
        ("４２", "42"),
        ("४२", "42"),
        ("١٬٢٣٤٫٥", "1234.5"),
        ("答案是42。", "42"),
        ("１，２３４", "1234"),
    ],
    "footnote": [
        ("42 [1]", "42"),
        ("42[1][2]", "42"),
        ("42 [^3]", "42"),
        ("42【4†source】", "42"),
        ("[42]", "42"),
        ("is [42]", "42"),
    ],
    "part of a word": [
        ("42 kg of CO2", "42"),
        ("42 cm^2", "42"),
        ("42 m²", "42"),
        ("x_1 is 42 for x_2", "42"),
        ("x2", "2"),
    ],
    "a bound is no value": [
        ("42 ± 3", "42"),
        ("42 +/- 3", "42"),
        ("$42 \\pm 3$", "42"),
        ("42 (p < 0.05)", "42"),
        ("42, n ≥ 30", "42"),
        ("42, as x >5", "42"),
        ("> 42", "42"),
        ("-> 42", "42"),
        ("=> 42", "42"),
        ("<b>42</b>", "42"),
        ("<42>", "42"),
    ],
    "remark": [
        ("42\nConfidence: 95%", "42"),
        ("42\n**Confidence:** high (9/10)", "42"),
        ("42\nKonfidenz: 95 %", "42"),
        ("42\n置信度：95%", "42"),
        ("42 (95% confidence)", "42"),
        ("42 (I am 95 % sure)", "42"),
        ("42, to 2 decimal places", "42"),
        ("5.1e2 (3 s.f.)", "510"),
        ("Confidence: 95%", "95"),
    ],
    "emoji": [("4\ufe0f\u20e32\ufe0f\u20e3", "42")],
    "list item": [("1. Add 3\n2. The sum is 8\n3. Done", "8"), ("42. That is all.", "42")],
    "not one number": [
        ("Paid 42 on 2024-01-31", "42"),
        ("Paid 42 at 12:30", "42"),
        ("42 in version 1.2.3", "42"),
        ("42 (3-5 days)", "42"),
        ("42 ($3–$5)", "42"),
        ("42 of 10%–20%", "42"),
        ("42 on 1/31/2024", "42"),
        ("42 on 31.01.2024", "42"),
        ("42 at 16:9", "42"),
        ("42 at 0x1F", "42"),
    ],
}


@pytest.mark.parametrize(
    ("text", "number"), [pytest.param(*each, id=f"{kind}: {each[0]!r}") for kind in FORMS for each in FORMS[kind]]
)
def test_a_number_is_read_as_it_is_meant(text: str, number: str) -> None:
    assert read(text) == Fraction(number)


NO_NUMBERS = ["", "none", "x²", "- . , e", "2024-01-31", "12:30", "3-5", "10–20", "1.2.3", "5/0"]
NO_NUMBERS += ["<5", "≤ 5", ">5", "x > 5", "≠5", "±5", "+/-5", "x^2", "O(n^{2})", "a_5", "H2O"]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_not_one_number_is_not_read_as_one(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "1e99999",
        "9" * 5000,
        "3 and 9^9999",
        "3 or 0^-1",
        "\\boxed{2\\sqrt{3}}",
        "3, so 2π",
        "3, so π/2",
        "\\boxed{\\frac{\\pi}{2}}",
        "\\boxed{\\frac{\\sqrt{3}}{2}}",
        "\\frac{x}{2}",
        "2^{x}",
        "√2",
        "1e9999999999999999",
        "7 × 10^99999",
    ],
)
def test_what_is_beyond_all_bounds_or_a_factor_of_a_formula_equals_nothing(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("1,234", "1234", "1.234"),
        ("1.234", "1.234", "1234"),
        ("1,234.5", "1234.5", None),
        ("1.234,5", None, "1234.5"),
        ("1 234,5", None, "1234.5"),
        ("12.5", "12.5", None),
        ("12,5", None, "12.5"),
        ("1.234.567", None, "1234567"),
        ("1,234,567", "1234567", None),
        ("42", "42", "42"),
    ],
)
def test_a_stated_decimal_mark_reads_nothing_else(text: str, point: str | None, comma: str | None) -> None:
    for notation, number in ((POINT, point), (COMMA, comma)):
        assert notation.whole(text) == (None if number is None else Fraction(number))


@pytest.mark.parametrize(
    "text",
    [
        "#### 42\nConfidence: 95%",
        "So 6 × 7 = 42 #### 42\n\n(2 steps)",
        "#### **$42**\n1 step",
        "\\boxed{42} and 7 more",
        "$\\boxed{x = 42}$, as 3 + 4 = 7",
        "Answer: 42\nConfidence: 95%",
        "**Answer:** 42 (95% sure)",
        "**Final answer**\n\nThe answer is 42, not 43.",
        "The answer to question 3 is 40 + 2 = 42. I checked 2 times.",
        "The final answer is:\n\n42\n\nI used 3 steps.",
        "Answer: 42, because 3 * 4 = 12",
        "answer = 42; 95 % sure",
        '{"answer": 42, "confidence": 95}',
        "Answer: 41\nWait.\nAnswer: 42\n2 tries",
        "#### Step 1\nadd\n#### Step 2\nit is 42",
        "Answer: see \\boxed{42}; 1 box",
        "The answer is as above.\nIt is 42",
        "I hope this answer is of use. 42",
        "<answer>42</answer> Confidence: 95",
        "The answer is not 41 but 42",
        "### Answer\n42\n### Steps\n95",
        "**Final Answer**\n\n42\n\n3 steps",
        "The answer would be 42. There were 3 steps.",
        "The answer comes to 42 after 3 steps.",
    ],
)
def test_a_marker_wins_over_the_last_number(text: str) -> None:
    assert read(text) == 42


def test_a_marker_of_the_suite_wins_over_those_that_are_known() -> None:
    assert read("Ergebnis:  42\nanswer is 7, 95 % sure", marker="ergebnis:") == 42
    assert read("Das  Ergebnis\nlautet 42 (95 %)", marker="Ergebnis lautet") == 42
    assert read("no such word: 42", marker="Ergebnis:") == 42


def test_a_percent_sign_is_passed_over_or_means_hundredths() -> None:
    assert numeric("15%", 15) == numeric("15 %", "15%") == 1.0
    assert numeric("15%", 0.15) == 0.0
    written = {"15%": "0.15", "15 percent": "0.15", "5‰": "0.005", "0.15": "0.15", "10\\%": "0.1"}
    for text, number in written.items():
        assert read(text, Notation(percent="fraction")) == Fraction(number)
    assert numeric("15%", 0.15, percent="fraction") == numeric("0.15", "15%", percent="fraction") == 1.0
    assert numeric("15", 0.15, percent="fraction") == 0.0


@pytest.mark.parametrize(
    ("text", "unit", "score"),
    [
        ("12 kg", "kg", 1.0),
        ("12kg in 3 boxes", "kg", 1.0),
        ("$12\\text{ kg}$", "kg", 1.0),
        ("**12** kg", "kg", 1.0),
        ("12 g", "kg", 0.0),
        ("12", "kg", 0.0),
        ("12 kgs", "kg", 0.0),
        ("12 kg/m", "kg", 0.0),
        ("12 mW", "MW", 0.0),
        ("12 kilograms", ["kg", "kilograms"], 1.0),
        ("$12 for 3", "$", 1.0),
        ("EUR 12 for 3", ["€", "EUR"], 1.0),
        ("12 € for 3", "€", 1.0),
        ("12K", "K", 1.0),
        ("12 %, 3 times", "%", 1.0),
        ("12 kg 3 times", "kg", 1.0),
        ("USD -12, 3 times", "USD", 0.0),
    ],
)
def test_with_a_unit_only_numbers_that_stand_with_it_are_read(text: str, unit: str | list[str], score: float) -> None:
    assert numeric(text, 12, unit=unit) == score


@pytest.mark.parametrize(
    ("text", "expected", "tolerance", "score"),
    [
        ("42", 42, 0.0, 1.0),
        ("42.0", "42", 0.0, 1.0),
        ("42.1", 42, 0.0, 0.0),
        ("42.1", 42, 0.1, 1.0),
        ("0.4", 0.1, 0.3, 1.0),
        ("0.3", 0.1 + 0.2, 0.0, 0.0),
        ("0.3", 0.1 + 0.2, 1e-9, 1.0),
        ("0.30000000000000004", 0.3, 0.0, 0.0),
        ("41.89", 42, 0.1, 0.0),
        ("-42", 42, 0.0, 0.0),
        ("no idea", 0, 0.0, 0.0),
        ("1e308", -1e308, 0.0, 0.0),
        ("3/4", 0.75, 0.0, 1.0),
        ("0.75", "3/4", 0.0, 1.0),
        ("0.333", "1/3", 0.001, 1.0),
        ("1204.5", "1,204.50", 0.0, 1.0),
        ("5", " 5. ", 0.0, 1.0),
        ("1 000", 1000.0, 0.0, 1.0),
        ("100000", 1e5, 0.0, 1.0),
        ("72", "48 + 24 = 72\n#### 72", 0.0, 1.0),
        ("123456789012345678901234567890", 123456789012345678901234567890, 0.0, 1.0),
        ("123456789012345678901234567891", 123456789012345678901234567890, 0.0, 0.0),
        ("9007199254740993", "9007199254740992", 0.0, 0.0),
    ],
)
def test_a_number_within_the_tolerance_scores_one_and_without_any_an_equal_one(
    text: str, expected: float | str, tolerance: float, score: float
) -> None:
    assert numeric(text, expected, tolerance=tolerance) == score


def test_a_relative_tolerance_is_a_share_of_the_expected_number() -> None:
    assert numeric("101", -100, relative_tolerance=0.01) == 0.0
    assert numeric("101", 100, relative_tolerance=0.01) == 1.0
    assert numeric("101.1", 100, relative_tolerance=0.01) == 0.0
    assert numeric("101.1", 100, relative_tolerance=0.01, tolerance=2) == 1.0


@given(WORDS, st.integers(-(10**40), 10**40) | st.decimals(-(10**9), 10**9, places=6), WORDS)
def test_a_number_among_words_is_found(before: str, number: int | Decimal, after: str) -> None:
    assert read(f"{before}: {number} .{after}") == Fraction(number)


@given(st.integers(-(10**15), 10**15), st.sampled_from([",", "_", "'", "’", " ", "\u00a0", "\u202f"]))
def test_thousands_separators_do_not_matter(number: int, mark: str) -> None:
    assert read(f"{number:,}".replace(",", mark)) == number


@given(st.integers(1, 10**30), st.integers(1, 10**30))
def test_another_number_is_never_equal(number: int, other: int) -> None:
    assert numeric(f"{other}", number) == float(number == other)
    assert numeric(f"{number + 1}", number) == 0.0
    assert numeric(f"-{number}", number) == 0.0
    assert numeric(f"{number}.5", number) == 0.0


@given(NUMBERISH | st.text())
@example("1" * 5000 + "e5")
@example("0^-1")
@example("0/0")
def test_what_is_read_in_any_text_is_a_number_or_none(text: str) -> None:
    for notation in (AUTO, POINT, COMMA, Notation(percent="fraction", units=("k", "%"))):
        assert isinstance(read(text, notation), int | Fraction | None)
        assert isinstance(notation.whole(text), int | Fraction | None)


@given(st.text(st.characters(codec="utf-8")).filter(lambda text: not re.search(r"[\d¼-¾⅐-⅞↉]", text)))
def test_without_a_digit_there_is_no_number(text: str) -> None:
    assert read(text) is None


HOSTILE = ["1", "1,", ",", "1,234", "-", "1 234 ", "1-", "1/", "answer ", "answer:", "\\boxed{", "####", "#### 1-\n"]
HOSTILE += [
    "1. a\n",
    "\\frac{1}{",
    "1e1",
    "^",
    "$",
    "ABC ",
    "1 1/",
    "½",
    "²",
    "1²",
    "٣",
    "1'",
    "10^",
    "US",
    "1x10",
    "【",
]
HOSTILE += [
    "[1]",
    "\n",
    " ",
    "{",
    "negative ",
    "is minus ",
    "-(",
    "-\\text{",
    "confidence",
    "(",
    "(sure",
    "\\frac{{}",
    "<1",
    "> 1",
]
HOSTILE += ["1 decimal ", "# answer\n", "*", "5 mil ", "5千", "{1 \\over ", "x/1"]


@pytest.mark.parametrize("part", HOSTILE)
def test_reading_is_linear_in_the_length_of_the_answer(part: str) -> None:
    started = time.process_time()
    read(part * (200_000 // len(part)))
    assert time.process_time() - started < 3


def test_only_the_end_of_a_huge_answer_is_read() -> None:
    assert numeric("5 " + "x" * 1_000_000, 5) == 0.0
    assert numeric("x" * 1_000_000 + " 5", 5) == 1.0
