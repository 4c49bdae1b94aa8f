"""Streams on their way back: event by event, and whole when put together."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from evalgate.exchange import JsonValue
from evalgate.gateway.translations.answers import completion_of_message, message_of_completion
from evalgate.gateway.translations.chat_stream import ChatStream
from evalgate.gateway.translations.messages_stream import MessagesStream
from evalgate.providers.anthropic_stream import AnthropicStream
from evalgate.providers.openai_stream import OpenAIStream
from tests.conftest import JSON
from tests.gateway.translations.spoken import chunks, messages_events, names, objects, words
from tests.providers import chunks as openai
from tests.providers.test_anthropic_stream import HELLO, PING, STOP, block, delta, end, start

ANSWERS = st.fixed_dictionaries(
    {
        "text": st.lists(words, max_size=4),
        "calls": st.lists(st.tuples(names, names, objects), max_size=3, unique_by=lambda call: call[0]),
        "cut": st.integers(1, 9),
    }
)
COUNTS = {"prompt_tokens": 30, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 20}}


def chat(*events: object) -> list[bytes]:
    told = ("[DONE]" if event is None else json.dumps(event) for event in events)
    return [f"data: {event}\n\n".encode() for event in told]


def messages(*events: Any) -> list[bytes]:
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]


def to_messages(events: list[bytes]) -> list[dict[str, Any]]:
    stream = MessagesStream()
    return messages_events(b"".join(stream.feed(event) for event in events) + stream.end())


def to_chat(events: list[bytes], *, usage: bool = True) -> list[dict[str, Any]]:
    stream = ChatStream(7, usage=usage)
    return chunks(b"".join(stream.feed(event) for event in events) + stream.end())


def pieces(said: str, size: int) -> list[str]:
    return [said[at : at + size] for at in range(0, len(said), size)]


@given(ANSWERS)
def test_a_stream_of_chunks_is_the_message_that_the_whole_answer_is(answer: dict[str, Any]) -> None:
    calls = [
        {"id": identity, "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
        for identity, name, given in answer["calls"]
    ]
    finish = "tool_calls" if calls else "stop"
    message = {"role": "assistant", "content": "".join(answer["text"]) or None, "tool_calls": calls}
    whole = {**openai.HEAD, "usage": COUNTS, "choices": [{"index": 0, "message": message, "finish_reason": finish}]}
    events = [openai.chunk({"role": "assistant", "content": ""})]
    events += [openai.chunk({"content": piece}) for piece in answer["text"]]
    for index, call in enumerate(calls):
        first = {**call, "index": index, "function": {**call["function"], "arguments": ""}}
        events.append(openai.chunk({"tool_calls": [first]}))
        for piece in pieces(call["function"]["arguments"], answer["cut"]):
            events.append(openai.chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}))
    events += [openai.chunk(finish=finish), {**openai.HEAD, "choices": [], "usage": COUNTS}]
    assembled = AnthropicStream()
    for event in to_messages(chat(*events, None)):
        assembled.feed(event["type"], json.dumps(event).encode())
    expected = json.loads(message_of_completion(json.dumps(whole).encode()))
    assert _message(assembled.body()) == _message(expected)


@given(ANSWERS)
def test_a_stream_of_blocks_is_the_completion_that_the_whole_message_is(answer: dict[str, Any]) -> None:
    said = {"type": "text", "text": "".join(answer["text"])}
    uses = [{"type": "tool_use", "id": i, "name": n, "input": given} for i, n, given in answer["calls"]]
    usage = {"input_tokens": 10, "cache_read_input_tokens": 20, "output_tokens": 9}
    stop = "tool_use" if uses else "end_turn"
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-7", "usage": usage}
    whole = {**head, "content": [said, *uses] if said["text"] else uses, "stop_reason": stop}
    events: list[Any] = [start(input_tokens=10, cache_read_input_tokens=20, output_tokens=1), PING]
    events += [block(0, type="text", text=""), *(delta(0, type="text_delta", text=it) for it in answer["text"])]
    for index, use in enumerate(uses, 1):
        events.append(block(index, **{**use, "input": {}}))
        if use["input"]:
            written = pieces(json.dumps(use["input"]), answer["cut"])
            events += [delta(index, type="input_json_delta", partial_json=piece) for piece in ["", *written]]
        events.append({"type": "content_block_stop", "index": index})
    got = to_chat(messages(*events, end(stop, output_tokens=9), STOP))
    assembled = OpenAIStream()
    for event in got:
        assembled.feed("", b"[DONE]" if event is None else json.dumps(event).encode())
    expected = json.loads(completion_of_message(json.dumps(whole).encode(), 7))
    assert _completion(assembled.body()) == _completion(expected)


def _message(body: JsonValue) -> object:
    got = Message.model_validate(body)
    return (
        got.content,
        got.stop_reason,
        got.usage.input_tokens,
        got.usage.cache_read_input_tokens,
        got.usage.output_tokens,
    )


def _completion(body: JsonValue) -> object:
    assert isinstance(body, dict)
    choice: Any = body["choices"][0]  # type: ignore[index]
    whole = {"id": "", "object": "chat.completion", "created": 7, **body}
    whole["choices"] = [{**choice, "index": 0, "logprobs": None, "message": {"role": "assistant", **choice["message"]}}]
    got = ChatCompletion.model_validate(whole).choices[0]
    calls = [
        (call.id, call.function.name, json.loads(call.function.arguments))
        for call in got.message.tool_calls or []  # type: ignore[union-attr]
    ]
    return got.message.content or "", calls, got.finish_reason, body["usage"]


def test_the_events_of_a_message_come_in_their_order() -> None:
    assert [event["type"] for event in to_messages(chat(*openai.WHOLE, None))] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_a_message_has_stopped_only_when_its_usage_is_told() -> None:
    last = to_messages(chat(*openai.WHOLE, None))[-2]
    assert last["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert (last["usage"]["input_tokens"], last["usage"]["output_tokens"]) == (19, 10)


def test_parallel_calls_are_counted_from_0_and_named_once() -> None:
    events = [start(input_tokens=1), block(0, type="text", text="")]
    for index in (1, 2):
        events.append(block(index, type="tool_use", id=f"t{index}", name="f", input={}))
        events += [delta(index, type="input_json_delta", partial_json=piece) for piece in ('{"a"', ":1}")]
    got = to_chat(messages(*events, end("tool_use", output_tokens=5), STOP))
    calls = [call for each in got[:-2] for call in each["choices"][0]["delta"].get("tool_calls", [])]
    assert [(call["index"], call.get("id")) for call in calls] == [
        *((0, "t1"), (0, None), (0, None)),
        *((1, "t2"), (1, None), (1, None)),
    ]


def test_the_usage_comes_last_without_choices() -> None:
    *_, finish, usage, done = to_chat(messages(*HELLO))
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert (usage["choices"], usage["usage"]["total_tokens"]) == ([], 40)
    assert done is None


def test_the_usage_is_told_to_who_asked_only() -> None:
    *_, finish, done = to_chat(messages(*HELLO), usage=False)
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert done is None


def test_a_comment_is_a_ping() -> None:
    first, *_ = chat(*openai.WHOLE)
    assert [
        event["type"] for event in to_messages([b": wait\n\n", first, b": wait\n\n", *chat(*openai.WHOLE[1:], None)])
    ][:2] == [
        "message_start",
        "ping",
    ]


def test_a_chunk_that_cannot_be_read_is_left_out() -> None:
    whole = chat(*openai.WHOLE, None)
    assert to_messages([*whole[:2], b'data: {"choi\n\n', *whole[2:]]) == to_messages(whole)


def test_a_call_that_the_server_did_not_name_gets_an_id() -> None:
    call = {"function": {"name": "f", "arguments": {"a": 1}}}
    events = to_messages(chat(openai.chunk({"tool_calls": [call, {**call, "index": 1}]}), openai.chunk(finish="stop")))
    named = [event["content_block"]["id"] for event in events if event["type"] == "content_block_start"]
    assert named == ["call_chatcmpl-123_0", "call_chatcmpl-123_1"]


@pytest.mark.parametrize(
    "events",
    [
        chat(openai.chunk({"content": "Hel"})),
        chat(openai.chunk({"content": "Hel"}), {"error": {"message": "boom"}}),
        chat(openai.chunk({"content": "Hel"}), openai.chunk(finish="error")),
        chat(openai.chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": "{}"}}]}, "tool_calls")),
        chat(),
        chat(None),
    ],
)
def test_a_stream_that_breaks_ends_in_an_error_for_clients_of_messages(events: list[bytes]) -> None:
    got = to_messages(events)
    assert got[-1]["type"] == "error"
    assert "message_stop" not in [event["type"] for event in got]


@pytest.mark.parametrize(
    "events",
    [
        messages(*HELLO[:4]),
        messages(*HELLO[:4], {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        messages(),
    ],
)
def test_a_stream_that_breaks_ends_in_an_error_for_clients_of_chat_completions(events: list[bytes]) -> None:
    got = to_chat(events)
    assert "error" in got[-1]
    assert None not in got


def test_pieces_of_calls_that_are_mixed_are_an_error_and_no_other_call() -> None:
    both = [{"index": i, "id": f"c{i}", "function": {"name": "f", "arguments": '{"a'}} for i in (0, 1)]
    late = {"index": 0, "function": {"arguments": '":1}'}}
    got = to_messages(
        chat(openai.chunk({"tool_calls": both}), openai.chunk({"tool_calls": [late]}, "tool_calls"), None)
    )
    assert got[-1]["type"] == "error"


SAID = st.sampled_from(
    ["choices", "delta", "index", "tool_calls", "function", "arguments", "name", "id", "usage", "error"]
)
TYPES = st.sampled_from([event["type"] for event in HELLO] + ["error"])
HOSTILE = st.one_of(
    st.binary(max_size=30),
    JSON.map(lambda value: b"data: " + json.dumps(value).encode()),
    st.dictionaries(SAID, JSON | st.lists(st.dictionaries(SAID, JSON)), max_size=3).map(lambda value: chat(value)[0]),
    st.dictionaries(SAID, JSON).map(lambda value: chat({"choices": [{"delta": value}]})[0]),
    st.tuples(TYPES, st.dictionaries(st.sampled_from(["index", "delta", "content_block", "message"]), JSON)).map(
        lambda two: messages({**two[1], "type": two[0]})[0]
    ),
    st.sampled_from([*chat(*openai.WHOLE, None), *messages(*HELLO)]),
    st.just(
        chat({"choices": [{"delta": {"tool_calls": [{"function": {"name": "f"}}]}}]})[0].replace(b'"f"', b"[" * 400)
    ),
)


@settings(max_examples=150)
@given(st.lists(HOSTILE, max_size=8))
def test_whatever_comes_is_told_in_whole_events_or_left_out(events: list[bytes]) -> None:
    to_messages(events)
    to_chat(events)
