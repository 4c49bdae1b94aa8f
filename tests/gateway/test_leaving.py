"""A client that leaves cancels what is under way, whenever it leaves; and what was used is booked."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest

from tests.gateway.house import CHEAP, HELLO, TASK, House, house
from tests.gateway.upstream import ROLE, Play, Request, answers, event, fails, silence, streams

WORD = event({"content": "some words of an answer "})


def leave(up: House, *, stream: bool, after: int = 0) -> Request:
    """Ask, wait until the upstream was asked and `after` bytes came, and go away; what the upstream saw of it."""
    body = json.dumps({"model": "model", "messages": HELLO, "metadata": TASK, "stream": stream}).encode()
    port = int(up.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as line:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        line.sendall(head + body)
        until = time.monotonic() + 10
        while not up.upstream.requests and time.monotonic() < until:
            time.sleep(0.005)
        received = b""
        while len(received) < after:
            received += line.recv(65_536)
    (request,) = up.upstream.requests
    while request.gone is None and time.monotonic() < until:
        time.sleep(0.005)
    return request


@pytest.mark.parametrize(
    ("play", "stream", "after"),
    [
        (silence, False, 0),
        (silence, True, 0),
        (streams(ROLE, then=silence), True, 0),
        (streams(ROLE, WORD, WORD, then=silence), True, 1),
    ],
    ids=["whole answer", "before headers", "before content", "in the middle"],
)
def test_the_upstream_is_let_go_of_at_once(tmp_path: Path, play: Play, stream: bool, after: int) -> None:
    with house(tmp_path, CHEAP, provider=", timeout: 15") as up:
        up.upstream.will("cheap", play)
        request = leave(up, stream=stream, after=after)
        assert request.gone is not None
        assert request.gone < 5
        up.settled()
        assert up.counts.outcomes == [("cheap", "left")]
        assert up.upstream.models == ["cheap"]
        ((dollars, tokens),) = up.door.booked
        assert dollars > 0
        assert tokens > (10 if after else 0)
        assert [each.complete for each in up.delivered] == [False]
        assert up.application.live == 0
        assert up.ask(headers={"x-evalgate-tier": "realtime"}).status_code == 200


def test_a_probe_that_its_client_leaves_makes_room_for_the_next(tmp_path: Path) -> None:
    with house(tmp_path, CHEAP) as up:
        up.application.desk.health.failed("cheap", "sort", time.time(), 0.05)
        time.sleep(0.1)
        up.upstream.will("cheap", silence, answers())
        leave(up, stream=False)
        up.settled()
        assert up.ask().headers["x-evalgate-variant"] == "cheap"


def test_one_who_leaves_while_a_retry_is_waited_for_asks_nobody_any_more(tmp_path: Path) -> None:
    with house(tmp_path, CHEAP) as up:
        up.upstream.will("cheap", fails(429, headers={"retry-after": "1"}))
        body = json.dumps({"model": "model", "messages": HELLO, "metadata": TASK}).encode()
        with socket.create_connection(("127.0.0.1", int(up.url.rsplit(":", 1)[1]))) as line:
            line.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body
            )
            up.settled()
        until = time.monotonic() + 5
        while up.application.live and time.monotonic() < until:
            time.sleep(0.01)
        assert up.application.live == 0
        assert up.counts.outcomes == [("cheap", "throttled")]
