"""Server-sent events: the same bytes are the same events, however they arrive."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalgate.providers import AttemptFailed
from evalgate.providers.sse import Event, EventReader

LIMIT = 1000
STREAM = st.lists(
    st.sampled_from(
        [b"data", b"event", b": comment", b":", b" ", b"\n", b"\r", b"\r\n", b"x", "é".encode(), b"\xef\xbb\xbf"]
    )
    | st.binary(max_size=4),
    max_size=30,
).map(b"".join)


def read(*chunks: bytes) -> list[Event]:
    reader = EventReader(LIMIT)
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.close()


@given(STREAM, st.lists(st.integers(0, 100), max_size=8))
@example(b"data: a\r\n\r\ndata: b\r\n\r\n", [8, 9, 10, 11])
@example(b"\xef\xbb\xbfdata: a\n\n", [1, 2])
def test_any_cutting_of_the_same_bytes_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[begin:end] for begin, end in itertools.pairwise(places)]
    assert b"".join(chunks) == stream
    assert read(*chunks) == read(stream) == read(*(stream[n : n + 1] for n in range(len(stream))))


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_the_examples_of_the_standard(end: bytes) -> None:
    # HTML standard, section 9.2.6 "Interpreting an event stream"
    stream = [b"data: YHOO", b"data: +2", b"data: 10", b"", b": test stream", b"", b"data", b"", b"data", b"data", b""]
    assert read(end.join([*stream, b""])) == [("", b"YHOO\n+2\n10"), ("", b""), ("", b"\n")]


def test_one_space_after_the_colon_is_not_of_the_value() -> None:
    assert read(b"data:test\n\ndata: test\n\ndata:  test\n\n") == [("", b"test"), ("", b"test"), ("", b" test")]


def test_an_event_has_the_name_that_came_with_it() -> None:
    assert read(b"event: ping\ndata: 1\n\ndata: 2\n\nevent: lost\n\ndata: 3\n\n") == [
        ("ping", b"1"),
        ("", b"2"),
        ("", b"3"),
    ]


def test_comments_ids_and_unknown_fields_are_left_out() -> None:
    assert read(b": OPENROUTER PROCESSING\n\nid: 7\nretry: 9\nother\ndata: a\n\n:\n\n") == [("", b"a")]


def test_an_event_that_the_end_cuts_off_counts() -> None:
    assert read(b"data: [DONE]") == read(b"data: [DONE]\n") == [("", b"[DONE]")]


@pytest.mark.parametrize("piece", [b"x" * 10, b"data: xxxx\n"])
def test_an_event_that_is_too_large_is_a_failed_attempt(piece: bytes) -> None:
    with pytest.raises(AttemptFailed, match="an event of more than 1000 bytes"):
        read(b"data: ", *[piece] * 500)


def test_many_events_may_be_larger_than_one() -> None:
    assert len(read(*[b"data: xxxx\n", b"\n"] * 1000)) == 1000
    assert len(read(b"data: x", *[b"xxx\n\ndata: x"] * 1000)) == 1001
