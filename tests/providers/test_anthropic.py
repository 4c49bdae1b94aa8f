"""Anthropic's Messages: what is asked in OpenAI's words, what comes back, and what it cannot be asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InputError, ProviderError
from evalgate.exchange import Answer, JsonValue, Message, Question, Request
from evalgate.formats.canonical import canonical
from evalgate.providers import AttemptFailed, require_askable
from evalgate.providers.anthropic import build, parse_message
from tests.conftest import JSON, Loopback, Sent, catalog, failure, variant
from tests.providers.asking import CHAT, KEY, ask, at

PARAMETERS = {
    "type": "object",
    "properties": {"ticker": {"type": "string"}},
    "required": ["ticker"],
}
TOOL = {"type": "function", "function": {"name": "get_stock_price", "description": "…", "parameters": PARAMETERS}}
# docs.claude.com/en/api/messages
MESSAGE: dict[str, JsonValue] = {
    "id": "msg_013Zva2CMHLNnXjNJJKqJ2EF",
    "type": "message",
    "role": "assistant",
    "content": [{"type": "text", "text": "Hi! My name is Claude."}],
    "model": "claude-sonnet-4-5",
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 2095, "output_tokens": 503},
}


NAMED: dict[str, JsonValue] = {"served_model": "claude-sonnet-4-5"}


def sent(**changes: JsonValue) -> Sent:
    return Sent(json.dumps({**MESSAGE, **changes}).encode())


def body(folder: Path, *messages: Message, **parameters: JsonValue) -> dict[str, JsonValue]:
    endpoint = catalog(folder, protocol="anthropic").endpoints("toy")["full"]
    request = Request(messages or (Message("user", "hi"),), parameters)
    require_askable(endpoint, request)
    path, built = build(endpoint, request)
    assert path == "/messages"
    return built


def unsupported(folder: Path, *messages: Message, **parameters: JsonValue) -> str:
    with pytest.raises(InputError) as caught:
        body(folder, *messages, **parameters)
    assert " models.0.variants.0: provider 'here' (protocol anthropic)" in str(caught.value)
    return str(caught.value)


def test_the_example_of_the_documentation(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: sent()
    question = Question("c", Request((Message("system", "Be kind."), Message("user", "Hi")), {"temperature": 0.0}))
    answer = ask(at(server, tmp_path, {"served_as": "claude-sonnet-4-5"}, protocol="anthropic"), question)
    assert answer == Answer("Hi! My name is Claude.", "stop", 2095, 503, answer.latency_ms, details=NAMED)
    (asked,) = server.asked
    assert asked.path == "/v1/messages"
    assert asked.body == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": "Hi"}],
        "system": "Be kind.",
        "temperature": 0.0,
    }
    assert (asked.headers["x-api-key"], asked.headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert "Authorization" not in asked.headers


def test_parameters_are_translated(tmp_path: Path) -> None:
    built = body(tmp_path, max_tokens=7, top_p=0.5, stop=["\n\n", "END"], tools=[TOOL], reasoning_effort="low")
    assert (built["max_tokens"], built["top_p"], built["stop_sequences"]) == (7, 0.5, ["\n\n", "END"])
    assert built["tools"] == [{"name": "get_stock_price", "description": "…", "input_schema": PARAMETERS}]
    assert built["output_config"] == {"effort": "low"}
    assert body(tmp_path, max_completion_tokens=9)["max_tokens"] == 9


def test_a_tool_without_parameters_takes_none(tmp_path: Path) -> None:
    tool: JsonValue = {"type": "function", "function": {"name": "now", "strict": True}}
    none = {"type": "object", "properties": {}}
    assert body(tmp_path, tools=[tool])["tools"] == [{"name": "now", "strict": True, "input_schema": none}]


@pytest.mark.parametrize(
    ("choice", "translated"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
    ],
)
def test_a_tool_choice_is_translated(tmp_path: Path, choice: JsonValue, translated: object) -> None:
    assert body(tmp_path, tools=[TOOL], tool_choice=choice)["tool_choice"] == translated


def test_a_json_schema_is_an_output_format(tmp_path: Path) -> None:
    # platform.claude.com/docs/en/build-with-claude/structured-outputs
    schema: JsonValue = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False}
    named: JsonValue = {"name": "thing", "schema": schema, "strict": True}
    built = body(tmp_path, response_format={"type": "json_schema", "json_schema": named}, reasoning_effort="high")
    assert built["output_config"] == {"effort": "high", "format": {"type": "json_schema", "schema": schema}}
    described = body(tmp_path, response_format={"type": "json_schema", "json_schema": {**named, "description": "d"}})
    assert described["output_config"] == {"format": {"type": "json_schema", "schema": {"description": "d", **schema}}}
    assert "output_config" not in body(tmp_path, response_format={"type": "text"})


@pytest.mark.parametrize("name", ["seed", "logprobs", "top_logprobs", "presence_penalty", "frequency_penalty", "n"])
def test_a_parameter_that_it_does_not_know_is_an_input_error_and_not_left_out(tmp_path: Path, name: str) -> None:
    assert f"knows no parameter {name!r}; leave it out of the suite's generation" in unsupported(tmp_path, **{name: 1})


def test_what_else_it_cannot_be_asked_is_an_input_error(tmp_path: Path) -> None:
    assert "takes a temperature of at most 1, got 1.5" in unsupported(tmp_path, temperature=1.5)
    assert "knows no reasoning_effort 'minimal'" in unsupported(tmp_path, reasoning_effort="minimal")
    json_object: JsonValue = {"type": "json_object"}
    assert "knows no response_format 'json_object'" in unsupported(tmp_path, response_format=json_object)
    late = (Message("user", "hi"), Message("system", "be kind"))
    assert "system messages at the beginning of a prompt only" in unsupported(tmp_path, *late)


def test_a_plain_prompt_is_an_input_error_before_anything_is_sent(server: Loopback, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="offers no completions of a plain text; write the prompt as a list"):
        ask(at(server, tmp_path, protocol="anthropic"))
    assert server.asked == []


def test_a_tool_call_comes_back_in_the_shape_of_openai() -> None:
    use: JsonValue = {"type": "tool_use", "id": "toolu_01D7", "name": "get_stock_price", "input": {"ticker": "^GSPC"}}
    answer = parse_message({**MESSAGE, "content": [use], "stop_reason": "tool_use"}, 1.0)
    function = {"name": "get_stock_price", "arguments": '{"ticker":"^GSPC"}'}
    assert answer.details["tool_calls"] == [{"id": "toolu_01D7", "type": "function", "function": function}]
    assert (answer.text, answer.finish_reason) == ("", "tool_calls")


def test_texts_are_joined_and_thinking_is_kept_apart() -> None:
    content: JsonValue = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "4"},
        {"type": "text", "text": "2"},
    ]
    usage: JsonValue = {
        "input_tokens": 10,
        "cache_creation_input_tokens": 5,
        "cache_read_input_tokens": 100,
        "output_tokens": 30,
        "output_tokens_details": {"thinking_tokens": 25},
    }
    answer = parse_message({**MESSAGE, "content": content, "usage": usage}, 1.0)
    details: JsonValue = {**NAMED, "reasoning": "hm", "reasoning_tokens": 25, "cached_tokens": 100}
    assert answer == Answer("42", "stop", 115, 30, 1.0, details=details)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "unknown"),
        (None, "unknown"),
        ([], "unknown"),
    ],
)
def test_the_reasons_to_stop(said: JsonValue, meant: str) -> None:
    assert parse_message({**MESSAGE, "stop_reason": said}, 1.0).finish_reason == meant


def test_a_refusal_by_the_model_is_an_answer_with_its_explanation() -> None:
    why: JsonValue = {"type": "refusal", "category": "cyber", "explanation": "it could do harm"}
    answer = parse_message({**MESSAGE, "content": [], "stop_reason": "refusal", "stop_details": why}, 1.0)
    assert (answer.text, answer.kind) == ("", "filtered")
    assert answer.error == "a content filter withheld the answer: it could do harm"


def error(kind: str, message: str) -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}).encode()


def test_errors_are_what_they_are_everywhere(server: Loopback, tmp_path: Path) -> None:
    # docs.claude.com/en/api/errors
    endpoint = at(server, tmp_path, protocol="anthropic")
    server.behave = lambda asked: Sent(error("invalid_request_error", f"prompt is too long, {KEY}"), 400)
    assert ask(endpoint, CHAT).error == "HTTP 400: prompt is too long, [key]"
    server.behave = lambda asked: Sent(error("overloaded_error", "Overloaded"), 529)
    with pytest.raises(AttemptFailed, match="HTTP 529: Overloaded") as overloaded:
        ask(endpoint, CHAT)
    assert overloaded.value.throttled
    server.behave = lambda asked: Sent(error("authentication_error", f"invalid x-api-key {KEY}"), 401)
    with pytest.raises(ProviderError, match="rejects the key"):
        ask(endpoint, CHAT)


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
        (400, "invalid_request_error", "You have reached your specified API usage limits. You will regain access on …"),
        (402, "billing_error", "Payment failed"),
    ],
)
def test_used_up_credit_ends_the_run_whatever_it_is_called(
    server: Loopback, tmp_path: Path, status: int, kind: str, message: str
) -> None:
    server.behave = lambda asked: Sent(error(kind, message), status)
    with pytest.raises(ProviderError, match="its credit is used up"):
        ask(at(server, tmp_path, protocol="anthropic"), CHAT)


def test_its_public_url_need_not_be_written(tmp_path: Path) -> None:
    house = catalog(tmp_path, variant(), protocol="anthropic", base_url=None)
    assert house.endpoints("toy")["full"].provider.base_url == "https://api.anthropic.com/v1"


def test_rate_limit_headers_are_an_allowance(server: Loopback, tmp_path: Path) -> None:
    import asyncio

    from evalgate.providers import Allowance, Quota, connect

    server.behave = lambda asked: failure(429, "slow down", anthropic_ratelimit_requests_remaining="0")
    endpoint = at(server, tmp_path, protocol="anthropic")

    async def once() -> Allowance | None:
        client = connect(endpoint.provider, {"KEY": KEY})
        assert client.allowance is None
        with pytest.raises(AttemptFailed):
            await client.ask(endpoint, CHAT)
        await client.close()
        return client.allowance

    assert asyncio.run(once()) == Allowance(Quota(0, 60))


BLOCK = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "tool_use", "thinking"]) | JSON},
    optional={"text": JSON, "input": JSON, "name": JSON, "id": JSON, "thinking": JSON},
)


@given(
    JSON
    | st.fixed_dictionaries(
        {"content": JSON | st.lists(BLOCK | JSON, max_size=3)},
        optional={
            "stop_reason": JSON | st.just("refusal"),
            "stop_details": JSON | st.fixed_dictionaries({"explanation": JSON}),
            "usage": JSON | st.fixed_dictionaries({"input_tokens": JSON, "output_tokens_details": JSON}),
        },
    )
)
def test_any_json_is_an_answer_that_can_be_stored_or_a_failed_attempt(body: JsonValue) -> None:
    try:
        answer = parse_message(body, 1.0)
    except AttemptFailed:
        return
    canonical(answer)
    assert answer.failed == (answer.kind == "filtered" and not answer.text)
    assert answer.input_tokens is None or 0 < answer.input_tokens < 2**31
    assert answer.output_tokens is None or 0 <= answer.output_tokens < 2**31
