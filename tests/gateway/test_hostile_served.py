"""Hostile requests to the gateway as it is served, to every one of its doors: 4xx each, and the next call is served."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.test_hostile import CHUNKED, GOOD, HOSTILE, LIMIT, post
from tests.gateway.test_process import ASKED, Running, serving

FORM = b"content-type: multipart/form-data; boundary=b"
PART = b'--b\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n'
FILE = b'--b\r\ncontent-disposition: form-data; name="file"; filename="%s"\r\n\r\n%s\r\n'
END = b"--b--\r\n"
DEEP = b"[" * 40_000
FILES, BATCHES, FEEDBACK = b"/v1/files", b"/v1/batches", b"/v1/feedback"


def get(path: bytes, *headers: bytes, method: bytes = b"GET", version: bytes = b"HTTP/1.1") -> bytes:
    return b"\r\n".join([b"%s %s %s" % (method, path, version), b"host: x", *headers, b"", b""])


def form(*parts: bytes) -> bytes:
    return post(b"".join([*parts, END]), FORM, path=FILES)


ELSEWHERE = {
    "no host": b"GET /v1/models HTTP/1.1\r\n\r\n",
    "two hosts": get(b"/v1/models", b"host: y"),
    "a host in between": post(GOOD, b"Host: evil.example"),
    "absolute-form without a path": get(b"http://evil.example"),
    "absolute-form of what is not here": get(b"http://evil.example/etc/passwd"),
    "authority-form": get(b"evil.example:443", method=b"CONNECT"),
    "asterisk-form": get(b"*", method=b"OPTIONS"),
    "trace": get(b"/v1/models", method=b"TRACE"),
    "a method that is none": get(b"/v1/models", method=b"G ET"),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version that is none": get(b"/v1/models", version=b"HTTP/9.9"),
    "a length with a sign": post(GOOD, length=b"+10"),
    "a length in hex": post(GOOD, length=b"0x1f"),
    "two lengths in one": post(GOOD, length=b"5, 5"),
    "chunked, nearly": post(GOOD, b"transfer-encoding: xchunked"),
    "chunked behind a tab": post(GOOD, b"transfer-encoding:\tchunked"),
    "length and chunks of a file": post(END, FORM, b"transfer-encoding: chunked", path=FILES),
    "a chunk with a negative size": CHUNKED + b"\r\n-5\r\nhello\r\n0\r\n\r\n",
    "a name with a NUL": post(GOOD, b"x-a\x00: b"),
    "a carriage return in a value": post(GOOD, b"x-evalgate-operation: a\rx-evalgate-tier: batch"),
    "an empty name": post(GOOD, b": b"),
    "files: no form": post(b"{}", b"content-type: application/json", path=FILES),
    "files: no boundary": post(b"x", b"content-type: multipart/form-data", path=FILES),
    "files: a boundary that never comes": post(b"x" * 5000, FORM, path=FILES),
    "files: a form that is cut": post(PART % (b"purpose", b"batch"), FORM, path=FILES),
    "files: no file": form(PART % (b"purpose", b"batch")),
    "files: another purpose": form(PART % (b"purpose", b"fine-tune"), FILE % (b"a", b"{}")),
    "files: two files": form(FILE % (b"a", b"{}"), FILE % (b"b", b"{}")),
    "files: a thousand fields": form(*[PART % (b"f%d" % each, b"") for each in range(1000)]),
    "files: a field of a megabyte": form(PART % (b"purpose", b"x" * 1_000_000)),
    "files: a promise that is too large": post(b"", FORM, length=b"999999999999", path=FILES),
    "files: a limit below zero": get(b"/v1/files?limit=-1"),
    "files: a limit that is none": get(b"/v1/files?limit=\xd9\xa3"),
    "files: an order": get(b"/v1/files?order=random()"),
    "files: after a NUL": get(b"/v1/files?after=%00"),
    "files: a path": get(b"/v1/files/..%2F..%2Fetc%2Fpasswd"),
    "files: a NUL": get(b"/v1/files/%00/content"),
    "files: an injection": get(b"/v1/files/'%20OR%20'1'='1", method=b"DELETE"),
    "batches: empty": post(b"", path=BATCHES),
    "batches: deep": post(DEEP, path=BATCHES),
    "batches: not UTF-8": post(b'{"endpoint": "\xff"}', path=BATCHES),
    "batches: too large": post(b'{"endpoint": "%s"}' % (b"x" * 70_000), path=BATCHES),
    "batches: a file that is a list": post(
        b'{"endpoint": "/v1/chat/completions", "completion_window": "24h", "input_file_id": ["a"]}', path=BATCHES
    ),
    "batches: metadata that is a list": post(
        b'{"endpoint": "/v1/chat/completions", "completion_window": "24h", "metadata": [1]}', path=BATCHES
    ),
    "batches: another method": get(BATCHES, method=b"PUT"),
    "batches: a name": get(b"/v1/batches/%F0%9F%92%A9/cancel", method=b"POST"),
    "feedback: empty": post(b"", path=FEEDBACK),
    "feedback: deep": post(DEEP, path=FEEDBACK),
    "feedback: deep within": post(b'{"id": "a", "correction": ' + b"[" * 500 + b"]" * 500 + b"}", path=FEEDBACK),
    "feedback: not UTF-8": post(b'{"id": "\xff"}', path=FEEDBACK),
    "feedback: a list": post(b"[]", path=FEEDBACK),
    "feedback: of nothing": post(b'{"id": "a\\u0000b", "correction": "c"}', path=FEEDBACK),
    "feedback: half a surrogate": post(b'{"id": "\\ud800", "correction": "c"}', path=FEEDBACK),
    "feedback: too large": post(b'{"id": "a", "correction": "%s"}' % (b"x" * 1_100_000), path=FEEDBACK),
    "feedback: two keys": post(b"{}", b"authorization: Bearer a", b"authorization: Bearer b", path=FEEDBACK),
    "models: one that is not": get(b"/v1/models/%3Cscript%3E"),
    "pages: one that climbs": get(b"/models/..%2F..%2Fetc%2Fpasswd"),
    "pages: a NUL": get(b"/models/%00"),
    "pages: events of none": get(b"/models/-/events?page=%3Cscript%3E"),
    "pages: another method": get(b"/models/", method=b"POST"),
    "readyz: another method": get(b"/readyz", method=b"DELETE"),
}
EVERYWHERE = {**HOSTILE, **ELSEWHERE}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = {"store": "gateway.db", "max_body": LIMIT, "metrics_port": None, "workers": 2}
    with serving(tmp_path_factory.mktemp("served"), settings) as running:
        yield running


def said(up: Running, data: bytes) -> bytes:
    """The first of what comes back; nothing where the connection is closed without a word."""
    received = b""
    with socket.create_connection(("127.0.0.1", up.client.base_url.port or 0), timeout=20) as line:
        with contextlib.suppress(ConnectionError):  # it has heard enough
            line.sendall(data)
        with contextlib.suppress(ConnectionError):
            while b"\r\n\r\n" not in received and (piece := line.recv(65_536)):
                received += piece
    return received


@pytest.mark.parametrize("name", EVERYWHERE)
def test_it_gets_a_4xx_and_serving_goes_on(up: Running, name: str) -> None:
    answer = said(up, EVERYWHERE[name])
    assert answer.startswith(b"HTTP/1.1 4"), answer[:300]
    assert b"Traceback" not in answer
    assert up.client.post("/v1/chat/completions", json=ASKED).status_code == 200


def test_nobody_died_and_nothing_is_kept_of_it(up: Running) -> None:
    children = Path(f"/proc/{up.process.pid}/task/{up.process.pid}/children").read_text().split()
    assert len(children) == 2
    assert up.client.get("/v1/files").json()["data"] == []
    assert up.client.get("/readyz").json()["store"]["problem"] is None
