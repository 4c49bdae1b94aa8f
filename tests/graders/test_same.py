"""Fields and whole values: loosened only where the suite says so."""

from __future__ import annotations

import datetime
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.exchange import JsonValue
from evalgate.graders import registry
from evalgate.graders.dates import day
from evalgate.graders.same import Rule, _all_matched
from evalgate.graders.structure import json_fields, json_match
from tests.conftest import JSON


@pytest.mark.parametrize(
    ("answer", "target", "refused", "allowed"),
    [
        ('{"a": 1}', {"a": 1}, 1, 1),
        ('{"a": 1, "b": 2}', {"a": 1}, 0, 1),
        ('{"a": {"b": 1, "c": 2}}', {"a": {"b": 1}}, 0, 1),
        ('[{"a": 1, "b": 2}]', [{"a": 1}], 0, 1),
        ('{"b": 1}', {"a": None, "b": 1}, 0, 0),
        ("{}", {}, 1, 1),
        ('{"a": 1}', {}, 0, 0),
        ("[1, 2]", [1, 2], 1, 1),
        ("[2, 1]", [1, 2], 0, 0),
        ("[1]", [1, 1], 0, 0),
        ('"Paris."', "paris", 1, 1),
        ("Paris", "Paris", 0, 0),
        ("true", 1, 0, 0),
        ("1.0", 1, 1, 1),
        ("```json\n[1]\n```", [1], 1, 1),
        ("no JSON", {"a": 1}, 0, 0),
        ('{"a": 1', {"a": 1}, 0, 0),
    ],
)
def test_the_whole_value_is_the_target(answer: str, target: JsonValue, refused: float, allowed: float) -> None:
    assert json_match(answer, target) == refused
    assert json_match(answer, target, extra_fields="allow") == allowed


@given(JSON.filter(lambda value: value is not None))
def test_every_value_matches_itself_and_has_all_fields_right(value: JsonValue) -> None:
    text = json.dumps(value)
    assert json_match(text, value) == json_match(text, value, unordered=True, tolerance=0.1, dates="any") == 1.0


@given(JSON.filter(lambda value: value is not None), JSON)
def test_who_matches_the_whole_has_every_field_right(target: JsonValue, said: JsonValue) -> None:
    if json_match(json.dumps(said), target) and isinstance(target, dict) and target:
        assert json_fields(json.dumps(said), target) == 1.0


@pytest.mark.parametrize(
    ("answer", "options", "score"),
    [
        ('{"n": 10.4}', {}, 0.0),
        ('{"n": 10.4}', {"tolerance": 0.4}, 1.0),
        ('{"n": 10.5}', {"tolerance": 0.4}, 0.0),
        ('{"n": 10.5}', {"relative_tolerance": 0.05}, 1.0),
        ('{"n": 10.51}', {"relative_tolerance": 0.05}, 0.0),
        ('{"n": true}', {"tolerance": 100.0}, 0.0),
        ('{"n": "10"}', {"tolerance": 100.0}, 0.0),
        ('{"n": 1e999999}', {"tolerance": 1.0}, 0.0),
        ('{"n": 10}', {"fields": {"n": Rule(tolerance=0.1)}}, 1.0),
        ('{"n": 10.05}', {"fields": {"n": Rule(tolerance=0.1)}}, 1.0),
        ('{"n": 10.05}', {"fields": {"m": Rule(tolerance=0.1)}}, 0.0),
    ],
)
def test_numbers_are_exact_unless_a_tolerance_is_given(answer: str, options: dict[str, object], score: float) -> None:
    assert json_fields(answer, {"n": 10}, **options) == score


def test_a_tolerance_is_of_what_is_written_and_not_of_a_float() -> None:
    assert json_fields('{"n": 0.3}', {"n": 0.2}, tolerance=0.1) == 1.0


@pytest.mark.parametrize(
    ("answer", "ordered", "unordered"),
    [("[1, 2, 3]", 1, 1), ("[3, 1, 2]", 0, 1), ("[1, 2, 2]", 0, 0), ("[1, 2]", 0, 0), ("[1, 2, 3, 3]", 0, 0)],
)
def test_the_order_of_a_list_counts_unless_it_is_said_not_to(answer: str, ordered: float, unordered: float) -> None:
    assert json_match(answer, [1, 2, 3]) == ordered
    assert json_match(answer, [1, 2, 3], unordered=True) == unordered


