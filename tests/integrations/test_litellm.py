"""The callback in a real LiteLLM proxy and a real router of its SDK. `benchmarks/litellm.py` plays every rule to it."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from evalgate.conformance import RULES, Finding, Outcome, Pace, Settings, World, run
from evalgate.conformance.publisher import Publisher
from evalgate.conformance.stage import says
from evalgate.conformance.upstreams import Upstreams
from evalgate.conformance.world import FIRST
from tests.conformance.conftest import free_ports
from tests.integrations.litellm_proxy import FALLBACK, GROUP, KEY, ROOT, Proxy, config, python_with_litellm

pytestmark = pytest.mark.skipif(
    python_with_litellm() is None, reason="LiteLLM is not installed: make test-litellm, or set EVALGATE_LITELLM_PYTHON"
)
PLAYED = (
    "green-is-used",
    "realtime",
    "foreign-tier",
    "red",
    "changed-config",
    "green-errors",
    "stream-cut",
    "all-fail",
    "router-restarted",
)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finding]:
    world = World.prepare(tmp_path_factory.mktemp("litellm") / "world", free_ports(4))
    rules = [rule for rule in RULES if rule.id in PLAYED]
    with Proxy(world) as proxy:
        settings = Settings(
            proxy.url, api_key=KEY, pace=Pace(2.0, 20.0, 8), restart=proxy.restart, bypass=("cheap-1", FALLBACK)
        )
        found = asyncio.run(run(world, settings, rules, print))
    return {finding.rule: finding for finding in found}


@pytest.mark.parametrize("rule", PLAYED)
def test_the_real_proxy_keeps_the_rule(findings: dict[str, Finding], rule: str) -> None:
    assert findings[rule].outcome is Outcome.KEPT, findings[rule].detail


def test_the_proxy_does_not_start_without_a_baseline_to_fall_back_to(tmp_path: Path) -> None:
    world = World.prepare(tmp_path / "world", free_ports(4))
    with pytest.raises(RuntimeError, match=f"model group '{GROUP}' has no baseline to fall back to"), Publisher(world):
        Proxy(world, fallback=False).__enter__()


SYNC = """
import json, sys
from litellm import Router
from evalgate.integrations.litellm import gate
import litellm
litellm.callbacks = [gate]
settings = json.loads(sys.argv[1])
router = Router(model_list=settings["model_list"], **settings["router_settings"], num_retries=0)
for model in sys.argv[2:]:
    try:
        metadata = {"operation_id": "conformance_first"}
        answer = router.completion(model=model, messages=[{"role": "user", "content": "hi"}], metadata=metadata)
        print("answer:", answer.choices[0].message.content)
    except Exception as failure:
        print("answer:", type(failure).__name__)
"""


def test_the_synchronous_path_which_asks_no_filter_is_guarded(tmp_path: Path) -> None:
    import json

    world = World.prepare(tmp_path / "world", free_ports(4))
    python = python_with_litellm()
    assert python is not None
    environment = {
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "EVALGATE_SIGNAL": str(world.signal_file),
        "EVALGATE_KEYS": str(world.keys),
        "EVALGATE_CATALOG": str(world.folder / "catalog.yaml"),
    }
    arguments = [json.dumps(config(world)), GROUP, "cheap-1", "cheapest-1"]
    with Publisher(world) as publisher, Upstreams(world):
        publisher.publish(says("red"))
        done = subprocess.run(
            [python, "-c", SYNC, *arguments], capture_output=True, text=True, env=environment, check=False
        )
    answers = [line.removeprefix("answer: ") for line in done.stdout.splitlines() if line.startswith("answer: ")]
    assert answers == ["baseline", "NotEligibleError", "NotEligibleError"], done.stderr[-2000:]
    assert FIRST == "conformance_first"
