"""The parts that must hold for any bytes: events that are cut, blocks that are put in, headers that are written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.gateway.delivery import _text, splice
from evalgate.gateway.shapes import retry_header
from evalgate.gateway.splitter import Splitter, payload
from evalgate.gateway.tally import Seen, Tally
from evalgate.providers.base import AttemptFailed
from evalgate.providers.sse import EventReader
from tests.conftest import JSON
from tests.gateway.upstream import DONE, ROLE, STOP, USAGE_EVENT, event, events

LINES = st.sampled_from(
    [b"data: {}", b"data: x", b"data:", b": c", b"event: e", b"", b"id: 1", b"data: \xc3\xa9", b"\xff", b"retry"]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=30).map(lambda lines: b"".join(a + b for a, b in lines))
CUTS = st.lists(st.integers(0, 300), max_size=12)


def pieces(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = [0, *sorted(cut for cut in cuts if cut <= len(data)), len(data)]
    return [data[start:stop] for start, stop in pairwise(places)]


@given(STREAMS | st.binary(max_size=300), CUTS)
def test_a_stream_is_cut_into_the_bytes_that_it_consists_of(data: bytes, cuts: list[int]) -> None:
    splitter = Splitter(10_000)
    found = [each for piece in pieces(data, cuts) for each in splitter.feed(piece)]
    assert b"".join(found) + splitter.close() == data


@given(STREAMS, CUTS)
def test_events_are_those_that_the_standard_sees_however_they_arrive(data: bytes, cuts: list[int]) -> None:
    splitter, reader = Splitter(10_000), EventReader(10_000)
    found = [each for piece in pieces(data, cuts) for each in splitter.feed(piece)]
    expected = reader.feed(data)
    told = [payload(each) for each in found]
    assert [each for each in told if each] == [each.strip() for _, each in expected[: len(told)] if each.strip()]


def test_one_event_of_many_pieces_is_bounded() -> None:
    splitter = Splitter(1000)
    for _ in range(9):
        splitter.feed(b"data: " + b"x" * 100)
    with pytest.raises(AttemptFailed, match="more than 1000 bytes"):
        splitter.feed(b"x" * 100)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), JSON, max_size=5), st.sampled_from([None, 2]))
def test_the_block_leaves_the_rest_as_it_was(body: dict[str, object], indent: int | None) -> None:
    body.pop("delivery", None)
    before = json.dumps(body, indent=indent).encode() + b"\n"
    after = splice(before, {"tier": "standard"})
    assert json.loads(after) == {**json.loads(before), "delivery": {"tier": "standard"}}
    assert after.startswith(before.rstrip()[:-1])


@given(st.text() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.integers())
def test_a_header_is_one_line_of_visible_ascii(value: object) -> None:
    written = _text(value)
    assert all(32 <= byte < 127 for byte in written)
    assert len(written) <= 400


@given(st.lists(st.sampled_from([*events(usage=True)[1:-2], USAGE_EVENT, ROLE, b": c\n\n"]), max_size=12))
def test_only_the_event_of_nothing_but_usage_is_told_apart_as_such(stream: list[bytes]) -> None:
    tally = Tally("openai")
    assert [each for each in stream if tally.event(each) is Seen.USAGE] == [
        each for each in stream if each == USAGE_EVENT
    ]


@pytest.mark.parametrize(
    ("delta", "seen"),
    [
        ({"role": "assistant"}, Seen.OTHER),
        ({"content": ""}, Seen.OTHER),
        ({"content": None, "refusal": None, "tool_calls": None}, Seen.OTHER),
        ({"content": "a"}, Seen.CONTENT),
        ({"reasoning": "a"}, Seen.CONTENT),
        ({"reasoning_content": "a"}, Seen.CONTENT),
        ({"refusal": "no"}, Seen.CONTENT),
        ({"tool_calls": [{"index": 0}]}, Seen.CONTENT),
        ({"function_call": {"name": "f"}}, Seen.CONTENT),
    ],
)
def test_what_is_content(delta: dict[str, object], seen: Seen) -> None:
    assert Tally("openai").event(event(delta)) is seen


def test_a_stream_of_two_choices_is_complete_when_both_are() -> None:
    tally = Tally("openai", 2)
    tally.event(STOP)
    assert not tally.complete
    tally.event(STOP.replace(b'"index": 0', b'"index": 1'))
    assert tally.complete
    assert tally.event(DONE) is Seen.DONE


def anthropic(*bodies: dict[str, object]) -> tuple[Tally, list[Seen]]:
    tally = Tally("anthropic")
    return tally, [tally.event(b"event: x\ndata: " + orjson.dumps(each) + b"\n\n") for each in bodies]


def test_a_stream_of_anthropics_is_understood() -> None:
    tally, seen = anthropic(
        {
            "type": "message_start",
            "message": {"usage": {"input_tokens": 7, "cache_read_input_tokens": 3, "output_tokens": 1}},
        },
        {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}},
        {"type": "message_stop"},
    )
    assert seen == [Seen.OTHER, Seen.OTHER, Seen.OTHER, Seen.CONTENT, Seen.CONTENT, Seen.DONE]
    assert (tally.input, tally.output, tally.complete) == (10, 4, True)


def test_a_tool_of_anthropics_is_content_when_it_begins() -> None:
    _, seen = anthropic({"type": "content_block_start", "content_block": {"type": "tool_use", "name": "f"}})
    assert seen == [Seen.CONTENT]


@pytest.mark.parametrize(("seconds", "written"), [(0.2, b"1"), (1.0, b"1"), (1.2, b"2"), (1e12, b"86400")])
def test_a_client_is_never_told_to_come_back_too_early(seconds: float, written: bytes) -> None:
    assert retry_header(seconds) == [(b"retry-after", written)]