def test_members_within_a_tolerance_find_partners_that_leave_one_for_everybody() -> None:
    assert json_match("[1.5, 0.5]", [1, 2], unordered=True, tolerance=0.5) == 1.0
    assert json_match("[1.4, 1.4]", [1, 2], unordered=True, tolerance=0.5) == 0.0


@given(st.lists(st.lists(st.integers(0, 4), max_size=5, unique=True), max_size=5))
def test_partners_are_found_exactly_when_there_are_some(fits: list[list[int]]) -> None:
    there_are = any(
        all(at in fit for at, fit in zip(order, fits, strict=False)) for order in itertools.permutations(range(5))
    )
    assert _all_matched(fits) == there_are


def test_a_rule_holds_for_a_field_and_what_is_inside_it() -> None:
    target: JsonValue = {"tags": ["a", "b"], "lines": [{"price": 1, "text": "X"}], "others": [1, 2]}
    answer = json.dumps({"tags": ["b", "a"], "lines": [{"price": 1.01, "text": "X"}], "others": [2, 1]})
    assert json_fields(answer, target) == 0.0
    fields = {"tags": Rule(unordered=True), "lines[].price": Rule(tolerance=0.01)}
    assert json_fields(answer, target, fields=fields) == 2 / 3
    assert json_fields(answer, target, unordered=True, fields={"lines": Rule(tolerance=0.01)}) == 1.0


@pytest.mark.parametrize(
    ("written", "any_", "day_first", "month_first"),
    [
        ("2024-02-01", "2024-02-01", "2024-02-01", "2024-02-01"),
        ("20240201", "2024-02-01", "2024-02-01", "2024-02-01"),
        ("1 February 2024", "2024-02-01", "2024-02-01", "2024-02-01"),
        ("Thursday, February 1st, 2024", "2024-02-01", "2024-02-01", "2024-02-01"),
        ("1. Feb 2024", "2024-02-01", "2024-02-01", "2024-02-01"),
        ("01.02.2024", "2024-02-01", "2024-02-01", "2024-02-01"),
        ("01/02/2024", None, "2024-02-01", "2024-01-02"),
        ("13/02/2024", "2024-02-13", "2024-02-13", None),
        ("02/13/2024", "2024-02-13", None, "2024-02-13"),
        ("03/03/2024", "2024-03-03", "2024-03-03", "2024-03-03"),
        ("30 February 2024", None, None, None),
        ("2024-02-01T00:00", None, None, None),
        ("1 Feb 24", None, None, None),
        ("2024", None, None, None),
        ("", None, None, None),
    ],
)
def test_a_day_is_read_only_where_it_can_be_no_other(
    written: str, any_: str | None, day_first: str | None, month_first: str | None
) -> None:
    found = [day(written, form) for form in ("any", "day_first", "month_first")]
    assert [each and each.isoformat() for each in found] == [any_, day_first, month_first]


@given(st.dates())
def test_a_day_is_the_same_in_every_form(when: datetime.date) -> None:
    forms = [f"{when:%d %B} {when.year:04}", f"{when:%B} {when.day}, {when.year:04}", f"{when:%d.%m.}{when.year:04}"]
    assert {day(form, "any") for form in forms} == {when}
    assert json_match(json.dumps(forms), [when.isoformat()] * 3, dates="any") == 1.0
    assert json_match(json.dumps(forms), [when.isoformat()] * 3) == 0.0


@given(st.text(max_size=30) | st.text(st.sampled_from("0123456789-/. JanFebst,"), max_size=20))
def test_no_text_breaks_the_reading_of_days(text: str) -> None:
    assert day(text, "any") is None or day(text, "any") == day(text, "day_first") or day(text, "month_first")


def test_a_rule_with_an_unknown_word_is_refused_with_its_place() -> None:
    with pytest.raises(ValueError, match="fields") as caught:
        registry.find("json_fields").check_options({"fields": {"due": {"dats": "any"}}})
    assert "due: dats:" in str(caught.value.args[1])
