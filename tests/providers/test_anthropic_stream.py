"""Streams of Anthropic's Messages."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.exchange import JsonValue
from evalgate.providers import AttemptFailed
from evalgate.providers.anthropic import parse_message, read
from evalgate.providers.anthropic_stream import AnthropicStream
from evalgate.providers.reply import Reply
from tests.conftest import JSON, Loopback
from tests.providers.asking import CHAT, KEY, ask, at, stream

Event = dict[str, JsonValue]
HEAD: Event = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "content": [],
    "model": "claude-opus-4-7",
    "stop_reason": None,
    "stop_sequence": None,
}


def start(**usage: int) -> Event:
    return {"type": "message_start", "message": {**HEAD, "usage": dict(usage)}}


def block(index: int, **content: JsonValue) -> Event:
    return {"type": "content_block_start", "index": index, "content_block": dict(content)}


def delta(index: int, **content: JsonValue) -> Event:
    return {"type": "content_block_delta", "index": index, "delta": dict(content)}


def end(reason: str | None = "end_turn", **usage: int) -> Event:
    return {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": dict(usage)}


STOP: Event = {"type": "message_stop"}
PING: Event = {"type": "ping"}
# platform.claude.com/docs/en/build-with-claude/streaming, "Basic streaming request"
HELLO = [
    start(input_tokens=25, output_tokens=1),
    block(0, type="text", text=""),
    PING,
    delta(0, type="text_delta", text="Hello"),
    delta(0, type="text_delta", text="!"),
    {"type": "content_block_stop", "index": 0},
    end(output_tokens=15),
    STOP,
]


def wire(*events: Event) -> bytes:
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


def body(*events: object) -> JsonValue:
    assembler = AnthropicStream()
    for event in events:
        assembler.feed("", json.dumps(event).encode())
    return assembler.body()


def test_the_example_of_the_documentation(server: Loopback, tmp_path: Path) -> None:
    begin, rest = wire(*HELLO[:3]), wire(*HELLO[3:])
    server.behave = lambda asked: stream(begin, 0.2, rest)
    answer = ask(at(server, tmp_path, protocol="anthropic", stream=True), CHAT)
    assert (answer.text, answer.finish_reason, answer.input_tokens, answer.output_tokens) == ("Hello!", "stop", 25, 15)
    first = answer.details["first_token_ms"]
    assert isinstance(first, float)
    assert 190 < first <= answer.latency_ms + 0.1
    assert server.asked[0].body["stream"] is True
    assert "stream_options" not in server.asked[0].body


def test_a_tool_call_is_assembled_from_its_pieces() -> None:
    # the same page, "Streaming request with tool use"
    pieces = ["", '{"location":', ' "San', " Francisc", "o,", ' CA"', ", ", '"unit": "fah', 'renheit"}']
    answer = parse_message(
        body(
            start(input_tokens=472, output_tokens=2),
            block(0, type="text", text=""),
            delta(0, type="text_delta", text="Okay, let's check the weather"),
            block(1, type="tool_use", id="toolu_01T1x1fJ34qAmk2tNTrN7Up6", name="get_weather", input={}),
            *(delta(1, type="input_json_delta", partial_json=piece) for piece in pieces),
            end("tool_use", output_tokens=89),
            STOP,
        ),
        1.0,
    )
    function = {"name": "get_weather", "arguments": '{"location":"San Francisco, CA","unit":"fahrenheit"}'}
    call = {"id": "toolu_01T1x1fJ34qAmk2tNTrN7Up6", "type": "function", "function": function}
    assert answer.details["tool_calls"] == [call]
    assert (answer.finish_reason, answer.input_tokens, answer.output_tokens) == ("tool_calls", 472, 89)


def test_a_tool_call_that_the_token_limit_cut_off_keeps_its_text() -> None:
    use = block(0, type="tool_use", id="t", name="f", input={})
    piece = delta(0, type="input_json_delta", partial_json='{"a": [1')
    answer = parse_message(body(start(), use, piece, end("max_tokens"), STOP), 1.0)
    assert answer.details["tool_calls"] == [
        {"id": "t", "type": "function", "function": {"name": "f", "arguments": '{"a": [1'}}
    ]
    assert answer.truncated


def test_thinking_is_neither_text_nor_a_first_token() -> None:
    assembler = AnthropicStream()
    thinking = [
        start(),
        block(0, type="thinking", thinking="", signature=""),
        delta(0, type="thinking_delta", thinking="hm"),
        delta(0, type="signature_delta", signature="EqQ"),
        block(1, type="text", text=""),
    ]
    assert not any(assembler.feed("", json.dumps(event).encode()) for event in thinking)
    assert assembler.feed("", json.dumps(delta(1, type="text_delta", text="42")).encode())
    for event in (end(), STOP):
        assembler.feed("", json.dumps(event).encode())
    answer = parse_message(assembler.body(), 1.0)
    assert (answer.text, answer.details["reasoning"]) == ("42", "hm")


def test_a_count_at_the_end_adds_to_that_at_the_start_and_takes_nothing_away() -> None:
    last = end(input_tokens=0, output_tokens=15)
    answer = parse_message(body(start(input_tokens=25, output_tokens=1), *HELLO[1:6], last, STOP), 1.0)
    assert (answer.input_tokens, answer.output_tokens) == (25, 15)


PIECES = st.lists(st.text(max_size=4), min_size=1, max_size=4)


@given(PIECES, st.dictionaries(st.text(max_size=3), JSON, max_size=3), st.lists(st.integers(0, 60), max_size=4))
def test_what_came_in_pieces_is_what_would_have_come_whole(
    texts: list[str], given_: dict[str, JsonValue], cuts: list[int]
) -> None:
    written = json.dumps(given_)
    places = [0, *sorted(min(cut, len(written)) for cut in cuts), len(written)]
    parts = [written[a:b] for a, b in itertools.pairwise(places)]
    streamed = body(
        start(input_tokens=3, cache_read_input_tokens=2),
        block(0, type="text", text=""),
        *(delta(0, type="text_delta", text=text) for text in texts),
        block(1, type="tool_use", id="t", name="f", input={}),
        *(delta(1, type="input_json_delta", partial_json=part) for part in parts),
        end("tool_use", output_tokens=9),
        STOP,
    )
    content: JsonValue = [
        {"type": "text", "text": "".join(texts)},
        {"type": "tool_use", "id": "t", "name": "f", "input": json.loads(written)},
    ]
    usage: JsonValue = {"input_tokens": 3, "cache_read_input_tokens": 2, "output_tokens": 9}
    whole: JsonValue = {**HEAD, "content": content, "stop_reason": "tool_use", "usage": usage}
    assert parse_message(streamed, 1.0) == parse_message(whole, 1.0)


@pytest.mark.parametrize("sent", [HELLO[:5], HELLO[:6], []])
def test_a_stream_that_breaks_off_is_a_failed_attempt(server: Loopback, tmp_path: Path, sent: list[Event]) -> None:
    server.behave = lambda asked: stream(wire(*sent) or b":\n\n")
    with pytest.raises(AttemptFailed, match=r"^the stream broke off: no message_stop$"):
        ask(at(server, tmp_path, protocol="anthropic", stream=True), CHAT)


@pytest.mark.parametrize("end", [HELLO[6:7], [STOP]], ids=["a stop_reason", "message_stop"])
def test_a_stream_is_complete_with_a_reason_to_stop_or_its_last_event(
    server: Loopback, tmp_path: Path, end: list[Event]
) -> None:
    server.behave = lambda asked: stream(wire(*HELLO[:6], *end))
    answer = ask(at(server, tmp_path, protocol="anthropic", stream=True), CHAT)
    assert (answer.text, answer.details["served_model"]) == ("Hello!", "claude-opus-4-7")
    assert len(server.asked) == 1


def test_a_last_event_without_any_message_is_a_failed_attempt() -> None:
    with pytest.raises(AttemptFailed, match=r"^the stream broke off: no message_start$"):
        body(STOP)


def test_heartbeats_of_any_form_do_not_matter(server: Loopback, tmp_path: Path) -> None:
    beats = b": alive\n\ndata:\n\ndata: \n\nevent: ping\ndata: now\n\nevent: ping\ndata\n\n"
    server.behave = lambda asked: stream(beats.join(wire(event) for event in HELLO))
    assert ask(at(server, tmp_path, protocol="anthropic", stream=True), CHAT).text == "Hello!"


def test_an_error_within_a_stream_is_a_failed_attempt(server: Loopback, tmp_path: Path) -> None:
    # the same page, "Error events"
    error: Event = {"type": "error", "error": {"type": "overloaded_error", "message": f"Overloaded {KEY}"}}
    server.behave = lambda asked: stream(wire(*HELLO[:4], error))
    with pytest.raises(AttemptFailed, match=r"^Overloaded \[key\]$") as caught:
        ask(at(server, tmp_path, protocol="anthropic", stream=True), CHAT)
    assert caught.value.throttled


def test_a_key_that_is_echoed_in_two_pieces_does_not_get_into_the_answer(server: Loopback, tmp_path: Path) -> None:
    pieces = [delta(0, type="text_delta", text=piece) for piece in (KEY[:9], KEY[9:])]
    server.behave = lambda asked: stream(wire(*HELLO[:3], *pieces, *HELLO[5:]))
    assert ask(at(server, tmp_path, protocol="anthropic", stream=True), CHAT).text == "[key]"


EVENT = st.fixed_dictionaries(
    {"type": st.sampled_from([str(event["type"]) for event in HELLO]) | JSON},
    optional={
        "index": JSON | st.just(0),
        "message": JSON | st.fixed_dictionaries({"usage": JSON, "content": JSON}),
        "content_block": JSON
        | st.fixed_dictionaries({"type": st.sampled_from(["text", "tool_use"]), "text": JSON, "input": JSON}),
        "delta": JSON
        | st.fixed_dictionaries(
            {"type": st.sampled_from(["text_delta", "input_json_delta"]), "text": JSON, "partial_json": JSON}
        ),
        "usage": JSON,
        "error": JSON,
    },
)


@given(st.lists(EVENT | JSON, max_size=5))
def test_any_json_in_a_stream_is_an_answer_or_a_failed_attempt(events: list[object]) -> None:
    try:
        read(Reply(200, body(*events, end(), STOP)), 1.0, str)
    except AttemptFailed:
        return
