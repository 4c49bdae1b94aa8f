"""`evalgate serve` as a process: how it starts, what it says when it cannot, how it ends, and who lives on."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
import pytest

from tests.gateway.house import CHEAP, HELLO, TASK, catalog_in, publish
from tests.gateway.upstream import DONE, ROLE, STOP, Play, Talk, Upstream, event

WORD = event({"content": "word "})
ASKED = {"model": "model", "messages": HELLO, "metadata": TASK}
COMMAND = [sys.executable, "-m", "evalgate", "serve"]


@dataclass
class Running:
    process: subprocess.Popen[str]
    client: httpx.Client
    upstream: Upstream
    folder: Path


@contextmanager
def serving(folder: Path, settings: Mapping[str, object] | None = None, *, provider: str = "") -> Iterator[Running]:
    with Upstream() as upstream:
        publish(folder, catalog_in(folder, upstream.port, CHEAP, provider=provider), CHEAP)
        signal_settings = {"source": "signal.json", "unsigned": True, "cache": "cache"}
        given = {"catalog": "catalog.yaml", "signal": signal_settings, "store": None, "port": 0, **(settings or {})}
        (folder / "gateway.yaml").write_bytes(orjson.dumps(given))  # which is YAML, too
        process = subprocess.Popen(
            [*COMMAND, "--config", str(folder / "gateway.yaml")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        found = re.search(r"http://\S+(?=/v1)", process.stdout.readline())
        assert found is not None
        try:
            with httpx.Client(base_url=found[0], timeout=20, trust_env=False) as client:
                assert _until(lambda: _follows(client))
                yield Running(process, client, upstream, folder)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            assert process.stderr is not None
            process.stderr.close()


def holds(go_on: threading.Event) -> Play:
    """A stream that begins, and goes on when it is told to."""

    async def play(talk: Talk) -> None:
        talk.begin_stream()
        await talk.piece(ROLE + WORD)
        await asyncio.to_thread(go_on.wait, 10)
        await talk.piece(STOP + DONE)
        talk.end_stream()

    return play


def test_sigterm_lets_what_is_under_way_come_to_its_end(tmp_path: Path) -> None:
    go_on = threading.Event()
    with serving(tmp_path) as up:
        up.upstream.will("cheap", holds(go_on))
        with up.client.stream("POST", "/v1/chat/completions", json={**ASKED, "stream": True}) as response:
            pieces = response.iter_raw()
            assert next(pieces) == ROLE + WORD
            up.process.send_signal(signal.SIGTERM)
            assert _until(lambda: _is_refused(str(up.client.base_url)))
            go_on.set()
            assert b"".join(pieces) == STOP + DONE
        assert up.process.wait(10) == 0


def test_what_takes_too_long_is_cut_off_with_an_error(tmp_path: Path) -> None:
    go_on = threading.Event()
    with serving(tmp_path, {"drain_seconds": 1}) as up:
        up.upstream.will("cheap", holds(go_on))
        with up.client.stream("POST", "/v1/chat/completions", json={**ASKED, "stream": True}) as response:
            pieces = response.iter_raw()
            next(pieces)
            up.process.send_signal(signal.SIGTERM)
            rest = b"".join(pieces)
        go_on.set()
        assert b"the gateway stops" in rest
        assert DONE not in rest
        assert up.process.wait(10) == 0


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    with serving(tmp_path, {"workers": 2}) as up:
        children = Path(f"/proc/{up.process.pid}/task/{up.process.pid}/children")
        before = [int(pid) for pid in children.read_text().split()]
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)

        def replaced() -> bool:
            now = [int(pid) for pid in children.read_text().split()]
            return len(now) == 2 and before[0] not in now

        assert _until(replaced)
        for _ in range(8):
            assert (
                httpx.post(f"{up.client.base_url}/v1/chat/completions", json=ASKED, trust_env=False).status_code == 200
            )
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(15) == 0


def test_workers_whose_parent_was_killed_end_and_leave_the_port(tmp_path: Path) -> None:
    with serving(tmp_path, {"workers": 2}) as up:
        up.process.kill()
        assert _until(lambda: _is_refused(str(up.client.base_url)))


def test_a_catalogue_that_changes_is_read_again_and_a_broken_one_is_not_used(tmp_path: Path) -> None:
    with serving(tmp_path) as up:
        good = (tmp_path / "catalog.yaml").read_text()
        (tmp_path / "catalog.yaml").write_text("models: [")
        up.process.send_signal(signal.SIGHUP)
        assert _until(lambda: up.client.get("/readyz").json()["catalog"]["problem"] is not None)
        assert up.client.post("/v1/chat/completions", json=ASKED).json()["delivery"]["variant"] == "cheap"
        (tmp_path / "catalog.yaml").write_text(good.replace("id: model\n", "id: another\n"))
        assert _until(lambda: up.client.get("/v1/models").json()["data"][0]["id"] == "another")
        assert up.client.post("/v1/chat/completions", json=ASKED).status_code == 404


def _follows(client: httpx.Client) -> bool:
    """Whether it is up, and has the signal."""
    try:
        return client.get("/readyz").json()["signal"]["seq"] is not None
    except httpx.TransportError:
        return False


def _is_refused(url: str) -> bool:
    try:
        httpx.get(f"{url}/healthz", trust_env=False)
    except httpx.TransportError:
        return True
    return False


def _until(true: Callable[[], bool], seconds: float = 15) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("settings", "arguments", "code", "told"),
    [
        ("prot: 1\n", [], 2, "gateway.yaml:1:1 prot: unknown key; did you mean 'port'?"),
        ("port: x\n", [], 2, "gateway.yaml:1:1 port: input should be a valid integer"),
        ("[]\n", [], 2, "expected a mapping"),
        ("catalog: nowhere.yaml\nsignal: {unsigned: true}\n", [], 2, "nowhere.yaml: cannot be read"),
        ("catalog: catalog.yaml\n", [], 2, "nobody is believed"),
        ("catalog: catalog.yaml\n", ["--unsigned", "--port", "PORT"], 4, "cannot listen here"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_served(
    tmp_path: Path, settings: str, arguments: list[str], code: int, told: str
) -> None:
    with Upstream() as upstream:
        catalog_in(tmp_path, upstream.port, CHEAP)
        (tmp_path / "gateway.yaml").write_text(settings)
        given = [str(upstream.port) if each == "PORT" else each for each in arguments]
        done = subprocess.run([*COMMAND, *given], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
