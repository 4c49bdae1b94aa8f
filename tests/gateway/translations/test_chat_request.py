"""What a client of chat completions says, in the words of Messages."""

from __future__ import annotations

from typing import Any

import pytest

from evalgate.gateway.translation import Untranslatable
from evalgate.gateway.translations.chat_request import messages_request

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
TOOL = {"type": "function", "function": {"name": "f"}}


def said(**fields: object) -> dict[str, object]:
    return messages_request({**ASK, **fields})


def call(number: int, arguments: str = "{}") -> dict[str, object]:
    return {"id": f"c{number}", "type": "function", "function": {"name": "f", "arguments": arguments}}


def test_a_plain_request_has_the_limit_of_the_evaluation() -> None:
    assert messages_request(ASK) == {"model": "m", "messages": ASK["messages"], "max_tokens": 4096}


def test_system_messages_at_the_beginning_have_a_field_of_their_own() -> None:
    messages = [{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}, *ASK["messages"]]
    assert said(messages=messages)["system"] == "a\n\nb"


def test_a_later_system_message_stays_where_it_is() -> None:
    later = {"role": "system", "content": "now in French"}
    assert said(messages=[*ASK["messages"], later])["messages"] == [*ASK["messages"], later]


def test_results_of_parallel_calls_are_one_turn_with_what_the_user_says_then() -> None:
    messages = [
        *ASK["messages"],
        {"role": "assistant", "content": None, "tool_calls": [call(1, '{"a": 1}'), call(2, "")], "refusal": None},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
        {"role": "tool", "tool_call_id": "c2", "content": "2"},
        {"role": "user", "content": "and?"},
    ]
    assert said(messages=messages)["messages"] == [
        *ASK["messages"],
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "c2", "name": "f", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "1"},
                {"type": "tool_result", "tool_use_id": "c2", "content": "2"},
                {"type": "text", "text": "and?"},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": TOOL}, {"type": "tool", "name": "f"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
    ],
)
def test_the_choice_of_tools(fields: dict[str, object], expected: object) -> None:
    asked = said(tools=[TOOL], **fields)
    assert asked.get("tool_choice") == expected
    assert asked["tools"] == [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]


def test_a_schema_of_the_answer_keeps_its_description() -> None:
    form = {"name": "n", "description": "d", "schema": {"type": "object"}, "strict": True}
    asked = said(response_format={"type": "json_schema", "json_schema": form}, reasoning_effort="high")
    schema = {"description": "d", "type": "object"}
    assert asked["output_config"] == {"effort": "high", "format": {"type": "json_schema", "schema": schema}}


@pytest.mark.parametrize(
    "nothing",
    [
        {"n": 1},
        {"logprobs": False, "frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {}},
        {"stream_options": {"include_usage": True}},
        {"metadata": {"operation_id": "x"}, "store": False},
        {"modalities": ["text"]},
        {"response_format": {"type": "text"}},
        {"prompt_cache_key": "k", "prediction": {"type": "content", "content": "x"}},
        {"service_tier": "standard"},
    ],
)
def test_what_changes_no_answer_is_left_out(nothing: dict[str, object]) -> None:
    assert said(**nothing) == messages_request(ASK)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"seed": 7}, "seed"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"temperature": 1.5}, "temperature"),
        ({"top_k": 3}, "top_k"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"reasoning_effort": "minimal"}, "reasoning_effort"),
        ({"response_format": {"type": "json_object"}}, "response_format.type"),
        ({"functions": [{}]}, "functions"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"web_search_options": {"search_context_size": "low"}}, "web_search_options"),
        ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tools[0].type"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}, "messages"),
        ({"messages": [{"role": "user", "name": "Ann", "content": "a"}]}, "messages[0].name"),
        ({"messages": [{"role": "function", "content": "a"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[0].content[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x,y"}}]}]},
            "messages[0].content[0].image_url.url",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [call(1, "[1]")]}, *ASK["messages"]]},
            "messages[0].tool_calls[0].function.arguments",
        ),
    ],
)
def test_what_has_no_words_is_refused_by_its_place(fields: dict[str, object], place: str) -> None:
    with pytest.raises(Untranslatable) as refused:
        said(**fields)
    assert str(refused.value).startswith(f"{place}: ")
