"""JSON Schema as the schema's draft has it: exact, with its formats asserted, and bounded whatever the answer."""

from __future__ import annotations

import json
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.exchange import JsonValue
from evalgate.graders.schema import problem_with
from evalgate.graders.structure import json_schema
from tests.conftest import JSON

SCHEMA = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
DRAFT_4 = "http://json-schema.org/draft-04/schema#"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema"
DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    ("text", "score", "soft"),
    [
        ('{"name": "Ada"}', 1.0, 1.0),
        ('```json\n{"name": "Ada"}\n```', 1.0, 1.0),
        ('{"name": 1}', 0.0, 0.5),
        ("[]", 0.0, 0.5),
        ("null", 0.0, 0.5),
        ('Here: {"name": "Ada"}', 0.0, 0.0),
        ('{"name": "Ada"', 0.0, 0.0),
        ('{"name": NaN}', 0.0, 0.0),
        ("", 0.0, 0.0),
    ],
)
def test_an_answer_fits_or_not_and_a_soft_score_tells_json_from_none(text: str, score: float, soft: float) -> None:
    assert json_schema(text, SCHEMA) == score
    assert json_schema(text, SCHEMA, soft=True) == soft


def test_where_the_json_is_and_whether_keys_may_come_twice_is_for_the_suite_to_say() -> None:
    assert json_schema('Here: {"name": "Ada"}', SCHEMA, extract="anywhere") == 1.0
    assert json_schema('```\n{"name": "Ada"}\n```', SCHEMA, extract="strict") == 0.0
    assert json_schema('{"name": 1, "name": "Ada"}', SCHEMA) == 1.0
    assert json_schema('{"name": 1, "name": "Ada"}', SCHEMA, duplicate_keys="error") == 0.0


@given(JSON)
def test_every_json_value_fits_the_empty_schema_and_its_own_constant(value: JsonValue) -> None:
    text = json.dumps(value)
    assert json_schema(text, {}) == 1.0
    assert json_schema(text, {"const": json.loads(text)}) == 1.0


# ------------------------------------------------------------------------------------------------------------- drafts

TUPLE = {"items": [{"type": "string"}, {"type": "integer"}], "additionalItems": False}


@pytest.mark.parametrize(
    ("draft", "schema", "fitting", "other"),
    [
        (DRAFT_7, {"dependencies": {"a": ["b"]}}, '{"a": 1, "b": 2}', '{"a": 1}'),
        (DRAFT_7, {"dependencies": {"a": {"required": ["b"]}}}, '{"b": 2}', '{"a": 1}'),
        (DRAFT_7, TUPLE, '["a", 1]', '["a", 1, 2]'),
        (DRAFT_7, {"definitions": {"n": {"type": "integer"}}, "items": {"$ref": "#/definitions/n"}}, "[1]", '["a"]'),
        (DRAFT_7, {"if": {"required": ["a"]}, "then": {"required": ["b"]}}, "{}", '{"a": 1}'),
        (DRAFT_4, {"minimum": 1, "exclusiveMinimum": True}, "2", "1"),
        (DRAFT_4, {"type": "integer"}, "1", "1.0"),
        (DRAFT_2019, {"dependentRequired": {"a": ["b"]}}, "{}", '{"a": 1}'),
        (DRAFT_2019, TUPLE, '["a", 1]', '["a", "b"]'),
        (DRAFT_2020, {"prefixItems": [{"type": "string"}], "items": False}, '["a"]', '["a", 1]'),
        (None, {"prefixItems": [{"type": "string"}], "items": False}, '["a"]', '["a", 1]'),
        (None, {"dependencies": {"a": ["b"]}}, "{}", '{"a": 1}'),
        (None, {"type": "integer"}, "1.0", "1.5"),
    ],
)
def test_a_schema_means_what_its_draft_says(
    draft: str | None, schema: dict[str, JsonValue], fitting: str, other: str
) -> None:
    full = schema if draft is None else {"$schema": draft, **schema}
    assert problem_with(full) is None
    assert json_schema(fitting, full) == 1.0
    assert json_schema(other, full) == 0.0


