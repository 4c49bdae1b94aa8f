"""Patterns as ECMA-262 has them: what they match is said here, not what they are translated into."""

from __future__ import annotations

import contextlib
import re
import time

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from evalgate.graders.ecma import PatternError, translate


def matches(pattern: str, text: str) -> bool:
    return regex.search(translate(pattern), text) is not None


@pytest.mark.parametrize(
    ("pattern", "fitting", "others"),
    [
        (r"^\d+$", ["12"], ["12\n", "١٢", "1２"]),
        (r"^\w+$", ["aZ_9"], ["é", "ß"]),
        (r"^\W$", ["é"], ["a"]),
        (r"\bx", [" x", "éx"], ["ax"]),
        (r"a\B", ["ab"], ["a", "aé"]),
        (r"^\s$", ["\ufeff", "\u2028", "\u00a0", "\v"], ["\x1c", "\x85", "\u200b"]),
        (r"^\S$", ["\x85"], ["\u3000"]),
        (r"^.$", ["a", "😀", "\x85"], ["\n", "\r", "\u2028", "\u2029"]),
        (r"^a$|^b$", ["a", "b"], ["a\n", "\nb"]),
        (r"^[^]$", ["a", "\n"], [""]),
        (r"[]", [], ["", "a", "]"]),
        (r"^\p{L}+$", ["é", "ж", "a"], ["1", "_"]),
        (r"^\P{Lu}$", ["a"], ["A"]),
        (r"^\p{Script=Greek}$", ["α"], ["a"]),
        (r"^[\p{L}\d-]+$", ["é-1"], ["_"]),
        (r"^[^\p{L}\d]$", ["_"], ["é", "1"]),
        (r"^[\w-.]+$", ["a-."], ["+"]),
        (r"^[^\W\d]$", ["a", "_"], ["1", "é"]),
        (r"^[\b]$", ["\b"], ["b"]),
        (r"^(?<year>\d{4})-\k<year>$", ["2024-2024"], ["2024-2025"]),
        (r"^(?:(a)|b)\1c$", ["aac", "bc"], ["ac"]),
        (r"^(a\1)$", ["a"], ["aa"]),
        (r"^a\/b\-c$", ["a/b-c"], ["ab-c"]),
        (r"^\u{1F600}$", ["😀"], ["u"]),
        (r"^\ud83d\ude00$", ["😀"], [""]),
        (r"^\x41\u0042\cJ\0$", ["AB\n\0"], ["AB"]),
        (r"^[😀-😂]$", ["😁"], ["a"]),
        (r"^{a}$", ["{a}"], ["a"]),
        (r"^x{,3}$", ["x{,3}"], ["xx"]),
        (r"^a{e<=1}$", ["a{e<=1}"], ["", "b"]),
        (r"^[[:alpha:]]$", ["a]", ":]"], ["b"]),
        (r"^[a&&b]$", ["&"], ["&&"]),
        (r"(?=.*[A-Z])(?!.*\s)^.{2,}$", ["aB"], ["ab", "a B"]),
        (r"(?<=\$)\d", ["$1"], ["1"]),
        (r"^#.*$", ["# x"], ["x"]),
        (r"^a+?b*?$", ["aab"], ["b"]),
    ],
)
def test_a_pattern_matches_what_it_matches_in_javascript(pattern: str, fitting: list[str], others: list[str]) -> None:
    assert [text for text in fitting if not matches(pattern, text)] == []
    assert [text for text in others if matches(pattern, text)] == []


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (r"^a\Z", r"\\Z, which ECMA-262 does not have \(with the u flag\) at character 3"),
        (r"\a", r"\\a, which"),
        (r"(?i)a", "inline flags"),
        (r"(?>a)", "atomic groups"),
        (r"(?#a)", "comments"),
        (r"(?P<n>a)", "a group that ECMA-262 does not have"),
        (r"a++", "nothing to repeat at character 3"),
        (r"*a", "nothing to repeat at character 1"),
        (r"a|+", "nothing to repeat"),
        (r"(", "never closed"),
        (r"a)", "closes nothing at character 2"),
        (r"[a", "a class that is never closed"),
        (r"[b-a]", "range out of order"),
        (r"a{2,1}", "quantifier out of order"),
        (r"(a)\2", "group that is not there"),
        (r"\k<n>", "group that is not there"),
        (r"(?<n>a)(?<n>b)", "a second group named 'n'"),
        (r"\u{110000}", r"beyond U\+10FFFF"),
        (r"\p{Klingon}", "no Unicode property 'Klingon'"),
        ("a\\", "nothing behind it"),
    ],
)
def test_what_is_none_of_ecma_is_refused_with_its_place(pattern: str, told: str) -> None:
    with pytest.raises(PatternError, match=told):
        translate(pattern)


@given(st.text(max_size=30))
def test_escaped_text_matches_itself_and_nothing_longer(text: str) -> None:
    pattern = "^" + re.sub(r"[\^$\\.*+?()\[\]{}|/]", r"\\\g<0>", text) + "$"
    assert matches(pattern, text)
    assert not matches(pattern, text + "\n")


@given(st.text(alphabet="ab0(){}[]?*+|^$.\\-,<>=!:kdwpLu", max_size=40))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    try:
        translated = translate(text)
    except PatternError:
        return
    regex.compile(translated)


@pytest.mark.parametrize("piece", ["(", "(a", "[", "[a", "\\", r"\p{L}", "a{1", "(?<", r"[\w-", "{", "(a)\\1"])
def test_a_long_pattern_is_read_in_time_linear_in_it(piece: str) -> None:
    started = time.process_time()
    with contextlib.suppress(PatternError):
        translate(piece * 20_000)
    assert time.process_time() - started < 10
