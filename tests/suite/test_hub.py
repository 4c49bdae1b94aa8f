"""The hub when it cannot be had: a clear word within seconds, and no try of minutes."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evalgate.errors import EvalgateError, InfrastructureError, InputError
from evalgate.suite import hub, load_suite
from tests.conftest import suite_file

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HUB = {"path": "someone/questions", "split": "test", "revision": COMMIT, "columns": {"input": "q", "target": "a"}}


def refused(folder: Path, kind: type[EvalgateError]) -> str:
    with pytest.raises(kind) as told:
        load_suite(suite_file(folder, cases=None, dataset=HUB))
    return str(told.value)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(hub, "FIRST_SECONDS", 0.5)
    return lambda url: monkeypatch.setenv("HF_ENDPOINT", url)


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def refusing() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_hub_that_refuses_is_told_with_the_dataset_and_the_way_out(
    tmp_path: Path, endpoint: Callable[[str], None], refusing: str
) -> None:
    endpoint(refusing)
    told = refused(tmp_path, InfrastructureError)
    for words in ("suite.yaml:", "dataset.path", refusing, "someone/questions at 0123456789ab", "cases: FILE"):
        assert words in told


def test_a_hub_that_hangs_is_not_waited_for(tmp_path: Path, endpoint: Callable[[str], None], silent: str) -> None:
    endpoint(silent)
    assert "cannot be reached" in refused(tmp_path, InfrastructureError)


def test_a_hub_that_is_switched_off_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set, so someone/questions" in refused(tmp_path, InfrastructureError)


def test_rows_that_stop_coming_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "STALLED_SECONDS", 0.2)
    let_go = threading.Event()

    def rows() -> Iterator[int]:
        yield 1
        let_go.wait(30)

    awaited = hub._awaited(rows(), lambda: InfrastructureError("stalled"))
    assert next(awaited) == 1
    with pytest.raises(InfrastructureError, match="stalled"):
        next(awaited)
    let_go.set()


def test_rows_that_nobody_wants_any_more_are_not_read_on() -> None:
    read: list[int] = []
    awaited = hub._awaited((read.append(n) or n for n in range(100_000)), RuntimeError)
    assert [next(awaited) for _ in range(3)] == [0, 1, 2]
    awaited.close()
    assert len(read) < 1000


def test_what_goes_wrong_while_rows_are_read_comes_where_they_are_wanted() -> None:
    def rows() -> Iterator[int]:
        yield 1
        raise InputError("row 2 is broken")

    with pytest.raises(InputError, match="row 2 is broken"):
        list(hub._awaited(rows(), RuntimeError))


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: int, code: str) -> None:
    await reader.readuntil(b"\r\n\r\n")
    body = json.dumps({"error": "no"}).encode()
    head = f"HTTP/1.1 {status} No\r\nX-Error-Code: {code}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    writer.close()


@pytest.mark.parametrize(
    ("status", "code", "kind", "told"),
    [
        (404, "RepoNotFound", InputError, "has no dataset 'someone/questions', or none that you may read"),
        (404, "RevisionNotFound", InputError, "dataset.revision: someone/questions has no such commit"),
        (401, "", InputError, "private and gated ones need HF_TOKEN"),
        (403, "GatedRepo", InputError, "private and gated ones need HF_TOKEN"),
        (503, "", InfrastructureError, "cannot be reached"),
    ],
)
def test_what_the_hub_says_is_told(
    tmp_path: Path, endpoint: Callable[[str], None], status: int, code: str, kind: type[EvalgateError], told: str
) -> None:
    async def ask() -> str:
        server = await asyncio.start_server(lambda r, w: answering(r, w, status, code), "127.0.0.1", 0)
        async with server:
            endpoint(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            return await asyncio.to_thread(refused, tmp_path, kind)

    assert told in asyncio.run(ask())
