"""The contract of the signal, played to the gateway by the same test that is offered to every router.

The rules about documents and publishers are the reader's, which has tests of its own; `evalgate conformance` plays all.
"""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from evalgate.conformance import Outcome, Pace, Settings, World, run
from evalgate.conformance.rules import failures, states, use
from evalgate.gateway.gateway import gateway
from evalgate.gateway.serve import Server, listen
from evalgate.gateway.settings import GatewaySettings
from evalgate.signal.reader import SignalReader
from tests.conformance.conftest import free_ports

PACE = Pace(within=1.0, settle=10.0, calls=4)
RULES = [*use.RULES, *states.RULES, *failures.RULES]


def test_every_rule_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalgate.router.breaker.FIRST_PAUSE", 0.2)
    monkeypatch.setattr("evalgate.router.breaker.LONGEST_PAUSE", 0.2)
    world = World.prepare(tmp_path / "world", free_ports(4))
    settings = GatewaySettings(drain_seconds=1)
    with SignalReader(world.signal_url, keys=world.keys, cache=tmp_path / "cache", interval=0.05) as reader:
        server = Server(gateway(settings, world.catalog(), reader, {}), settings)
        sock = listen("127.0.0.1", 0)
        thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        findings = asyncio.run(run(world, Settings(url, pace=PACE), RULES, lambda _: None))
        server.stop()
        thread.join(10)
    assert {each.rule: each.detail for each in findings if each.outcome is not Outcome.KEPT} == {}
