"""Normalisation removes only what cannot carry meaning."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalgate.graders.normalise import INVISIBLE, normalised

MODES = ("default", "strict", "none")
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TRICKY = st.text(
    st.sampled_from("aB5é\u0301ßẞİıΣς'\"“”«»‘’`*_.。!?¡ \u00a0\n\u200b\u200c\u200d\u00ad-–−+#אΩ👍\ufe0f³ʼ/\\")
)

SAME = [
    ("Paris", "paris"),
    ("Paris", "Paris."),
    ("Paris", " Paris\n"),
    ("New York", "new\u00a0york"),
    ("New York", "New\u202fYork"),
    ("New York", "New\r\nYork"),
    ("New York", "New\u3000York"),
    ("shipping", "“shipping”"),
    ("shipping", "„shipping“"),
    ("shipping", "»shipping«"),
    ("shipping", "‘shipping’"),
    ("shipping", "「shipping」"),
    ("shipping", "`shipping`"),
    ("shipping", "```shipping```"),
    ("shipping", "```text\nshipping\n```"),
    ("shipping", "**shipping**"),
    ("shipping", "**Shipping.**"),
    ("shipping", "***shipping***."),
    ("shipping", '"Shipping".'),
    ("shipping", "_shipping_"),
    ("Paris", "« Paris »"),
    ("Paris", "\u200bParis"),
    ("Paris", "\ufeffParis"),
    ("Paris", "Pa\u00adris"),
    ("Paris", "\u200eParis\u200f"),
    ("Paris", "Paris\u200d"),
    ("Paris", "Paris !"),
    ("巴黎", "巴黎。"),
    ("巴黎", "巴黎！"),
    ("पेरिस", "पेरिस।"),
    ("باريس", "باريس۔"),
    ("བོད", "བོད།"),
    ("hola", "¡Hola!"),
    ("don't", "don’t"),
    ("don't", "‘don’t’"),
    ("м'ята", "мʼята"),
    ("e-mail", "e‑mail"),
    ("-5", "−5"),
    ("-5", "–5"),
    ("café", "cafe\u0301"),
    ("STRASSE", "straße"),
    ("❤", "❤\ufe0f"),
    ("+", "`+`"),
    ("C++", "**C++**."),
    ("50%", "50%."),
    ("+", "**+**"),
    ("42", "42."),
    ("한글", unicodedata.normalize("NFD", "한글")),
]
DIFFERENT = [
    ("-5", "5"),
    ("42", "<42"),
    ("42", "~42"),
    ("AA+", "AA-"),
    ("A", "A-"),
    ("A", "A+"),
    ("C#", "C++"),
    ("C", "C#"),
    (".5", "5"),
    ("10²", "102"),
    ("H₂O", "H2O"),
    ("½", "1/2"),
    ("５", "5"),
    ("٥", "5"),
    ("x", "!x"),
    ("5", "5!"),
    ("n", "n!"),
    ("$5", "5"),
    ("5€", "5"),
    ("5", "5%"),
    ("5%", "5‰"),
    ("#5", "5"),
    ("@ada", "ada"),
    ("/", "./"),
    ("*", "**"),
    ("*.*", "."),
    ("$.", "$"),
    ("a, b", "a b"),
    ("a", "(a)"),
    ("a", "[a]"),
    ("a", "<a>"),
    ("a", "~~a~~"),
    ("...", "."),
    ("Paris...", "Paris"),
    ("Paris?!", "Paris"),
    ("", "."),
    ('"', ""),
    ("é", "e"),
    ("ı", "i"),
    ("µg", "mg"),
    ("5′", "5″"),
    ('5"', "5"),
    ("a'", "a"),
    ("'a' or 'b'", "a' or 'b"),
    ("**a** or **b**", "a** or **b"),
    ("x⁻¹", "x-1"),
    ("a\u2062b", "ab"),  # an invisible sign of multiplication
    ("👨\u200d👩\u200d👧", "👨👩👧"),  # a family, and three people
    ("می\u200cخواهم", "میخواهم"),
    ("non breaking", "nonbreaking"),
    ("resume", "re-sume"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_cannot_carry_meaning_makes_no_difference(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_may_carry_meaning_makes_a_difference(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_strict_forgives_only_what_nobody_sees() -> None:
    assert normalised(" cafe\u0301\u00a0\n\u200bnoir ", "strict") == "café noir"
    for text in ("Paris.", '"Paris"', "don’t", "a–b", "PARIS", "**a**"):
        assert normalised(text, "strict") == text


def test_none_forgives_nothing() -> None:
    assert normalised(" cafe\u0301\n", "none") == " cafe\u0301\n"


def test_case_is_ignored_or_minded_in_every_mode_when_that_is_said() -> None:
    assert [normalised("É b", mode, ignore_case=True) for mode in MODES] == ["é b"] * 3
    assert [normalised("É b", mode, ignore_case=False) for mode in MODES] == ["É b"] * 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ignore_case", [None, True, False])
@given(TEXT | TRICKY)
@example("Paris.*.")
@example("ẞ\u200dא")
@example("o\u200d\u031b\u0301\u200dא")
@example("\u0345\u0301İ")
@example('"*`Paris.`*"')
@example("巴黎\u200d。")
@example("```a\n```b\nx\n```\n```")
def test_normalising_twice_changes_nothing(mode, ignore_case, text: str) -> None:
    once = normalised(text, mode, ignore_case)
    assert normalised(once, mode, ignore_case) == once


@pytest.mark.parametrize("mode", MODES)
def test_normalising_any_character_twice_changes_nothing(mode) -> None:
    for code in range(0x30000):
        for text in (chr(code), f"a{chr(code)}b", f"{chr(code)}א\u200d{chr(code)}"):
            once = normalised(text, mode)
            assert normalised(once, mode) == once, hex(code)


DROPPED = {chr(code) for code in INVISIBLE} | set("`*_\u200c\u200dʼ−－﹣")


def meaning(text: str) -> str:
    """The letters, digits, signs and symbols of a text, but for case and the marks of Markdown."""
    seen = unicodedata.normalize("NFC", "".join(character for character in text if character not in DROPPED))
    kept = [each for each in seen if unicodedata.category(each)[0] in "LNS" or each in "%#&@/\\()[]<+,;"]
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", "".join(kept)).casefold())


@given(TEXT | TRICKY, TEXT | TRICKY)
def test_texts_that_differ_in_a_letter_digit_sign_or_symbol_never_become_equal(one: str, other: str) -> None:
    if meaning(one) != meaning(other):
        assert normalised(one) != normalised(other)


@given(TRICKY | TEXT, st.integers(0, 50), st.characters(categories=["L", "N", "S"]).filter(lambda c: c not in DROPPED))
def test_one_letter_digit_or_symbol_more_is_another_text(text: str, at: int, more: str) -> None:
    assert normalised(text[:at] + more + text[at:]) != normalised(text)


@given(TRICKY, st.sampled_from("-+#%<>=~^$€£/\\&@±×÷²½°"))
def test_a_sign_at_either_end_is_kept(text: str, sign: str) -> None:
    assert sign in normalised(sign + text + "a")
    assert sign in normalised("a" + text + sign)


@pytest.mark.parametrize(
    "text",
    ["\u0301\u0316" * 300_000, "'a" * 500_000, "_a_" * 300_000, "。" * 1_000_000, "א\u200d" * 400_000, "`" * 1_000_000],
    ids=range(6),
)
def test_a_huge_answer_is_normalised_in_linear_time(text: str) -> None:
    started = time.process_time()
    normalised(text)
    assert time.process_time() - started < 5