@pytest.mark.parametrize("uri", [DRAFT_7, DRAFT_7.rstrip("#"), DRAFT_7.replace("http:", "https:")])
def test_a_draft_may_be_named_with_https_and_without_the_empty_fragment(uri: str) -> None:
    assert json_schema('{"a": 1}', {"$schema": uri, "dependencies": {"a": ["b"]}}) == 0.0


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"$schema": "http://json-schema.org/draft-03/schema#"}, "expected one of http://json-schema.org/draft/2020"),
        ({"$schema": "draft-07"}, "$schema names 'draft-07'"),
        ({"$schema": 7}, "$schema names 7"),
        ({"$schema": DRAFT_2020, **TUPLE}, "not a JSON schema at $.items"),
        ({"$defs": {"a": {"$id": "a", "$schema": DRAFT_7}}}, "a $schema of its own"),
        ({"properties": {"when": {"format": "moment"}}}, "format 'moment' cannot be checked; expected one of date,"),
        ({"definitions": {"a": {"format": "phone"}}, "$ref": "#/definitions/a"}, "format 'phone' cannot be checked"),
        ({"dependencies": {"a": {"pattern": "(?i)a"}}}, "inline flags"),
        ({"x": {"y": {"pattern": "a++"}}, "$ref": "#/x/y"}, "nothing to repeat"),
        ({"patternProperties": {"\\Z": {}}}, "\\Z, which ECMA-262 does not have"),
        ({"$ref": "https://example.org/schema.json"}, "can be used here: https://example.org/schema.json"),
        ({"minimum": "1"}, "at $.minimum"),
    ],
)
def test_what_cannot_be_held_to_is_refused_before_anything_is_asked(schema: dict[str, JsonValue], told: str) -> None:
    assert told in str(problem_with(schema))


def test_a_property_may_have_the_name_of_a_keyword() -> None:
    names = ("$schema", "format", "pattern", "$ref", "dependencies")
    schema: dict[str, JsonValue] = {"properties": {name: {"type": "string"} for name in names}}
    assert problem_with(schema) is None
    assert json_schema('{"$schema": "a", "format": "b"}', schema) == 1.0
    assert json_schema('{"format": 1}', schema) == 0.0


def test_an_answer_may_be_held_against_the_schema_of_schemas() -> None:
    assert json_schema('{"type": "object"}', {"$ref": DRAFT_2020}) == 1.0
    assert json_schema('{"type": "objekt"}', {"$ref": DRAFT_2020}) == 0.0


# ------------------------------------------------------------------------------------------------------------ numbers


@pytest.mark.parametrize(
    ("schema", "fitting", "others"),
    [
        ({"multipleOf": 0.01}, ["1.11", "19.99", "0", "-0.03", "1e999999999", "9" * 5000], ["1.111", "1e-999999999"]),
        ({"multipleOf": 0.1}, ["0.3", "1.1", "1e-1"], ["0.35"]),
        ({"multipleOf": 0.25}, ["0.5", "0.75", "3"], ["0.6", "0.125"]),
        ({"multipleOf": 1e-8}, ["123456789.00000001"], ["0.000000001"]),
        ({"multipleOf": 20}, ["40", "1e2", "40.0"], ["30", "50.0"]),
        ({"maximum": 0.3}, ["0.3", "0.30"], ["0.30000000000000001"]),
        ({"minimum": 9007199254740993}, ["9007199254740993"], ["9007199254740992"]),
        ({"exclusiveMinimum": 0}, ["1e-999999999"], ["0", "-0.0"]),
        ({"const": 1}, ["1", "1.0", "1e0", "10e-1"], ["true", '"1"', "1.00000000000000000001"]),
        ({"const": 0.1}, ["0.1", "0.10", "1e-1"], ["0.1000000000000000055511151231257827"]),
        ({"const": [1, {"a": False}]}, ['[1.0, {"a": false}]'], ['[1, {"a": 0}]', '[true, {"a": false}]']),
        ({"enum": [1, None, "1"]}, ["1.0", "null", '"1"'], ["true", "2"]),
        ({"type": "integer"}, ["1", "1.0", "1e3", "9" * 5000, "1e999999999"], ["1.5", "true", "1e-1", '"1"']),
        ({"type": "number"}, ["1", "1.5", "1e400"], ["true", '"1"']),
        (
            {"uniqueItems": True},
            ["[1, true, 2]", '[1, "1"]', "[[1], [true]]", "[0, false]"],
            ["[1, 1.0]", "[[0.1], [0.10]]"],
        ),
        (
            {"uniqueItems": True},
            ['[{"a": 1}, {"a": true}]'],
            ['[{"a": 1, "b": 2}, {"b": 2.0, "a": 1}]', "[null, null]"],
        ),
        ({"uniqueItems": False}, ["[1, 1]"], []),
    ],
)
def test_numbers_are_compared_exactly(schema: dict[str, JsonValue], fitting: list[str], others: list[str]) -> None:
    assert problem_with(schema) is None
    assert [text[:30] for text in fitting if json_schema(text, schema) != 1.0] == []
    assert [text[:30] for text in others if json_schema(text, schema) != 0.0] == []


