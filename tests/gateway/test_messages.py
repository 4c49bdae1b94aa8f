"""Anthropic's API before an upstream of Anthropic's: bytes pass through, and what the gateway says is in its words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.gateway.house import CHEAP, HELLO, TASK, House, house
from tests.gateway.upstream import Talk, fails, says, streams


def named(body: dict[str, object]) -> bytes:
    return f"event: {body['type']}\ndata: {json.dumps(body)}\n\n".encode()


START = named({"type": "message_start", "message": {"usage": {"input_tokens": 20, "output_tokens": 1}}})
BLOCK = named({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
PING = named({"type": "ping"})
TEXT = named({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}})
END = named({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}})
STOP = named({"type": "message_stop"})
OVERLOADED = named({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}})
WHOLE = [START, BLOCK, PING, TEXT, END, STOP]
MESSAGE = {
    "type": "message",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 20, "output_tokens": 5},
}


@pytest.fixture
def up(tmp_path: Path) -> Iterator[House]:
    provider = ", protocol: anthropic, api_key_env: KEY, timeout: 2"
    with house(tmp_path, CHEAP, provider=provider, environment={"KEY": "sk-ant-0123456789abcdef"}) as running:
        running.upstream.will("full", says(200, json.dumps(MESSAGE).encode()))
        yield running


def ask(up: House, **more: object) -> httpx.Response:
    body = {"model": "model", "max_tokens": 10, "messages": HELLO, "metadata": {**TASK, "user_id": "u"}, **more}
    return up.client.post("/v1/messages", json=body, headers={"anthropic-beta": "a-2025-01-01", "x-api-key": "eg-x"})


def test_a_message_is_passed_on_with_the_block(up: House) -> None:
    up.upstream.will("cheap", says(200, json.dumps(MESSAGE).encode()))
    told = ask(up).json()
    assert told.pop("delivery")["cost_usd"] == 0.0000025
    assert told == MESSAGE
    (request,) = up.upstream.requests
    assert (request.path, request.headers["x-api-key"]) == ("/v1/messages", "sk-ant-0123456789abcdef")
    assert (request.headers["anthropic-beta"], request.body["metadata"]) == ("a-2025-01-01", {"user_id": "u"})


def test_a_stream_is_passed_on_as_it_is(up: House) -> None:
    up.upstream.will("cheap", streams(*WHOLE))
    assert ask(up, stream=True).content == b"".join(WHOLE)
    assert (up.counts.attempts[0].input_tokens, up.counts.attempts[0].output_tokens) == (20, 5)
    assert up.counts.outcomes == [("cheap", "ok")]


def test_an_overload_before_content_falls_back(up: House) -> None:
    up.upstream.will("full", streams(*WHOLE))
    up.upstream.will("cheap", streams(START, PING, OVERLOADED))
    response = ask(up, stream=True)
    assert (response.headers["x-evalgate-variant"], response.content) == ("full", b"".join(WHOLE))


def test_an_overload_by_its_status_falls_back(up: House) -> None:
    up.upstream.will("cheap", fails(529))
    assert ask(up).json()["delivery"]["variant"] == "full"


def test_a_stream_that_breaks_ends_with_an_error_event(up: House) -> None:
    async def breaks(talk: Talk) -> None:
        talk.keep = False

    up.upstream.will("cheap", streams(START, BLOCK, TEXT, then=breaks))
    content = ask(up, stream=True).content
    assert content.startswith(START + BLOCK + TEXT + b"event: error\ndata: ")
    assert STOP not in content


def test_a_stream_without_its_last_event_is_whole_when_it_said_why_it_stopped(up: House) -> None:
    up.upstream.will("cheap", streams(START, BLOCK, TEXT, END))
    assert ask(up, stream=True).content == START + BLOCK + TEXT + END
    assert up.counts.outcomes == [("cheap", "ok")]
