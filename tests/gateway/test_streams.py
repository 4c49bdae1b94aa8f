"""Streams once content has come: bytes as they are, ends that are true, and nobody made to wait."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.house import CHEAP, House, house
from tests.gateway.upstream import (
    DONE,
    ROLE,
    STOP,
    USAGE_EVENT,
    Play,
    Talk,
    event,
    events,
    silence,
    streams,
)

WORDS = [event({"content": f"word{n} "}) for n in range(6)]
TOOLS = [
    event({"role": "assistant", "tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]}),
    event({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "g", "arguments": "{"}}]}),
    event({"tool_calls": [{"index": 1, "function": {"arguments": "}"}}]}),
    event({}, "tool_calls"),
    DONE,
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house"), CHEAP, provider=", timeout: 1") as up:
        yield up


@pytest.fixture
def up(running: House) -> House:
    running.upstream.requests.clear()
    running.upstream.plays.clear()
    running.counts.attempts.clear()
    running.door.booked.clear()
    running.delivered.clear()
    running.application.desk.health._known.clear()
    return running


async def reports_an_error(talk: Talk) -> None:
    await asyncio.sleep(0.2)  # or it would come with the first content, when there still is somebody else to ask
    await talk.piece(b'data: {"error": {"message": "broke", "code": 500}}\n\n' + DONE)
    talk.end_stream()


def last_event(content: bytes) -> dict[str, object]:
    told = json.loads(content.rstrip().rsplit(b"data: ", 1)[1])
    assert isinstance(told, dict)
    return told


def test_tool_calls_keep_their_indexes_and_ids(up: House) -> None:
    up.upstream.will("cheap", streams(*TOOLS))
    assert up.ask(stream=True).content == b"".join(TOOLS)


def test_comments_and_names_pass_through(up: House) -> None:
    pieces = [b": hello\n\n", ROLE, b"event: x\nid: 7\nretry: 10\n" + WORDS[0], b":\n\n", STOP, DONE]
    up.upstream.will("cheap", streams(*pieces))
    assert up.ask(stream=True).content == b"".join(pieces)


def test_windows_line_ends_stay(up: House) -> None:
    pieces = [each.replace(b"\n", b"\r\n") for each in events()]
    up.upstream.will("cheap", streams(*pieces))
    assert up.ask(stream=True).content == b"".join(pieces)


def test_a_malformed_chunk_is_skipped(up: House) -> None:
    up.upstream.will("cheap", streams(ROLE, WORDS[0], b'data: {"choices": [{"del\n\n', WORDS[1], STOP, DONE))
    assert up.ask(stream=True).content == b"".join([ROLE, WORDS[0], WORDS[1], STOP, DONE])


def test_a_stream_without_its_last_sentinel_is_whole_and_ends_at_once(up: House) -> None:
    up.upstream.will("cheap", streams(ROLE, *WORDS, STOP, USAGE_EVENT))
    assert up.ask(stream=True).content == b"".join([ROLE, *WORDS, STOP])
    assert up.counts.outcomes == [("cheap", "ok")]


def test_usage_that_comes_with_content_is_counted_and_stays(up: House) -> None:
    choices = [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    usage = {"prompt_tokens": 9, "completion_tokens": 4}
    last = b"data: " + json.dumps({"choices": choices, "usage": usage}).encode() + b"\n\n"
    up.upstream.will("cheap", streams(*WORDS, last, DONE))
    assert last in up.ask(stream=True).content
    assert (up.counts.attempts[0].input_tokens, up.counts.attempts[0].output_tokens) == (9, 4)


@pytest.mark.parametrize(
    "play",
    [
        streams(ROLE, *WORDS, ends=False),
        streams(ROLE, *WORDS),
        streams(ROLE, *WORDS, WORDS[0][:20], ends=False),
        streams(ROLE, *WORDS, then=silence),
        streams(ROLE, *WORDS, then=reports_an_error),
    ],
    ids=["cut", "ended early", "cut in an event", "silent", "error event"],
)
def test_a_stream_that_breaks_ends_with_an_error_and_not_as_if_complete(up: House, play: Play) -> None:
    up.upstream.will("cheap", play)
    content = up.ask(stream=True).content
    assert content.startswith(b"".join([ROLE, *WORDS]))
    assert "error" in last_event(content)
    assert DONE not in content
    assert up.counts.outcomes == [("cheap", "failed")]
    assert up.upstream.models == ["cheap"]
    assert not up.delivered[0].complete
    assert up.door.booked[0][1] > 0


def test_an_answer_that_is_whole_is_not_taken_away_by_a_broken_end(up: House) -> None:
    up.upstream.will("cheap", streams(ROLE, *WORDS, STOP, ends=False))
    content = up.ask(stream=True).content
    assert content == b"".join([ROLE, *WORDS, STOP])
    assert up.counts.outcomes == [("cheap", "ok")]


def test_each_event_comes_when_it_was_sent(up: House) -> None:
    go_on = threading.Event()

    async def waits(talk: Talk) -> None:
        talk.begin_stream()
        await talk.piece(ROLE + WORDS[0])
        await asyncio.to_thread(go_on.wait, 5)
        await talk.piece(STOP + DONE)
        talk.end_stream()

    up.upstream.will("full", waits)
    asked = {"model": "model", "messages": [], "stream": True}
    with up.client.stream("POST", "/v1/chat/completions", json=asked) as response:
        pieces = response.iter_raw()
        assert next(pieces) == ROLE + WORDS[0]
        go_on.set()
        assert b"".join(pieces) == STOP + DONE


def test_a_client_that_does_not_read_makes_the_upstream_wait(up: House) -> None:
    written = 0
    big = event({"content": "x" * 65_536})

    async def pours(talk: Talk) -> None:
        nonlocal written
        talk.begin_stream()
        for _ in range(600):
            await talk.piece(big)
            written += len(big)
        await talk.piece(STOP + DONE)
        talk.end_stream()

    up.upstream.will("full", pours)
    body = json.dumps({"model": "model", "messages": [], "stream": True}).encode()
    port = int(up.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        line.sendall(head + body)
        before = -1
        while written != before:  # until nothing moves any more
            before = written
            time.sleep(0.3)
        assert 0 < written < 600 * len(big)
        received = bytearray()
        while not received.endswith(b"0\r\n\r\n"):
            received += line.recv(1 << 20)
    assert len(received) > 600 * 65_536


def test_a_slow_stream_is_not_taken_for_a_silent_one(tmp_path: Path) -> None:
    with house(tmp_path, CHEAP, provider=", timeout: 0.4") as up:
        up.upstream.will("cheap", streams(ROLE, *WORDS, STOP, DONE, pause=0.1))
        assert up.ask(stream=True).content.endswith(DONE)