@given(st.integers(-(10**12), 10**12), st.integers(1, 6), st.integers(1, 10**6))
def test_a_multiple_is_one_however_many_decimal_places_there_are(count: int, places: int, unit: int) -> None:
    step = float(Decimal(unit).scaleb(-places))
    value = count * Decimal(repr(step))
    assert json_schema(str(value), {"multipleOf": step}) == 1.0
    assert json_schema(str(value + Decimal(repr(step)) / 3), {"multipleOf": step}) == 0.0


# ------------------------------------------------------------------------------------------------- objects and lists


@pytest.mark.parametrize(
    ("text", "score"),
    [('{"a": 1}', 1.0), ('{"b1": 2}', 1.0), ('{"b1": "x"}', 0.0), ('{"c": 2}', 0.0), ("{}", 1.0), ("[1]", 1.0)],
)
@pytest.mark.parametrize("last", ["additionalProperties", "unevaluatedProperties"])
def test_names_are_held_against_properties_and_patterns(text: str, score: float, last: str) -> None:
    schema = {
        "properties": {"a": {"type": "integer"}},
        "patternProperties": {"^b": {"type": "integer"}},
        last: False,
    }
    assert json_schema(text, schema) == score


def test_additional_properties_may_have_a_schema_of_their_own() -> None:
    assert json_schema('{"x": 1}', {"additionalProperties": {"type": "integer"}}) == 1.0
    assert json_schema('{"x": "1"}', {"additionalProperties": {"type": "integer"}}) == 0.0


@pytest.mark.parametrize(
    ("schema", "fitting", "other"),
    [
        ({"allOf": [{"properties": {"a": {}}}]}, '{"a": 1}', '{"a": 1, "b": 2}'),
        ({"anyOf": [{"required": ["a"], "properties": {"a": {}}}, {"properties": {"b": {}}}]}, '{"b": 1}', '{"c": 1}'),
        (
            {"if": {"properties": {"a": {"const": 1}}}, "then": {"properties": {"b": {}}}},
            '{"a": 1, "b": 2}',
            '{"a": 2}',
        ),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"patternProperties": {"^a": {}}}}}, '{"ab": 1}', '{"ba": 1}'),
        ({"dependentSchemas": {"a": {"properties": {"a": {}, "b": {}}}}}, '{"a": 1, "b": 1}', '{"b": 1}'),
        ({"allOf": [{"additionalProperties": {"type": "integer"}}]}, '{"x": 1}', '{"x": "1"}'),
    ],
)
def test_a_property_is_evaluated_by_whatever_holds_in_its_place(
    schema: dict[str, JsonValue], fitting: str, other: str
) -> None:
    assert json_schema(fitting, schema | {"unevaluatedProperties": False}) == 1.0
    assert json_schema(other, schema | {"unevaluatedProperties": False}) == 0.0


