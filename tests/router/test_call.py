"""What is read from a request: our labels, what it needs, what it forbids."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.router import Call, MaxPrice, call_of

BODY: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


def read(headers: dict[str, str] | None = None, **more: object) -> Call:
    return call_of({**BODY, **more}, headers)


def test_a_call_names_its_operation_in_the_body_or_in_a_header_of_any_case() -> None:
    assert read(metadata={"operation_id": "sort"}).operation == "sort"
    assert read({"X-Evalgate-Operation": "sort"}).operation == "sort"
    assert read().operation is None


def test_the_tier_comes_from_header_metadata_or_our_service_tier_and_is_standard_otherwise() -> None:
    assert read({"X-EVALGATE-TIER": "batch"}).tier == "batch"
    assert read(metadata={"tier": "realtime"}).tier == "realtime"
    assert read(service_tier="realtime").tier == "realtime"
    assert read().tier == "standard"


@pytest.mark.parametrize("theirs", ["flex", "priority", "auto", "default", "scale", None, 7, ["realtime"], {}])
def test_any_other_service_tier_is_the_providers_own(theirs: object) -> None:
    assert read(service_tier=theirs).tier == "standard"


@pytest.mark.parametrize(
    ("headers", "metadata"),
    [
        ({"x-evalgate-tier": "premium"}, {"operation_id": "sort"}),
        ({"x-evalgate-tier": "batch"}, {"operation_id": "sort", "tier": "standard"}),
        ({"x-evalgate-operation": "sort"}, {"operation_id": "extract"}),
        ({"x-evalgate-operation": "sort", "X-Evalgate-Operation": "extract"}, {}),
        ({}, {"operation_id": ["sort"]}),
        ({}, {"operation_id": "s" * 1_000_000}),
        ({}, {"operation_id": "sort", "tier": 3}),
    ],
)
def test_labels_that_cannot_be_understood_make_the_call_realtime_and_say_why(
    headers: dict[str, str], metadata: dict[str, object]
) -> None:
    call = read(headers, metadata=metadata)
    assert call.tier == "realtime"
    assert call.note


def test_a_request_of_anthropics_api_is_read_too() -> None:
    asked = read(output_config={"format": {"type": "json_schema"}}, system=[{"type": "text", "text": "s" * 300}])
    assert asked.json_schema
    assert asked.input_tokens == (read().input_tokens or 0) + 101


def test_needs_are_read_from_the_body() -> None:
    call = read(tools=[{"type": "function"}], response_format={"type": "json_schema"}, max_tokens=9)
    assert (call.tools, call.json_schema, call.max_output, call.completions) == (True, True, 9, False)
    assert not read(tools=[], response_format={"type": "json_object"}).tools
    assert call_of({"prompt": "Hello"}).completions


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (None, "auto"),
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ({"type": "function", "function": {"name": "f"}}, "function"),
        ("anything", "auto"),
        ([], "auto"),
    ],
)
def test_the_choice_of_a_tool_is_read_from_the_body(given: object, asked: str) -> None:
    assert read(tools=[{"type": "function"}], tool_choice=given).tool_choice == asked


def test_the_prompt_is_rather_taken_for_too_long() -> None:
    assert read(messages=[{"role": "user", "content": "x" * 3000}]).input_tokens == 1001
    parts = [{"role": "user", "content": [{"type": "text", "text": "漢" * 1000}]}]
    assert (read(messages=parts).input_tokens or 0) >= 1000


def test_limits_are_openrouters() -> None:
    call = read(provider={"max_price": {"prompt": "0.5", "completion": 1}, "data_collection": "deny"})
    assert call.max_price == MaxPrice(Decimal("0.5"), Decimal(1))
    assert call.data_policy == "no_training"
    assert read(provider={"zdr": True, "data_collection": "deny"}).data_policy == "zero_retention"
    assert read(provider={"data_collection": "allow", "zdr": False}).data_policy is None


@pytest.mark.parametrize(
    "provider",
    [
        {"max_price": 1},
        {"max_price": {"prompt": "cheap"}},
        {"max_price": {"prompt": -1}},
        {"max_price": {"prompt": True}},
        {"max_price": {"completion": "NaN"}},
        {"max_price": {"completion": "1" * 5000}},
        {"data_collection": "never"},
        {"zdr": "yes"},
    ],
)
def test_a_limit_that_cannot_be_read_is_an_error_and_not_ignored(provider: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"provider\.\w+.*expected"):
        read(provider=provider)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 900_000}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 900_000}},
        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": {"data": "A" * 900_000}}]},
    ],
)
def test_a_picture_is_seen_and_is_not_as_long_as_its_base64(part: dict[str, object]) -> None:
    call = read(messages=[{"role": "user", "content": [{"type": "text", "text": "abc"}, part]}])
    assert (call.images, call.media) == (True, False)
    assert 2_000 < (call.input_tokens or 0) < 2_100


@pytest.mark.parametrize("kind", ["input_audio", "video_url", "file", "document"])
def test_sound_films_and_files_are_seen(kind: str) -> None:
    call = read(messages=[{"role": "user", "content": [{"type": kind, kind: {"data": "AA"}}]}])
    assert (call.images, call.media) == (False, True)


@pytest.mark.parametrize("model", [5, ["m"], "", "m" * 1_000_000])
def test_a_model_that_is_no_name_is_an_error_and_not_the_operations_own(model: object) -> None:
    with pytest.raises(InputError, match="model: expected a name"):
        read(model=model)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
)
NAMES = [
    "model",
    "messages",
    "prompt",
    "metadata",
    "provider",
    "tools",
    "service_tier",
    "response_format",
    "max_tokens",
]


@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=9))
def test_any_body_is_a_call_or_an_error_that_a_person_understands(body: dict[str, object]) -> None:
    try:
        call = call_of(body)
    except InputError:
        return
    assert call.tier in ("realtime", "standard", "batch")


def test_a_body_that_is_nested_very_deeply_is_read() -> None:
    nested: object = "x"
    for _ in range(100_000):
        nested = [nested]
    assert read(messages=nested).input_tokens == 0
