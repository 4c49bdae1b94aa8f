"""Graders for answers that should be JSON."""

from __future__ import annotations

import json
import time
from decimal import Decimal

import pytest
from hypothesis import given

from evalgate.exchange import JsonValue
from evalgate.graders.structure import _same, json_fields, json_schema
from tests.conftest import JSON

ORDER = {"name": "Ada", "lines": [{"item": "lamp", "count": 2}], "total": {"net": 10, "vat": 1.9}}
SCHEMA = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ('{"name": "Ada"}', 1.0),
        ('```json\n{"name": "Ada"}\n```', 1.0),
        ('```json\r\n{"name": "Ada"}\r\n```', 1.0),
        (' ```\n{"name": "Ada"}``` ', 1.0),
        ('{"name": 1}', 0.5),
        ("[]", 0.5),
        ("null", 0.5),
        ('Here: {"name": "Ada"}', 0.0),
        ('{"name": "Ada"', 0.0),
        ('{"name": NaN}', 0.0),
        ("", 0.0),
    ],
)
def test_json_schema_tells_unparsable_from_invalid_from_valid(text: str, score: float) -> None:
    assert json_schema(text, SCHEMA) == score


@given(JSON)
def test_every_json_value_fits_the_empty_schema_and_its_own_constant(value: JsonValue) -> None:
    text = json.dumps(value)
    assert json_schema(text, {}) == 1.0
    assert json_schema(text, {"const": json.loads(text)}) == 1.0


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"pattern": "^(a|aa)+$"}, json.dumps("a" * 5000 + "!")),
        ({"patternProperties": {"^(a|aa)+$": {}}}, json.dumps({"a" * 5000 + "!": 1})),
        ({"patternProperties": {"^(a|aa)+$": {}}, "additionalProperties": False}, json.dumps({"a" * 5000 + "!": 1})),
    ],
)
def test_a_pattern_that_meets_a_hostile_answer_does_not_fit_and_does_not_hang(schema: JsonValue, text: str) -> None:
    started = time.monotonic()
    assert json_schema(text, schema) == 0.5
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ('{"a": 1}', 1.0),
        ('{"b1": 2}', 1.0),
        ('{"b1": "x"}', 0.5),
        ('{"c": 2}', 0.5),
        ("{}", 1.0),
        ("[1]", 1.0),
    ],
)
def test_names_are_held_against_properties_and_patterns(text: str, score: float) -> None:
    schema = {
        "properties": {"a": {"type": "integer"}},
        "patternProperties": {"^b": {"type": "integer"}},
        "additionalProperties": False,
    }
    assert json_schema(text, schema) == score


def test_additional_properties_may_have_a_schema_of_their_own() -> None:
    assert json_schema('{"x": 1}', {"additionalProperties": {"type": "integer"}}) == 1.0
    assert json_schema('{"x": "1"}', {"additionalProperties": {"type": "integer"}}) == 0.5


def test_references_inside_the_schema_are_followed() -> None:
    schema = {"$defs": {"n": {"type": "integer"}}, "items": {"$ref": "#/$defs/n"}}
    assert json_schema("[1, 2]", schema) == 1.0
    assert json_schema("[1, null]", schema) == 0.5


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
    assert _same(expected, expected, str)  # type: ignore[arg-type]  # decimals, as a reader may return them
    assert not _same(expected, actual, str)  # type: ignore[arg-type]


def test_a_float_is_its_shortest_text() -> None:
    assert _same(0.1, Decimal("0.1"), str)
    assert _same(1e23, Decimal("1e23"), str)
    assert not _same(True, Decimal(1), str)


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
