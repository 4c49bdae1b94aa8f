"""Reading calls out of answers, and what is wrong with one whatever was expected."""

from __future__ import annotations

import json
from decimal import Decimal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.exchange import Answer, JsonValue
from evalgate.graders.json_text import MISSING
from evalgate.graders.tools import Call, calls_of, fault_of, tools_of
from evalgate.graders.tools.calls import MAX_CALLS
from tests.conftest import JSON

SEARCH = {"type": "object", "properties": {"queries": {"type": "array", "items": {"type": "string"}}}}
TOOLS = {"search": SEARCH | {"required": ["queries"]}, "now": None}


def answer(*calls: JsonValue) -> Answer:
    return Answer("", "tool_calls", details={"tool_calls": list(calls)})


def call(name: JsonValue, arguments: JsonValue) -> JsonValue:
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}


def test_numbers_in_arguments_keep_what_was_written() -> None:
    assert calls_of(answer(call("f", '{"a": 0.10, "b": 12345678901234567890123}'))) == [
        Call("f", {"a": Decimal("0.10"), "b": 12345678901234567890123})
    ]


def test_arguments_may_come_as_an_object_instead_of_its_text() -> None:
    assert calls_of(answer(call("f", {"a": 1}))) == [Call("f", {"a": 1})]


@pytest.mark.parametrize("made", [None, "x", 3, {}, {"function": "f"}, {"function": {"arguments": "{}"}}])
def test_what_is_no_call_is_one_without_a_name(made: JsonValue) -> None:
    assert fault_of(calls_of(answer(made))[0], TOOLS) == "UnknownName"


def test_of_endless_calls_only_the_first_are_read() -> None:
    assert len(calls_of(answer(*[call("now", "{}")] * 5000))) == MAX_CALLS + 1


@pytest.mark.parametrize(
    ("name", "arguments", "fault"),
    [
        ("search", '{"queries": ["a"]}', None),
        ("search", '{"queries": ["a"], "more": 1}', None),
        ("search", '{"queries": "a"}', "SchemaMismatch"),
        ("search", "{}", "SchemaMismatch"),
        ("search", "[]", "SchemaMismatch"),
        ("search", "", "InvalidJson"),
        ("search", '{"queries": ["a"]', "InvalidJson"),
        ("search", '```json\n{"queries": ["a"]}\n```', "InvalidJson"),
        ("search", '{"queries": ["a"]} ', None),
        ("search", '{"queries": NaN}', "InvalidJson"),
        ("search", "[" * 100_000, "InvalidJson"),
        ("Search", '{"queries": ["a"]}', "UnknownName"),
        ("functions.search", '{"queries": ["a"]}', "UnknownName"),
        ("now", "{}", None),
        ("now", '{"zone": "UTC"}', None),
        ("now", "3", "SchemaMismatch"),
    ],
)
def test_each_fault_has_its_name(name: str, arguments: str, fault: str | None) -> None:
    assert fault_of(calls_of(answer(call(name, arguments)))[0], TOOLS) == fault


def test_a_format_is_asserted_only_when_it_is_asked_for() -> None:
    tools: dict[str, JsonValue] = {"book": {"properties": {"on": {"type": "string", "format": "date"}}}}
    made = calls_of(answer(call("book", '{"on": "tomorrow"}')))[0]
    assert fault_of(made, tools) is None
    assert fault_of(made, tools, check_format=True) == "SchemaMismatch"


def valid_as_published(entry: dict[str, dict[str, str]]) -> bool:
    """What README and code of the K2 Vendor Verifier say of one call: known name, JSON, `jsonschema.validate`."""
    function = entry["function"]
    schema = TOOLS.get(function["name"])
    try:
        jsonschema.validate(json.loads(function["arguments"]), schema or False)
    except (ValueError, jsonschema.ValidationError):
        return False
    return True


ARGUMENTS = (
    st.fixed_dictionaries({"queries": st.lists(st.text(max_size=3) | JSON, max_size=3)}).map(json.dumps)
    | JSON.map(json.dumps)
    | st.text(max_size=10)
)


@given(st.sampled_from(["search", "serach", ""]), ARGUMENTS)
def test_a_call_is_valid_exactly_when_the_published_verifier_says_so(name: str, arguments: str) -> None:
    entry = {"function": {"name": name, "arguments": arguments}}
    assert (fault_of(calls_of(answer(entry))[0], TOOLS) is None) == valid_as_published(entry)  # type: ignore[arg-type]


@given(JSON)
def test_whatever_stands_where_calls_should_is_read_without_an_error(made: JsonValue) -> None:
    for each in calls_of(Answer("", "tool_calls", details={"tool_calls": made})):
        assert fault_of(each, TOOLS) in (None, "UnknownName", "InvalidJson", "SchemaMismatch")
        assert each.arguments is MISSING or each.name or fault_of(each, TOOLS) == "UnknownName"


def test_tools_are_read_from_the_parameters_of_a_request() -> None:
    tools = [{"type": "function", "function": {"name": "now"}}]
    assert tools_of({"tools": tools}) == {"now": None}
    assert tools_of({}) == {}
