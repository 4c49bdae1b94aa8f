"""Answers and errors on their way back, whole ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import Message
from anthropic.types.shared import ErrorResponse
from openai.types.chat import ChatCompletion

from evalgate.gateway.translation import Speech, Untranslatable
from evalgate.gateway.translations import between

TO_CHAT, TO_MESSAGES = (
    between("anthropic", "openai", "/v1/messages"),
    between("openai", "anthropic", "/v1/chat/completions"),
)
assert TO_CHAT is not None
assert TO_MESSAGES is not None
CALLS = [{"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": f'{{"n":{n}}}'}} for n in (1, 2)]


def completion(message: dict[str, Any], finish: str | None = "stop", **more: Any) -> Message:
    """As the client of Messages gets it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": finish}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], **more}
    assert TO_CHAT is not None
    return Message.model_validate_json(TO_CHAT.response(json.dumps(body).encode()))


def message(*content: dict[str, Any], stop: str = "end_turn", **usage: Any) -> ChatCompletion:
    """As the client of chat completions gets it."""
    counted = {"input_tokens": 1, "output_tokens": 1, **usage}
    body = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content}
    assert TO_MESSAGES is not None
    whole = json.dumps({**body, "stop_reason": stop, "usage": counted}).encode()
    return ChatCompletion.model_validate_json(TO_MESSAGES.response(whole))


def test_text_and_tool_calls_become_blocks() -> None:
    got = completion({"content": "so", "tool_calls": CALLS}, "tool_calls")
    assert [block.type for block in got.content] == ["text", "tool_use", "tool_use"]
    assert got.content[2].input == {"n": 2}  # type: ignore[union-attr]
    assert got.stop_reason == "tool_use"


def test_blocks_become_text_and_tool_calls() -> None:
    uses = [{"type": "tool_use", "id": f"t{n}", "name": "f", "input": {"n": n}} for n in (1, 2)]
    got = message({"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "so"}, *uses)
    assert got.choices[0].message.content == "so"
    assert [call.function.arguments for call in got.choices[0].message.tool_calls or []] == ['{"n":1}', '{"n":2}']  # type: ignore[union-attr]


def test_cached_tokens_are_no_input_tokens_of_messages() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 9,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
    got = completion({"content": "x"}, usage=usage).usage
    assert (got.input_tokens, got.cache_read_input_tokens, got.cache_creation_input_tokens) == (10, 60, 30)
    assert got.output_tokens == 9
    assert got.output_tokens_details is not None
    assert got.output_tokens_details.thinking_tokens == 4


def test_cached_tokens_are_prompt_tokens_of_chat_completions() -> None:
    got = message(input_tokens=10, cache_read_input_tokens=60, cache_creation_input_tokens=30, output_tokens=9).usage
    assert got is not None
    assert (got.prompt_tokens, got.completion_tokens, got.total_tokens) == (100, 9, 109)
    assert got.prompt_tokens_details is not None
    assert got.prompt_tokens_details.cached_tokens == 60


@pytest.mark.parametrize(
    ("finish", "stop"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), (None, "end_turn")],
)
def test_why_the_model_stopped(finish: str | None, stop: str) -> None:
    assert completion({"content": "x"}, finish).stop_reason == stop


def test_a_call_is_a_reason_to_stop_even_where_the_server_says_otherwise() -> None:
    assert completion({"tool_calls": CALLS}, "stop").stop_reason == "tool_use"


def test_a_stop_sequence_is_named_where_the_server_names_it() -> None:
    body = {"choices": [{"message": {"content": "x"}, "finish_reason": "stop", "stop_reason": "END"}]}
    assert TO_CHAT is not None
    got = json.loads(TO_CHAT.response(json.dumps(body).encode()))
    assert (got["stop_reason"], got["stop_sequence"]) == ("stop_sequence", "END")


@pytest.mark.parametrize(
    ("stop", "finish"),
    [("stop_sequence", "stop"), ("max_tokens", "length"), ("tool_use", "tool_calls"), ("refusal", "content_filter")],
)
def test_why_the_model_stopped_the_other_way(stop: str, finish: str) -> None:
    assert message({"type": "text", "text": "x"}, stop=stop).choices[0].finish_reason == finish


def test_a_refusal_is_told_and_marked() -> None:
    got = completion({"refusal": "I cannot."})
    assert got.stop_reason == "refusal"
    assert got.content[0].text == "I cannot."  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b'{"choices": []}',
        b'{"content": "x"}',
        b'{"error": {"message": "no"}}',
        b'{"choices": [{"message": {"content": "x"}, "finish_reason": "error"}]}',
        b'{"choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": "[1]"}}]}}]}',
        b'{"choices": [{"message": {"tool_calls": [{"function": {"name": "", "arguments": "{}"}}]}}]}',
        b'{"content": [{"type": "tool_use", "input": ' + b"[" * 400 + b"]" * 400 + b"}]}",
    ],
)
def test_what_is_no_answer_is_an_error(body: bytes) -> None:
    assert TO_CHAT is not None
    assert TO_MESSAGES is not None
    for direction in (TO_CHAT, TO_MESSAGES):
        with pytest.raises(ValueError):  # noqa: PT011 - anything more is said in words
            direction.response(body)


def test_arguments_that_the_limit_cut_off_are_left_out() -> None:
    cut = [{"id": "c", "function": {"name": "f", "arguments": '{"a": [1,'}}]
    got = completion({"tool_calls": cut}, "length")
    assert (got.stop_reason, got.content[0].input) == ("max_tokens", {})  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"error": {"message": "bad", "type": "invalid_request_error"}}', "invalid_request_error"),
        (429, b'{"error": {"message": "bad", "type": "requests", "code": "rate_limit_exceeded"}}', "rate_limit_error"),
        (529, b'{"error": {"message": "bad"}}', "overloaded_error"),
        (None, b'{"error": {"message": "bad", "type": "x", "code": "rate_limit_exceeded"}}', "rate_limit_error"),
        (None, b'{"object": "error", "message": "bad", "code": 404}', "not_found_error"),
        (500, b"bad", "api_error"),
    ],
)
def test_an_error_in_the_words_of_messages(status: int | None, body: bytes, kind: str) -> None:
    assert TO_CHAT is not None
    got = json.loads(TO_CHAT.error(body, status))
    if kind != "request_too_large":
        ErrorResponse.model_validate(got)
    assert got == {"type": "error", "error": {"type": kind, "message": "bad"}}


def test_an_error_in_the_words_of_chat_completions() -> None:
    body = b'{"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}, "request_id": "r"}'
    assert TO_MESSAGES is not None
    told = {"message": "slow down", "type": "rate_limit_error", "param": None, "code": "rate_limit_exceeded"}
    assert json.loads(TO_MESSAGES.error(body)) == {"error": told}


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/embeddings"])
def test_what_anthropic_does_not_offer_is_refused_by_its_path(path: str) -> None:
    direction = between("openai", "anthropic", path)
    assert direction is not None
    with pytest.raises(Untranslatable, match=path):
        direction.request({})


@pytest.mark.parametrize(
    ("client", "protocol"),
    [("openai", "openai"), ("openai", "azure"), ("openai", "openrouter"), ("anthropic", "anthropic")],
)
def test_the_same_speech_needs_no_translation(client: Speech, protocol: str) -> None:
    assert between(client, protocol, "/v1/messages") is None


def test_tokens_that_nobody_counted_are_unknown_where_the_api_allows_it() -> None:
    assert TO_MESSAGES is not None
    body = json.dumps({"content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn"}).encode()
    assert json.loads(TO_MESSAGES.response(body))["usage"] is None
