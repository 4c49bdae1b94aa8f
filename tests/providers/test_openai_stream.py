"""Streams of the OpenAI API: what came in pieces is what would have come whole, and what is not whole is nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.providers import AttemptFailed
from evalgate.providers.openai import parse_response, read
from evalgate.providers.openai_stream import OpenAIStream
from evalgate.providers.reply import Reply
from tests.conftest import JSON, Loopback, Sent
from tests.providers.asking import CHAT, ask, attempt, events, stream
from tests.providers.chunks import DONE, HELLO, USAGE, WHOLE, chunk

DEEP = "[" * 900 + "]" * 900


def body(*sent: object) -> object:
    assembler = OpenAIStream()
    for one in sent:
        assembler.feed("", json.dumps(one).encode())
    assembler.feed("", b"[DONE]")
    return assembler.body()


def test_the_example_of_the_documentation(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: stream(events(*WHOLE) + DONE)
    answer = ask(server.endpoint(tmp_path, stream=True), CHAT)
    assert (answer.text, answer.finish_reason, answer.input_tokens, answer.output_tokens) == ("Hello!", "stop", 19, 10)
    assert answer.details["system_fingerprint"] == "fp_44709d6fcb"
    (asked,) = server.asked
    assert asked.body["stream"] is True
    assert asked.body["stream_options"] == {"include_usage": True}


def test_the_time_to_the_first_token_is_that_of_the_first_content(server: Loopback, tmp_path: Path) -> None:
    role, *content = WHOLE
    thinking = chunk({"reasoning_content": "hm"})
    server.behave = lambda asked: stream(events(role), 0.1, events(thinking), 0.1, events(*content), 0.2, DONE)
    answer = ask(server.endpoint(tmp_path, stream=True), CHAT)
    first = answer.details["first_token_ms"]
    assert isinstance(first, float)
    assert 190 < first < answer.latency_ms - 150
    assert answer.details["reasoning"] == "hm"


def test_a_completion_is_streamed_too(server: Loopback, tmp_path: Path) -> None:
    texts = [{"choices": [{"text": text, "index": 0, "finish_reason": None}]} for text in (" 4", "2")]
    texts.append({"choices": [{"text": "", "index": 0, "finish_reason": "length"}], "usage": {"completion_tokens": 2}})
    server.behave = lambda asked: stream(events(*texts) + DONE)
    answer = ask(server.endpoint(tmp_path, stream=True))
    assert (answer.text, answer.finish_reason, answer.output_tokens) == (" 42", "length", 2)
    assert server.asked[0].path == "/v1/completions"


PIECES = st.lists(st.text(max_size=5), min_size=1, max_size=5)
CALLS = st.lists(st.tuples(st.text(min_size=1, max_size=5), PIECES), max_size=3)


@given(PIECES, CALLS, PIECES, st.lists(st.floats(-9, 0), max_size=4))
def test_what_came_in_pieces_is_what_would_have_come_whole(
    texts: list[str], calls: list[tuple[str, list[str]]], refusals: list[str], logprobs: list[float]
) -> None:
    tokens = [{"token": "t", "logprob": logprob, "bytes": None, "top_logprobs": []} for logprob in logprobs]
    message = {
        "content": "".join(texts),
        "refusal": "".join(refusals) or None,
        "tool_calls": [
            {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": "".join(arguments)}}
            for n, (name, arguments) in enumerate(calls)
        ],
    }
    choice = {"index": 0, "message": message, "logprobs": {"content": tokens}, "finish_reason": "stop"}
    whole = {
        "choices": [choice],
        "model": "gpt-4o-mini",
        "usage": USAGE["usage"],
        "system_fingerprint": "fp_44709d6fcb",
    }
    deltas = [{"content": text} for text in texts] + [{"refusal": text} for text in refusals]
    for n, (name, arguments) in enumerate(calls):
        begin = {"index": n, "id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": ""}}
        deltas += [{"tool_calls": [begin]}]
        deltas += [{"tool_calls": [{"index": n, "function": {"arguments": part}}]} for part in arguments]
    streamed = [chunk(delta) for delta in deltas]
    for token in tokens:
        streamed.append(chunk({}))
        streamed[-1]["choices"][0]["logprobs"] = {"content": [token]}
    assert parse_response(body(*streamed, chunk(finish="stop"), USAGE), 1.0) == parse_response(whole, 1.0)


def test_two_calls_that_a_server_counts_as_one_stay_two() -> None:
    # as Gemini's OpenAI-compatible API sends parallel calls: every index is 0
    calls = [{"index": 0, "id": n, "function": {"name": f"f{n}", "arguments": "{}"}} for n in ("a", "b")]
    answer = parse_response(body(*(chunk({"tool_calls": [call]}) for call in calls), chunk(finish="stop")), 1.0)
    told = answer.details["tool_calls"]
    assert isinstance(told, list)
    assert [call["function"]["name"] for call in told] == ["fa", "fb"]


def test_a_name_that_is_said_with_every_piece_is_one_name() -> None:
    pieces = [{"index": 0, "id": "a", "function": {"name": "f", "arguments": part}} for part in ('{"a"', ": 1}")]
    answer = parse_response(body(*(chunk({"tool_calls": [piece]}) for piece in pieces), chunk(finish="stop")), 1.0)
    function = {"name": "f", "arguments": '{"a": 1}'}
    assert answer.details["tool_calls"] == [{"id": "a", "type": "function", "function": function}]


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ([events(*HELLO)], "no finish_reason and no [DONE]"),
        ([events(USAGE)], "no finish_reason and no [DONE]"),
        ([events(USAGE), DONE], "no choices"),
        ([DONE], "no choices"),
        ([b""], "no finish_reason and no [DONE]"),
    ],
)
def test_a_stream_that_breaks_off_is_a_failed_attempt_and_no_shorter_answer(
    server: Loopback, tmp_path: Path, sent: list[bytes], why: str
) -> None:
    assert attempt(server, tmp_path, stream(*sent), CHAT, stream=True).reason == f"the stream broke off: {why}"


BEATS = b': alive\n\ndata:\n\ndata: \n\ndata\n\ndata: null\n\ndata: ""\n\nevent: ping\ndata: now\n\n'


@pytest.mark.parametrize(
    "sent",
    [
        events(*WHOLE),
        events(*WHOLE, chunk(finish="stop")),
        events(*HELLO, USAGE) + DONE,
        events(*HELLO, chunk(finish="stop"), {"error": {"message": "too late"}}),
        events(*HELLO, chunk(finish="stop")) + b"data: {broken",
        events(*HELLO, chunk(finish="stop")) + DONE + events(USAGE),
        BEATS.join(events(event) for event in WHOLE) + BEATS + b'event: done\ndata: "[DONE]"\n\n' + BEATS,
    ],
    ids=["no [DONE]", "a reason twice", "no reason", "an error at last", "cut", "usage at last", "heartbeats"],
)
def test_a_stream_that_is_complete_is_the_answer_whatever_its_end(
    server: Loopback, tmp_path: Path, sent: bytes
) -> None:
    server.behave = lambda asked: stream(sent)
    answer = ask(server.endpoint(tmp_path, stream=True), CHAT)
    assert answer.text == "Hello!"
    assert answer.output_tokens == (10 if b"completion_tokens" in sent else None)


def test_a_stream_that_goes_silent_after_its_usage_is_the_answer(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: stream(events(*WHOLE), 30.0)
    answer = ask(server.endpoint(tmp_path, stream=True, timeout=20), CHAT)
    assert (answer.text, answer.output_tokens) == ("Hello!", 10)
    assert answer.latency_ms < 900  # what was waited for in vain is not the endpoint's


def test_a_connection_that_breaks_after_the_reason_takes_nothing_away(server: Loopback, tmp_path: Path) -> None:
    sent = events(*HELLO, chunk(finish="stop"))
    whole = Sent(sent + DONE, headers={"Content-Type": "text/event-stream"}, only=len(sent))
    server.behave = lambda asked: whole
    assert ask(server.endpoint(tmp_path, stream=True), CHAT).text == "Hello!"


def test_a_character_that_comes_in_two_halves_is_one(server: Loopback, tmp_path: Path) -> None:
    halves = rb'data: {"choices": [{"delta": {"content": "\ud83d"}}]}' + b"\n\n"
    halves += rb'data: {"choices": [{"delta": {"content": "\ude00\ud800"}, "finish_reason": "stop"}]}' + b"\n\n"
    server.behave = lambda asked: stream(halves + DONE)
    assert ask(server.endpoint(tmp_path, stream=True), CHAT).text == "\U0001f600\ufffd"


def test_a_connection_that_breaks_within_a_stream_is_a_failed_attempt(server: Loopback, tmp_path: Path) -> None:
    sent = Sent(events(*WHOLE), headers={"Content-Type": "text/event-stream"}, only=300)
    assert "broke" in attempt(server, tmp_path, sent, CHAT, stream=True).reason


@pytest.mark.parametrize(
    ("error", "reason", "throttled"),
    [
        # openrouter.ai/docs/api-reference/streaming, "Mid-stream errors"
        ({"code": "server_error", "message": "Provider disconnected"}, "Provider disconnected", False),
        ({"code": 429, "message": "Rate limit exceeded"}, "Rate limit exceeded", True),
        ("plain", "plain", False),
    ],
)
def test_an_error_within_a_stream_is_a_failed_attempt(
    server: Loopback, tmp_path: Path, error: object, reason: str, throttled: bool
) -> None:
    event = {**chunk({"content": ""}, "error"), "error": error}
    failed = attempt(server, tmp_path, stream(events(*HELLO, event)), CHAT, stream=True)
    assert (failed.reason, failed.throttled) == (reason, throttled)


@pytest.mark.parametrize("sent", [b"data: <html>\n\n", b"data: 1\n\n", b"data: {\n\n", b"data: \xff\n\n"])
def test_an_event_that_is_not_json_is_a_failed_attempt(server: Loopback, tmp_path: Path, sent: bytes) -> None:
    failed = attempt(server, tmp_path, stream(events(*HELLO) + sent + DONE), CHAT, stream=True)
    assert failed.reason == "the stream has an event that is not a JSON object"


def test_an_event_called_error_is_one_whatever_it_says(server: Loopback, tmp_path: Path) -> None:
    for sent in (b"event: error\ndata: out of memory\n\n", events({"message": "out of memory"}, name="error")):
        assert attempt(server, tmp_path, stream(sent), CHAT, stream=True).reason == "out of memory"


def test_comments_other_choices_and_chunks_without_any_do_not_matter(server: Loopback, tmp_path: Path) -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "other"}, "finish_reason": "length"}]}
    filtered = {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}  # Azure's first chunk
    sent = b": OPENROUTER PROCESSING\n\n" + events(filtered, *WHOLE, other, {}, {"choices": None}) + DONE
    server.behave = lambda asked: stream(*(bytes([byte]) for byte in sent))
    answer = ask(server.endpoint(tmp_path, stream=True), CHAT)
    assert (answer.text, answer.finish_reason) == ("Hello!", "stop")


DELTA = st.fixed_dictionaries(
    {},
    optional={
        "content": JSON | st.lists(st.fixed_dictionaries({"text": JSON}), max_size=2),
        "refusal": JSON,
        "reasoning": JSON,
        "tool_calls": JSON
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "index": JSON,
                    "id": JSON,
                    "function": JSON | st.fixed_dictionaries({"name": JSON, "arguments": JSON}),
                },
            ),
            max_size=2,
        ),
    },
)
CHUNK = st.fixed_dictionaries(
    {},
    optional={
        "choices": JSON
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "index": JSON | st.just(0),
                    "delta": DELTA | JSON,
                    "text": JSON,
                    "logprobs": JSON | st.fixed_dictionaries({"content": JSON, "tokens": JSON}),
                    "finish_reason": JSON,
                    "error": JSON,
                },
            ),
            max_size=2,
        ),
        "usage": JSON,
        "error": JSON,
        "system_fingerprint": JSON,
    },
)


@given(st.lists(CHUNK | JSON, max_size=4))
def test_any_json_in_a_stream_is_an_answer_or_a_failed_attempt(chunks: list[object]) -> None:
    try:
        read(Reply(200, body(*chunks, chunk(finish="stop"))), 1.0, str)
    except AttemptFailed:
        return


@pytest.mark.parametrize(
    "sent",
    [
        '{"choices": [{"delta": {"tool_calls": [{"id": DEEP}]}}]}',
        '{"choices": [{"delta": {"tool_calls": [{"function": {"arguments": {"a": DEEP}}}]}}]}',
        '{"choices": [{"logprobs": {"content": DEEP}, "delta": {}}]}',
        '{"error": DEEP}',
        '{"usage": DEEP}',
    ],
)
def test_what_is_nested_deeper_than_can_be_stored_is_a_failed_attempt(
    server: Loopback, tmp_path: Path, sent: str
) -> None:
    event = f"data: {sent.replace('DEEP', DEEP)}\n\n".encode()
    failed = attempt(server, tmp_path, stream(event + events(chunk(finish="stop")) + DONE), CHAT, stream=True)
    assert "nested too deeply" in failed.reason
