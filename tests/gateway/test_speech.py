"""A model whose variants speak different APIs: each call goes where it can be said."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from evalgate.catalog import load_catalog
from evalgate.gateway.gateway import gateway
from evalgate.gateway.serve import Server, listen
from evalgate.gateway.settings import GatewaySettings
from evalgate.signal.reader import SignalReader
from tests.conftest import Asked, Loopback, Sent, written
from tests.gateway.house import CHEAP, HELLO, TASK, Counts, publish
from tests.gateway.sdk.upstream import Upstream

CALL = {"model": "model", "messages": HELLO, "metadata": TASK}


class House:
    """`full` speaks OpenAI's API, `cheap`, which is green, Anthropic's."""

    def __init__(self, client: httpx.Client, upstream: Loopback, counts: Counts) -> None:
        self.client, self.upstream, self.counts = client, upstream, counts

    def served(self, path: str = "/v1/chat/completions", **body: object) -> str:
        got = self.client.post(path, json={**CALL, **body})
        assert got.status_code == 200, got.text
        return got.headers["x-evalgate-variant"]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder, upstream, counts = tmp_path_factory.mktemp("house"), Loopback(), Counts()
    upstream.behave = Upstream()
    settings = GatewaySettings(drain_seconds=1)
    catalog = load_catalog(_catalog(folder, upstream))
    publish(folder, catalog, CHEAP)
    with SignalReader(folder / "signal.json", unsigned=True, interval=0.05) as reader:
        reader.refresh()
        application = gateway(settings, catalog, reader, {}, telemetry=counts)
        sock = listen("127.0.0.1", 0)
        server = Server(application, settings)
        thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        with httpx.Client(base_url=f"http://127.0.0.1:{sock.getsockname()[1]}", timeout=20, trust_env=False) as client:
            yield House(client, upstream, counts)
        server.stop()
        thread.join(10)
    upstream.stop()


def _catalog(folder: Path, upstream: Loopback) -> Path:
    providers = [
        {"id": "o", "base_url": upstream.url},
        {"id": "a", "protocol": "anthropic", "base_url": upstream.url},
    ]
    full = {"id": "full", "provider": "o", "quantization": "bf16", "price": {"input": 1, "output": 2}}
    cheap = {"id": "cheap", "provider": "a", "quantization": "fp8", "price": {"input": 0.1, "output": 0.1}}
    models = [{"id": "model", "baseline": "full", "variants": [full, cheap]}]
    return written(folder, "catalog.yaml", {"version": 1, "providers": providers, "models": models})


def test_a_call_goes_to_the_variant_of_the_other_api_where_it_means_the_same(up: House) -> None:
    assert up.served() == "cheap"
    assert up.served("/v1/messages", max_tokens=9) == "cheap"


@pytest.mark.parametrize("stream", [False, True])
def test_what_one_variant_has_no_words_for_goes_to_the_next(up: House, stream: bool) -> None:
    up.upstream.asked.clear()
    up.counts.attempts.clear()
    assert up.served(seed=7, stream=stream) == "full"
    assert [asked.path for asked in up.upstream.asked] == ["/v1/chat/completions"]
    assert up.counts.outcomes == [("full", "ok")]


def test_the_reason_says_what_the_other_had_no_words_for(up: House) -> None:
    assert (
        "cheap (seed: " in up.client.post("/v1/chat/completions", json={**CALL, "seed": 7}).json()["delivery"]["reason"]
    )


def test_what_nobody_has_words_for_is_the_callers_fault_in_the_callers_words(up: House) -> None:
    asked = {**CALL, "max_tokens": 9, "metadata": {**TASK, "tier": "realtime"}, "top_k": 5}
    got = up.client.post("/v1/messages", json=asked)
    assert got.status_code == 400
    assert got.json()["error"]["type"] == "invalid_request_error"
    assert got.json()["error"]["message"].startswith("top_k: ")


def test_a_translated_failure_falls_over_like_any_other(up: House) -> None:
    healthy = up.upstream.behave

    def behave(asked: Asked) -> Sent:
        return Sent(b"<html>", 503) if asked.path.endswith("/messages") else healthy(asked)

    up.upstream.behave = behave
    try:
        assert up.served() == "full"
    finally:
        up.upstream.behave = healthy