def test_an_item_is_evaluated_by_whatever_holds_in_its_place() -> None:
    schema = {"allOf": [{"prefixItems": [{}]}], "contains": {"type": "string"}, "unevaluatedItems": False}
    assert json_schema('[1, "a"]', schema) == 1.0
    assert json_schema('[1, "a", 2]', schema) == 0.0
    assert json_schema('[1, "a"]', {**schema, "$schema": DRAFT_2019}) == 0.0


def test_references_inside_the_schema_are_followed() -> None:
    schema = {"$defs": {"n": {"type": "integer"}}, "items": {"$ref": "#/$defs/n"}}
    assert json_schema("[1, 2]", schema) == 1.0
    assert json_schema("[1, null]", schema) == 0.0


# ------------------------------------------------------------------------------------------------ formats and patterns


@pytest.mark.parametrize("draft", [DRAFT_4, DRAFT_7, DRAFT_2019, DRAFT_2020])
def test_a_format_is_asserted_unless_the_suite_says_no(draft: str) -> None:
    schema = {"$schema": draft, "format": "date"}
    assert json_schema('"2024-02-29"', schema) == 1.0
    assert json_schema('"2023-02-29"', schema) == 0.0
    assert json_schema("5", schema) == 1.0
    assert json_schema('"2023-02-29"', schema, check_format=False) == 1.0
    assert problem_with({"format": "moment"}, check_format=False) is None


def test_a_pattern_is_read_as_javascript_reads_it() -> None:
    assert json_schema('"12"', {"pattern": r"^\d+$"}) == 1.0
    assert json_schema(r'"12\n"', {"pattern": r"^\d+$"}) == 0.0
    assert json_schema('"١٢"', {"pattern": r"^\d+$"}) == 0.0
    assert json_schema('"é"', {"pattern": r"^\p{Letter}$"}) == 1.0
    assert json_schema('{"é": 1}', {"patternProperties": {r"^\w": False}}) == 1.0
    assert json_schema('{"é": 1}', {"propertyNames": {"pattern": r"^\p{L}$"}}) == 1.0


# ------------------------------------------------------------------------------------------------------------- bounds

SLOW = "^(a|aa)+$"
TREE = {
    "oneOf": [
        {"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}},
        {"type": "object", "properties": {"left": {"$ref": "#"}}},
        {"type": "integer"},
    ]
}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"pattern": SLOW}, json.dumps("a" * 5000 + "!")),
        ({"patternProperties": {SLOW: {}}}, json.dumps({"a" * 5000 + "!": 1})),
        ({"patternProperties": {SLOW: {}}}, json.dumps({"a" * 24 + f"!{n}": 1 for n in range(20_000)})),
        ({"patternProperties": {SLOW: {}}, "additionalProperties": False}, json.dumps({"a" * 5000 + "!": 1})),
        ({"patternProperties": {SLOW: {}}, "unevaluatedProperties": False}, json.dumps({"a" * 5000 + "!": 1})),
        (
            {"$schema": DRAFT_2020, "properties": {"a": {"$ref": "#"}}, "pattern": SLOW},
            json.dumps({"a": "a" * 5000 + "!"}),
        ),
        (TREE, '{"left": ' * 150 + "1" + "}" * 150),
        ({"type": "integer"}, "1e-999999999"),
        ({"format": "regex"}, json.dumps("(" * 900_000)),
        ({"uniqueItems": True}, "[" + ", ".join(f'{n}, "{n}"' for n in range(60_000)) + ", 1]"),
    ],
)
def test_a_hostile_answer_does_not_fit_and_does_not_hang(schema: dict[str, JsonValue], text: str) -> None:
    assert problem_with(schema) is None
    started = time.process_time()
    assert json_schema(text, schema) == 0.0
    assert time.process_time() - started < 20


def test_a_large_answer_that_fits_is_not_given_up() -> None:
    rows = [{"id": n, "name": f"row {n}", "price": n / 100} for n in range(15_000)]
    row = {"required": ["id"], "properties": {"id": {"type": "integer"}, "price": {"multipleOf": 0.01}}}
    assert json_schema(json.dumps(rows), {"type": "array", "items": row, "uniqueItems": True}) == 1.0
