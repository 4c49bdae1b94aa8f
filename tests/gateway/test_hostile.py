"""Requests that nobody sends by mistake: each gets an answer of 4xx, and the next one is served."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.gateway.house import CHEAP, House, house

LIMIT = 100_000
GOOD = json.dumps({"model": "model", "messages": []}).encode()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house"), CHEAP, settings={"max_body": LIMIT}) as running:
        yield running


def raw(up: House, data: bytes) -> bytes:
    """The first of what comes back for these bytes."""
    with socket.create_connection(("127.0.0.1", int(up.url.rsplit(":", 1)[1])), timeout=10) as line:
        with contextlib.suppress(ConnectionError):  # it has heard enough
            line.sendall(data)
        received = b""
        while b"\r\n\r\n" not in received:
            piece = line.recv(65_536)
            if not piece:
                break
            received += piece
    return received


def post(body: bytes, *headers: bytes, length: bytes | None = None, path: bytes = b"/v1/chat/completions") -> bytes:
    told = b"content-length: %s" % (b"%d" % len(body) if length is None else length)
    return b"\r\n".join([b"POST %s HTTP/1.1" % path, b"host: x", told, *headers, b"", body])


CHUNKED = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
HOSTILE = {
    "empty body": post(b""),
    "not JSON": post(b"{"),
    "a list": post(b"[]"),
    "a text": post(b'"x"'),
    "null": post(b"null"),
    "a number beyond all": post(b'{"model": 1e99999, "messages": []}'),
    "deep arrays": post(b"[" * 40_000),
    "deep objects": post(b'{"a":' * 15_000 + b"1" + b"}" * 15_000),
    "deep enough to read, too deep to write": post(b'{"model":"model","messages":' + b"[" * 600 + b"]" * 600 + b"}"),
    "not UTF-8": post(b'{"model": "\xff\xfe"}'),
    "UTF-16": post('{"model": "model"}'.encode("utf-16")),
    "half a surrogate": post(b'{"model": "\\ud800", "messages": []}'),
    "a NUL": post(b"\x00" * 10),
    "NaN": post(b'{"model": "model", "temperature": NaN}'),
    "no model": post(b'{"messages": []}'),
    "an unknown model": post(b'{"model": "other", "messages": []}'),
    "a model that is a list": post(b'{"model": ["model"], "messages": []}'),
    "a long model": post(json.dumps({"model": "m" * 5000}).encode()),
    "stream is a text": post(b'{"model": "model", "messages": [], "stream": "yes"}'),
    "a limit that is none": post(b'{"model": "model", "messages": [], "provider": {"max_price": {"prompt": "cheap"}}}'),
    "a limit nobody keeps": post(b'{"model": "model", "messages": [], "provider": {"max_price": {"prompt": 0}}}'),
    "a body that is too large": post(b"x" * (LIMIT + 1)),
    "a promise that is too large": post(b"", length=b"99999999999999999999"),
    "a negative length": post(GOOD, length=b"-1"),
    "a length in words": post(GOOD, length=b"ten"),
    "two lengths": post(GOOD, b"content-length: 3"),
    "length and chunks": post(GOOD, b"transfer-encoding: chunked"),
    "an odd transfer encoding": post(GOOD, b"transfer-encoding: chunked, identity"),
    "a chunk size that is none": CHUNKED + b"\r\nzz\r\n",
    "a chunk that is too large": CHUNKED + b"\r\nffffffffffffffffff\r\n",
    "too many chunks": CHUNKED
    + b"\r\n"
    + b"4000\r\n"
    + b"x" * 0x4000
    + b"\r\n"
    + (b"4000\r\n" + b"x" * 0x4000 + b"\r\n") * 8,
    "two authorizations": post(GOOD, b"authorization: Bearer a", b"authorization: Bearer b"),
    "two operations": post(GOOD, b"x-evalgate-operation: a", b"X-Evalgate-Operation: b"),
    "a space before the colon": post(GOOD, b"x-evalgate-tier : batch"),
    "a folded header": post(GOOD, b"x-a: b\r\n c: d"),
    "a bare line feed in a header": post(GOOD, b"x-a: b\nx-b: c\x00"),
    "one header that never ends": b"GET / HTTP/1.1\r\nx-a: " + b"x" * 1_000_000,
    "headers that never end": b"GET / HTTP/1.1\r\n" + b"x-a: b\r\n" * 100_000,
    "a path that never ends": b"GET /" + b"x" * 1_000_000,
    "no method": b"/v1/chat/completions\r\n\r\n",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n\r\n",
    "an unknown path": post(GOOD, path=b"/v1/chat"),
    "a path that climbs": post(GOOD, path=b"/v1/../v1/chat/completions"),
    "the wrong method": b"GET /v1/chat/completions HTTP/1.1\r\nhost: x\r\n\r\n",
    "the wrong method of Anthropic's": b"DELETE /v1/messages HTTP/1.1\r\nhost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_gets_a_4xx_and_serving_goes_on(up: House, name: str) -> None:
    answer = raw(up, HOSTILE[name])
    assert answer.startswith(b"HTTP/1.1 4"), answer[:200]
    assert b"Traceback" not in answer
    assert up.ask().status_code == 200


def test_who_says_nothing_is_not_waited_for(up: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalgate.gateway.bounded.HEAD_SECONDS", 0.3)
    assert raw(up, b"").startswith(b"HTTP/1.1 400")
    assert raw(up, b"GET /healthz HTTP/1.1\r\nhost: ").startswith(b"HTTP/1.1 400")


def test_a_connection_that_is_kept_may_rest(up: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalgate.gateway.bounded.HEAD_SECONDS", 0.2)
    with httpx.Client(base_url=up.url, trust_env=False) as client:
        assert client.get("/healthz").status_code == 200
        time.sleep(0.4)
        assert client.get("/healthz").status_code == 200


def test_what_is_too_large_is_refused_while_it_is_still_coming(up: House) -> None:
    with socket.create_connection(("127.0.0.1", int(up.url.rsplit(":", 1)[1])), timeout=10) as line:
        line.sendall(post(b"x" * 10, length=b"50000000"))
        assert line.recv(65_536).startswith(b"HTTP/1.1 413")
        for _ in range(50):  # it goes on sending, and is neither believed nor cut off
            line.sendall(b"x" * 1_000_000)
            # the last byte is missing: nothing more is answered


def test_a_refusal_has_the_shape_of_the_api_that_was_called(up: House) -> None:
    openai = up.client.post("/v1/chat/completions", content=b"{").json()
    assert openai["error"]["type"] == "invalid_request_error"
    assert set(openai["error"]) == {"message", "type", "param", "code"}
    anthropic = up.client.post("/v1/messages", content=b"{").json()
    assert (anthropic["type"], anthropic["error"]["type"]) == ("error", "invalid_request_error")
    assert up.client.get("/v1/nothing").json()["error"]["message"] == "there is no GET /v1/nothing here"
    assert up.client.get("/v1/messages/nothing").json()["type"] == "error"


def test_labels_cannot_break_into_headers(up: House) -> None:
    hostile = {"operation_id": "x\r\nset-cookie: a=b\u2028<script>"}
    response = up.ask(metadata=hostile)
    assert response.status_code == 200
    assert "set-cookie" not in response.headers


def test_what_a_client_calls_its_operations_takes_no_memory(up: House) -> None:
    for number in range(50):
        up.ask(metadata={"operation_id": f"op-{number}"})
    assert len(up.application.desk.health._looked) <= 2
