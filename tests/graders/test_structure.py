"""Graders for answers that should be JSON."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given

from evalgate.exchange import JsonValue
from evalgate.graders.same import Comparison, same
from evalgate.graders.structure import json_fields
from tests.conftest import JSON

ORDER = {"name": "Ada", "lines": [{"item": "lamp", "count": 2}], "total": {"net": 10, "vat": 1.9}}


@given(JSON.filter(lambda value: isinstance(value, dict) and value))
def test_a_target_has_all_of_its_own_fields_right(target: JsonValue) -> None:
    assert json_fields(json.dumps(target), json.loads(json.dumps(target))) == 1.0


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        (ORDER, 1.0),
        (ORDER | {"more": 1}, 1.0),
        (ORDER | {"name": " ADA. "}, 1.0),
        (ORDER | {"lines": [{"item": "Lamp", "count": 2.0}]}, 1.0),
        (ORDER | {"lines": [{"item": "lamp", "count": 2, "more": 1}]}, 1.0),
        (ORDER | {"name": "Bob"}, 0.75),
        (ORDER | {"lines": [{"item": "lamp"}]}, 0.75),
        (ORDER | {"lines": []}, 0.75),
        (ORDER | {"total": {"net": 10}}, 0.75),
        (ORDER | {"total": 11.9}, 0.5),
        (ORDER | {"total": None, "name": None}, 0.25),
        ({}, 0.0),
    ],
)
def test_the_score_is_the_share_of_leaves_that_are_right(answer: JsonValue, score: float) -> None:
    assert json_fields(json.dumps(answer), ORDER) == score


@pytest.mark.parametrize(
    ("expected", "answer"), [(1, "true"), (True, "1"), (False, "0"), (None, '""'), ("2", "2"), ([1], "[true]")]
)
def test_a_truth_value_a_number_and_a_text_are_three_things(expected: JsonValue, answer: str) -> None:
    assert json_fields('{"a": ' + answer + "}", {"a": expected}) == 0.0
    assert json_fields('{"a": [{"b": ' + answer + "}]}", {"a": [{"b": expected}]}) == 0.0


@pytest.mark.parametrize(
    ("expected", "answer", "score"),
    [
        ('"AA+"', '"AA-"', 0.0),
        ('"-120.00"', '"120.00"', 0.0),
        ('"C#"', '"C"', 0.0),
        ('"Paris"', '" paris. "', 1.0),
        ('"don\'t"', '"don’t"', 1.0),
        ("2", "2.0", 1.0),
        ("1.10", "1.1", 1.0),
        ("1e2", "100", 1.0),
        ("9007199254740993", "9007199254740992.0", 0.0),
        ("18446744073709551615", "18446744073709551614", 0.0),
        ("-0.0", "0", 1.0),
    ],
)
def test_texts_are_compared_normalised_and_numbers_exactly(expected: str, answer: str, score: float) -> None:
    target = {"a": json.loads(expected, parse_float=Decimal)}
    assert json_fields('{"a": ' + answer + "}", target) == score


@pytest.mark.parametrize(
    ("expected", "actual"),
    [(10**30, 10**30 + 1), (Decimal("0.1"), Decimal("0.10000000000000001")), (10**30, Decimal(10**30 + 1))],
)
def test_numbers_beyond_64_bits_are_compared_exactly(expected: object, actual: object) -> None:
    assert same(expected, expected, Comparison())  # type: ignore[arg-type]  # decimals, as a reader may return them
    assert not same(expected, actual, Comparison())  # type: ignore[arg-type]


def test_a_float_is_its_shortest_text() -> None:
    assert same(0.1, Decimal("0.1"), Comparison())
    assert same(1e23, Decimal("1e23"), Comparison())
    assert not same(True, Decimal(1), Comparison())


def test_the_texts_of_fields_are_compared_as_strictly_as_is_told() -> None:
    assert json_fields('{"a": "paris."}', {"a": "Paris"}, normalise="strict") == 0.0
    assert json_fields('{"a": ["Paris "]}', {"a": ["Paris"]}, normalise="strict") == 1.0
    assert json_fields('{"a": ["Paris "]}', {"a": ["Paris"]}, normalise="none") == 0.0
    assert json_fields('{"a": {"b": "paris"}}', {"a": {"b": "Paris"}}, normalise="none", ignore_case=True) == 1.0


def test_a_field_that_is_null_is_not_a_field_that_is_missing() -> None:
    assert json_fields('{"b": 1}', {"a": None, "b": 1}) == 0.5


@pytest.mark.parametrize("text", ["[]", "null", "not json", '"a"', "{", "1"])
def test_an_answer_that_is_no_object_has_no_field_right(text: str) -> None:
    assert json_fields(text, {"a": 1}) == 0.0
