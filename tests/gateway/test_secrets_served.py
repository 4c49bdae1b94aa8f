"""Keys of providers and of callers, in a gateway as it is served: wherever somebody may look, there are none."""

from __future__ import annotations

import subprocess
import time
from itertools import product
from pathlib import Path

import httpx
import pytest

from evalgate.gateway.keys import digest, mint
from evalgate.store import open_store
from evalgate.store.keys import VirtualKey, VirtualKeys
from tests.conformance.conftest import free_ports
from tests.gateway.test_process import ASKED, serving
from tests.gateway.test_secrets import KEY, NAMED
from tests.gateway.upstream import DONE, STOP, Play, answers, event, fails, resets, says, streams

ECHOES: list[Play] = [
    answers(f"your key is {KEY}"),
    answers(headers={"authorization": f"Bearer {KEY}"}),
    *(fails(status, f"failed for {KEY}") for status in (400, 401, 403, 404, 429, 500, 503)),
    says(200, f"<html>{KEY}".encode()),
    says(200, b"{"),
    resets,
    streams(event({"content": "a"}), b'data: {"error": {"message": "%s"}}\n\n' % KEY.encode()),
    streams(event({"content": KEY}), STOP, DONE),
    streams(*(event({"content": letter}) for letter in KEY), STOP, DONE),
]


def test_keys_are_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", KEY)
    good, revoked, spent, unknown = mint(), mint(), mint(), mint()
    now, store = time.time(), str(tmp_path / "gateway.db")
    with open_store(store) as opened:
        keys = VirtualKeys(opened)
        keys.add(VirtualKey("good", digest(good), now, capture="on"))
        keys.add(VirtualKey("revoked", digest(revoked), now, revoked_at=now))
        keys.add(VirtualKey("slow", digest(spent), now, requests_per_minute=1))
    port = free_ports(2)
    told: list[str] = []
    settings = {"store": store, "keys": "required", "workers": 2, "metrics_port": port, "attempts": 2}
    with serving(tmp_path, settings, provider=NAMED) as up:

        def ask(key: str, path: str = "/v1/chat/completions", **body: object) -> None:
            headers = {"authorization": f"Bearer {key}"}
            response = up.client.post(path, json={**ASKED, **body}, headers=headers)
            told.append(f"{response.status_code} {response.headers} {response.text}")

        for play, stream, path in product(ECHOES, (False, True), ("/v1/chat/completions", "/v1/messages")):
            up.upstream.will("cheap", play, answers())
            ask(good, path, stream=stream)
            up.upstream.will("cheap", answers())
        for path in ("/v1/chat/completions", "/v1/embeddings", "/v1/messages", "/v1/batches", "/v1/feedback"):
            for key in (unknown, revoked, spent, spent):
                ask(key, path, model=["no model"])
        looked = ("/readyz", "/models/", "/models/model", "/v1/models", "/v1/files")
        told += [up.client.get(path, headers={"x-api-key": good}).text for path in looked]
        told += [httpx.get(f"http://127.0.0.1:{each}/metrics", trust_env=False).text for each in (port, port + 1)]
        assert "evalgate_refused_total" in "".join(
            told[-2:]
        )  # they are the metrics of the gateway, with what it refused
        told.append(subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout)
        assert up.upstream.requests[0].headers["authorization"] == f"Bearer {KEY}"
        up.process.terminate()
        told += up.process.communicate(timeout=20)
    files = [path.read_bytes().decode(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert any("revoked" in each for each in files)  # the store was among them
    for secret, text in product((KEY, good, revoked, spent, unknown), (*told, *files)):
        assert secret not in text
