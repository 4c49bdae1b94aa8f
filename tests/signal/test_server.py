"""The server, as it is started by its command, on loopback."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from evalgate.signal.document import SignalDocument
from evalgate.signal.envelope import SigningKey, seal
from evalgate.signal.places.file import FilePlace
from tests.signal.make import document

KEY = SigningKey.generate()
Serve = Callable[..., AbstractContextManager[httpx.Client]]


def fresh(seq: int = 1, stream: str = "acme/prod") -> SignalDocument:
    return document(seq=seq, stream=stream, now=datetime.now(UTC).replace(microsecond=0))


def put(path: Path, data: bytes) -> None:
    FilePlace(path).replace(data, 1, lambda there: False)


def until(condition: Callable[[], bool]) -> None:
    last = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < last
        time.sleep(0.02)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "signal.json"


@contextmanager
def serving(path: Path, *options: str, **environment: str) -> Iterator[httpx.Client]:
    command = [sys.executable, "-m", "evalgate", "signal", "serve", str(path), "--port", "0", *options]
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"(http://\S+)/signal", process.stdout.readline())
        assert found is not None
        with httpx.Client(base_url=found[1], timeout=20) as client:
            until(lambda: _answers(client))
            yield client
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) is not None
        if process.stdout is not None:
            process.stdout.close()


def _answers(client: httpx.Client) -> bool:
    try:
        client.get("/health")
    except httpx.ConnectError:
        return False
    return True


def test_a_reader_is_given_the_document_once_and_then_told_that_it_is_the_same(path: Path) -> None:
    data = seal(fresh(7).encode(), [KEY])
    put(path, data)
    with serving(path) as client:
        first = client.get("/signal")
        assert (first.status_code, first.content, first.headers["x-evalgate-seq"]) == (200, data, "7")
        assert first.headers["content-type"] == "application/json"
        tag = first.headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = client.get("/signal", headers={"if-none-match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert client.get("/signal", headers={"if-none-match": '"other"'}).status_code == 200
        assert client.head("/signal").headers["etag"] == tag
        assert client.post("/signal").status_code == 405


def test_who_waits_is_answered_at_the_next_document(path: Path) -> None:
    put(path, fresh(1).encode())
    with serving(path) as client:
        tag = client.get("/signal").headers["etag"]
        publisher = threading.Timer(0.3, lambda: put(path, fresh(2).encode()))
        publisher.start()
        answer = client.get("/signal", params={"wait": "15"}, headers={"if-none-match": tag})
        publisher.join()
        assert (answer.status_code, answer.headers["x-evalgate-seq"]) == (200, "2")


def test_who_waits_for_nothing_is_told_so_in_the_end(path: Path) -> None:
    put(path, fresh().encode())
    with serving(path) as client:
        tag = client.get("/signal").headers["etag"]
        assert client.get("/signal", params={"wait": "0.2"}, headers={"if-none-match": tag}).status_code == 304
        assert client.get("/signal", params={"wait": "15"}).status_code == 200  # it has none yet: at once
        for wait in ("soon", "-1", "nan"):
            assert client.get("/signal", params={"wait": wait}).status_code == 400


def test_events_tell_each_new_seq(path: Path) -> None:
    put(path, fresh(1).encode())
    with serving(path) as client, client.stream("GET", "/signal/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert [next(lines) for _ in range(4)] == ["event: signal", "id: 1", 'data: {"seq": 1}', ""]
        put(path, fresh(2).encode())
        assert [next(lines) for _ in range(3)] == ["event: signal", "id: 2", 'data: {"seq": 2}']


def test_without_the_token_nothing_is_told(path: Path) -> None:
    put(path, fresh().encode())
    with serving(path, "--token-env", "TOKENS", TOKENS="new-one old-one") as client:
        for header in ({}, {"authorization": "Bearer other"}, {"authorization": "Basic new-one"}):
            for address in ("/signal", "/signal/events"):
                answer = client.get(address, headers=header)
                assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        for token in ("new-one", "old-one"):
            assert client.get("/signal", headers={"authorization": f"Bearer {token}"}).status_code == 200
        assert client.get("/health").json()["status"] == "ok"


def test_damage_and_a_rollback_are_not_handed_on(path: Path) -> None:
    good = fresh(5).encode()
    put(path, good)
    with serving(path) as client:
        for bad in (b"", good[:50], fresh(4).encode(), fresh(6, "another/stream").encode()):
            put(path, bad)
            until(lambda: client.get("/health").status_code == 503)
            assert client.get("/signal").content == good
            put(path, good)
            until(lambda: client.get("/health").status_code == 200)
        path.unlink()
        until(lambda: client.get("/health").status_code == 503)
        assert client.get("/signal").content == good


def test_with_trusted_keys_only_what_they_signed_is_served(path: Path, tmp_path: Path) -> None:
    KEY.public.save(tmp_path / "a.pub")
    put(path, seal(fresh(1).encode(), [SigningKey.generate()]))
    with serving(path, "--trust", str(tmp_path / "a.pub")) as client:
        assert client.get("/signal").status_code == 503
        put(path, seal(fresh(2).encode(), [KEY]))
        until(lambda: client.get("/signal").status_code == 200)


def test_health_tells_of_a_publisher_that_is_silent(path: Path) -> None:
    put(path, document(seq=3, now=datetime.now(UTC) - timedelta(hours=1)).encode())
    with serving(path) as client:
        answer = client.get("/health")
        assert (answer.status_code, answer.json()["status"], answer.json()["seq"]) == (503, "failing", 3)
        assert client.get("/signal").status_code == 200  # what it says of each variant may still be valid


def test_a_server_may_be_started_before_anything_is_published(path: Path) -> None:
    with serving(path) as client:
        assert client.get("/signal").status_code == 503
        put(path, fresh().encode())
        until(lambda: client.get("/signal").status_code == 200)


def test_a_port_that_is_taken_is_told_of(path: Path) -> None:
    with serving(path) as client:
        port = str(client.base_url.port)
        command = [sys.executable, "-m", "evalgate", "signal", "serve", str(path), "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 4
        assert "cannot listen here" in done.stderr
