from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.gate import Board, ControlVariate
from evalgate.report import wording
from evalgate.report.wording import safe
from tests.report.board_factory import HOSTILE, facts

ANY_TEXT = st.text(st.characters(), max_size=60) | st.text(
    st.sampled_from(
        "\x00\x1b\x07\x08\x7f\x85\x9b\u200b\u200d\u200e\u202e\u2066\u2069\ufeff\ud800\U000e0041\r\n\t aé漢"
    ),
    max_size=60,
)


@settings(deadline=None)
@given(ANY_TEXT, st.integers(1, 80), st.booleans())
def test_safe_leaves_no_control_character_and_keeps_the_limit(text: str, limit: int, multiline: bool) -> None:
    shown = safe(text, limit, multiline=multiline)

    assert len(shown) <= limit
    left = {character for character in shown if unicodedata.category(character)[0] == "C"}
    assert left <= {"\u200c", "\u200d", *("\n" if multiline else "")}
    assert not {"\u2028", "\u2029"} & set(shown)


@settings(deadline=None)
@given(ANY_TEXT)
def test_safe_said_twice_is_safe_said_once(text: str) -> None:
    assert safe(safe(text, 1_000), 1_000) == safe(text, 1_000)


@settings(deadline=None)
@given(st.text(st.characters(categories=("L", "M", "N", "P", "S")), max_size=60))
def test_safe_does_not_touch_what_people_write(text: str) -> None:
    assert safe(text, 60) == text


def test_safe_shows_what_it_replaces() -> None:
    assert safe("\x1b[31m\u202e\x7f") == "␛[31m‹U+202E›␡"


def test_safe_keeps_the_joiner_that_emoji_and_persian_are_spelled_with() -> None:
    assert safe("👩‍🔬 می‌خواهم") == "👩‍🔬 می‌خواهم"


def test_safe_says_that_it_cut_something_off() -> None:
    assert safe("a" * 10, 5) == "aaaa…"
    assert safe("a\r\nb\r\ncd", 5, multiline=True) == "a\nb\n…"


def test_line_feeds_stay_only_where_lines_are_wanted() -> None:
    assert safe("a\r\n\tb\nc", multiline=True) == "a\n    b\nc"
    assert safe("a\nb") == "a␊b"


@pytest.mark.parametrize(
    ("difference", "text"),
    [
        (-0.041, "−4.1"),
        (0.008, "+0.8"),
        (0.0, "0.0"),
        (-0.0004, "−0.04"),
        (-0.000004, "0.0"),
        (-1.0, "−100"),
        (0.0996, "+10.0"),
    ],
)
def test_points_have_a_sign_unless_they_are_nothing(difference: float, text: str) -> None:
    assert wording.points(difference) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.47, "47 %"), (0, "0 %"), (0.004, "0.4 %"), (-0.2, "−20 %"), (1, "100 %")]
)
def test_small_shares_are_not_rounded_to_nothing(share: float, text: str) -> None:
    assert wording.percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0312, "0.0312"), (57.24, "57.2"), (1240.2, "1,240"), (2.0**1000, "1e301"), (3e6, "3e6")]
)
def test_e_values_stay_readable_up_to_certainty(value: float, text: str) -> None:
    assert wording.e_value(value) == text


def test_a_saving_is_marked_unless_both_prices_are_listed(board: Board) -> None:
    operation = board.operations[0]
    verdict = operation.verdicts[0]
    listed = replace(operation, baseline=replace(operation.baseline, price_basis="listed"))
    both = replace(verdict, variant=replace(verdict.variant, price_basis="listed"))

    assert wording.saving(operation, verdict) == "47 %*"
    assert wording.saving(listed, verdict) == "47 %*"
    assert wording.saving(listed, both) == "47 %"


def test_a_red_is_told_by_the_metric_that_proves_it(board: Board) -> None:
    red = next(each for each in board.operations[2].verdicts if each.outcome == "red")
    other = replace(red.metrics[1], e_red=1e9, e_green=1e9)

    assert replace(red, metrics=(red.metrics[0], other)).worst is other


def test_variants_stand_from_most_to_fewest_bits_and_the_unknown_last(board: Board) -> None:
    unknown = replace(board.operations[0].verdicts[0], variant=facts("mystery", "undisclosed", None))

    order = [each.variant.id for each in wording.by_precision((unknown, *board.operations[0].verdicts))]

    assert order[0] == "lab-f16-short"
    assert order[1:4] == ["lab-q8_0", "lab-q6_k", "lab-q4_k_m"]
    assert order[-1] == "mystery"


@pytest.mark.parametrize("text", HOSTILE)
def test_every_hostile_text_becomes_utf8_that_can_be_written(text: str) -> None:
    assert "\x1b" not in safe(text).encode("utf-8").decode()


def test_a_control_variate_is_told_by_the_verdicts_that_needed_it(board: Board) -> None:
    operation = board.operations[0]
    assert wording.control_variate(operation) == ""
    needed, spare, *others = operation.verdicts
    needed = replace(needed, control_variate=ControlVariate(31.0, 18.0, decisive=True))
    spare = replace(spare, control_variate=ControlVariate(31.0, 40.0, decisive=False))
    told = wording.control_variate(replace(operation, verdicts=(needed, spare, *others)))
    assert told == "control variate (baseline known beforehand): needed for 1 of 2 verdicts"
    assert "without the control variate not proven yet: e-value 18" in wording.remarks(needed)
    assert wording.remarks(spare) == wording.remarks(operation.verdicts[1])
