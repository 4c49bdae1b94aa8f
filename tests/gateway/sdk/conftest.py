"""A gateway that runs in front of the upstream: one model at an OpenAI-speaking provider, one at an Anthropic one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from evalgate.catalog import load_catalog
from evalgate.gateway.caller import Caller, OpenDoor
from evalgate.gateway.gateway import gateway
from evalgate.gateway.refusal import Refused
from evalgate.gateway.serve import Server, listen
from evalgate.gateway.settings import GatewaySettings
from tests.conftest import Loopback, variant, written
from tests.gateway.sdk.upstream import Upstream

KEY = "sk-upstream-0123456789"
MODELS = ("gpt", "claude")
MOST = 200_000  # bytes of a request


class Door(OpenDoor):
    """Knows one key, and two that it turns away."""

    def admit(self, headers: Mapping[str, str]) -> Caller:
        key = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if key == "sk-revoked":
            raise Refused(403, "permission_error", "the key is revoked")
        if key == "sk-spent":
            raise Refused(429, "rate_limit_error", "the key's limit is reached", retry_after=90)
        if key != "sk-client":
            raise Refused(401, "authentication_error", "no such key")
        return Caller(key)


@dataclass(frozen=True)
class Running:
    """`url` without /v1."""

    url: str
    upstream: Loopback
    behave: Upstream


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    upstream = Loopback()
    behave = upstream.behave = Upstream()
    serving = _catalog(tmp_path_factory.mktemp("gateway"), upstream)
    settings = GatewaySettings(max_body=MOST, attempts=1, drain_seconds=1)
    application = gateway(settings, load_catalog(serving), None, {"KEY": KEY}, doorkeeper=Door())
    sock = listen("127.0.0.1", 0)
    server = Server(application, settings)
    thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Running(f"http://127.0.0.1:{sock.getsockname()[1]}", upstream, behave)
    server.stop()
    thread.join(10)
    upstream.stop()


def _catalog(folder: Path, upstream: Loopback) -> Path:
    at = {"base_url": upstream.url, "api_key_env": "KEY", "timeout": 60}
    providers = [{"id": "o", **at}, {"id": "a", "protocol": "anthropic", **at}]
    capable = {"tools": True, "json_schema": True}
    models = [
        {"id": name, "variants": [variant(f"{name}-bf16", provider=provider, capabilities=capable)]}
        for name, provider in zip(MODELS, ("o", "a"), strict=True)
    ]
    return written(folder, "catalog.yaml", {"version": 1, "providers": providers, "models": models})
