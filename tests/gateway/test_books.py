"""The books of a process as the gateway puts them together."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from evalgate.errors import InputError
from evalgate.gateway.books import Books, prepare
from evalgate.gateway.caller import ANYBODY
from evalgate.gateway.delivered import Delivered
from evalgate.gateway.keys import digest, mint
from evalgate.gateway.metrics import standing
from evalgate.gateway.refusal import Refused
from evalgate.gateway.settings import GatewaySettings
from evalgate.router import Breaker
from evalgate.store import open_store
from evalgate.store.keys import VirtualKey, VirtualKeys
from evalgate.telemetry import Attempt, Recorder
from tests.gateway.test_metrics import delivered  # noqa: F401  # a fixture

NOW = time.time()


@pytest.fixture
def settings(tmp_path: Path) -> GatewaySettings:
    return GatewaySettings(store=str(tmp_path / "store.db"), metrics_port=0, keys="required")


def books(settings: GatewaySettings) -> Books:
    def gauges() -> list[object]:
        breakers = {("fp8", "sort"): Breaker(open_until=NOW + 100), ("int4", "sort"): Breaker(open_until=NOW - 100)}
        return [*standing(breakers=breakers, seq=7, issued_at=NOW - 60, in_flight=3, now=NOW)]

    return Books(settings, operations=lambda: ["sort"], gauges=[gauges], environment={})  # type: ignore[list-item]


def test_a_process_lets_in_counts_tells_and_keeps(
    settings: GatewaySettings,
    delivered: Delivered,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    prepare(settings)
    secret = mint()
    with open_store(str(settings.store)) as store:
        VirtualKeys(store).add(VirtualKey("ci", digest(secret), NOW))
    kept = books(settings)
    kept.start()

    async def serve() -> str:
        keeping = asyncio.create_task(kept.keep())
        assert kept.doorkeeper.admit({"x-api-key": secret}).id == "ci"
        for operation in ("sort", "unheard of"):
            kept.recorder.record(Attempt("fp8", operation, "ok", time.time(), 100.0))
        for onlooker in kept.onlookers:
            onlooker(replace(delivered, at=time.time()))
        while "/metrics of this process" not in caplog.text:
            await asyncio.sleep(0.01)
        url = caplog.text.partition("/metrics of this process: ")[2].split()[0]
        async with httpx.AsyncClient() as client:
            text = (await client.get(url)).text
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
        return text

    lines = asyncio.run(serve()).splitlines()
    assert "evalgate_in_flight 3.0" in lines
    assert "evalgate_signal_seq 7.0" in lines
    assert "evalgate_signal_age_seconds 60.0" in lines
    assert 'evalgate_breaker_state{operation="sort",variant="fp8"} 2.0' in lines
    assert 'evalgate_breaker_state{operation="sort",variant="int4"} 1.0' in lines
    assert any(line.startswith('evalgate_requests_total{operation="sort",outcome="ok"') for line in lines)
    assert not any("unheard of" in line for line in lines)
    with open_store(str(settings.store)) as store:
        after = Recorder(store)
        after.sync()
        assert after.snapshot().by_variant["fp8"].attempts == 2


def test_without_a_store_there_are_no_keys_to_ask_for(settings: GatewaySettings) -> None:
    without = settings.model_copy(update={"store": None})
    for make in (prepare, books):
        with pytest.raises(InputError, match="keys: required, but store: null"):
            make(without)
    opened = books(without.model_copy(update={"keys": "off"}))
    opened.start()
    assert opened.doorkeeper.admit({}) is ANYBODY
    opened.close()


def test_a_process_begins_while_the_store_is_away_and_lets_nobody_in_unknown() -> None:
    away = "postgresql://nobody@127.0.0.1:1/nowhere"
    settings = GatewaySettings(store=away, metrics_port=None, keys="required")
    assert "cannot be opened" in (prepare(settings) or "")
    began = books(settings)
    with pytest.raises(Refused) as refused:
        began.doorkeeper.admit({"x-api-key": mint()})
    assert refused.value.status == 503
