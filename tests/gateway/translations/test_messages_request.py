"""What a client of Messages says, in the words of chat completions."""

from __future__ import annotations

from typing import Any

import pytest

from evalgate.gateway.translation import Untranslatable
from evalgate.gateway.translations.messages_request import chat_request

ASK: dict[str, Any] = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
TOOL = {"name": "f", "input_schema": {"type": "object"}}
CALL = {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": [1, None]}}


def said(**fields: object) -> dict[str, object]:
    return chat_request({**ASK, **fields})


def user(*blocks: object) -> list[object]:
    return [{"role": "user", "content": list(blocks)}]


def test_a_plain_request_keeps_its_words() -> None:
    assert chat_request(ASK) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 10,
    }


def test_tool_results_are_messages_before_the_rest_of_their_turn() -> None:
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "42"}]}
    messages = [
        *ASK["messages"],
        {"role": "assistant", "content": [{"type": "text", "text": "so"}, CALL]},
        *user(result),
        *user({"type": "text", "text": "and?", "cache_control": {"type": "ephemeral"}}),
    ]
    call = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a":[1,null]}'}}
    assert said(messages=messages)["messages"] == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "so", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "t1", "content": "42"},
        {"role": "user", "content": "and?"},
    ]


def test_consecutive_messages_of_one_role_are_one_turn() -> None:
    two = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert said(messages=two)["messages"] == [{"role": "user", "content": parts}]


def test_images_are_data_urls_or_urls() -> None:
    inline = {"type": "base64", "media_type": "image/png", "data": "QUJD"}
    blocks = [{"type": "image", "source": source} for source in (inline, {"type": "url", "url": "https://x.test/a"})]
    (message,) = said(messages=user(*blocks))["messages"]  # type: ignore[misc]
    assert [part["image_url"]["url"] for part in message["content"]] == [
        "data:image/png;base64,QUJD",
        "https://x.test/a",
    ]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, {"tool_choice": "auto"}),
        ({"type": "any"}, {"tool_choice": "required"}),
        ({"type": "none"}, {"tool_choice": "none"}),
        ({"type": "tool", "name": "f"}, {"tool_choice": {"type": "function", "function": {"name": "f"}}}),
        ({"type": "auto", "disable_parallel_tool_use": True}, {"tool_choice": "auto", "parallel_tool_calls": False}),
    ],
)
def test_the_choice_of_tools(choice: object, expected: dict[str, object]) -> None:
    chat = said(tools=[TOOL], tool_choice=choice)
    assert {name: chat[name] for name in ("tool_choice", "parallel_tool_calls") if name in chat} == expected
    assert chat["tools"] == [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


def test_a_schema_of_the_answer_is_strict() -> None:
    chat = said(output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}, "effort": "low"})
    asked = {"name": "answer", "schema": {"type": "object"}, "strict": True}
    assert chat["response_format"] == {"type": "json_schema", "json_schema": asked}
    assert chat["reasoning_effort"] == "low"


def test_the_provider_that_the_gateway_means_is_kept() -> None:
    pinned = {"only": ["a/fp8"], "allow_fallbacks": False}
    assert said(provider=pinned)["provider"] == pinned


@pytest.mark.parametrize(
    "nothing",
    [
        {"cache_control": {"type": "ephemeral"}},
        {"metadata": {"operation_id": "x", "tier": "standard"}},
        {"service_tier": "auto"},
        {"thinking": {"type": "disabled"}},
        {"speed": "standard"},
        {"top_k": None},
    ],
)
def test_what_changes_no_answer_is_left_out(nothing: dict[str, object]) -> None:
    assert said(**nothing) == chat_request(ASK)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"top_k": 5}, "top_k"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "thinking"),
        ({"thinking": {"type": "adaptive"}}, "thinking"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"container": "c"}, "container"),
        ({"mcp_servers": [{}]}, "mcp_servers"),
        ({"inference_geo": "eu"}, "inference_geo"),
        ({"service_tier": "priority"}, "service_tier"),
        ({"speed": "fast"}, "speed"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type"),
        ({"tools": [{**TOOL, "input_examples": [{}]}]}, "tools[0].input_examples"),
        ({"tools": [{**TOOL, "defer_loading": True}]}, "tools[0].defer_loading"),
        ({"output_config": {"task_budget": 1}}, "output_config.task_budget"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "The"}]}, "messages"),
        ({"messages": user({"type": "document", "source": {}})}, "messages[0].content[0]"),
        (
            {"messages": user({"type": "image", "source": {"type": "file", "file_id": "f"}})},
            "messages[0].content[0].source",
        ),
        ({"messages": user({"type": "text", "text": "a", "citations": [{}]})}, "messages[0].content[0].citations"),
        (
            {"messages": user({"type": "tool_result", "tool_use_id": "t", "is_error": True})},
            "messages[0].content[0].is_error",
        ),
        (
            {"messages": user({"type": "text", "text": "a"}, {"type": "tool_result", "tool_use_id": "t"})},
            "messages[0].content[1]",
        ),
        (
            {"messages": [{"role": "assistant", "content": [CALL, {"type": "text", "text": "a"}]}, *user(CALL)]},
            "messages[0].content[1]",
        ),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": "x"}]}, *ASK["messages"]]},
            "messages[0].content[0]",
        ),
    ],
)
def test_what_has_no_words_is_refused_by_its_place(fields: dict[str, object], place: str) -> None:
    with pytest.raises(Untranslatable) as refused:
        said(**fields)
    assert str(refused.value).startswith(f"{place}: ")
