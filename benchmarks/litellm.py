"""Plays every conformance rule to a real LiteLLM proxy with evalgate's callback: 2,000 calls and more, in 5 minutes.

    EVALGATE_LITELLM_PYTHON=.venv-litellm/bin/python python -m benchmarks.litellm

Says of each rule whether the proxy kept it: that no call reached a variant that was not eligible, and how long after a
publish the proxy obeyed. Exit code 0: all rules were kept. With `--naive` the same proxy has a callback that takes "the
green ones, or else all", as LiteLLM's own hook invites one to write it, and the rules about failures find it out.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from evalgate.conformance import RULES, Finding, Outcome, Pace, Settings, World, run
from evalgate.conformance.rules import failures
from evalgate.report.conformance import render_finding, render_summary
from evalgate.report.layout import console_for_output
from tests.conformance.conftest import free_ports
from tests.integrations.litellm_proxy import CALLBACK, FALLBACK, KEY, Proxy

INTERVAL = 0.5  # the proxy's refresh interval, in seconds
NAIVE = """
import os
from litellm.integrations.custom_logger import CustomLogger
from evalgate.signal.reader import SignalReader

reader = SignalReader(os.environ["EVALGATE_SIGNAL"], keys=os.environ["EVALGATE_KEYS"], interval=0.2)

class GreenOrAll(CustomLogger):
    async def async_filter_deployments(self, model, healthy_deployments, messages, request_kwargs=None, **more):
        operation = ((request_kwargs or {}).get("metadata") or {}).get("operation_id") or ""
        may = {each.variant.id for each in reader.eligible(operation, "conformance/model")} | {"baseline"}
        green = [each for each in healthy_deployments if each["model_info"].get("evalgate_variant") in may]
        return green or healthy_deployments

gate = GreenOrAll()
"""


def main() -> int:
    console, naive = console_for_output(), "--naive" in sys.argv[1:]
    rules = [rule for rule in RULES if not naive or rule.id == "green-is-used" or rule in failures.RULES]

    def told(finding: Finding) -> None:
        render_finding(finding, console)

    with tempfile.TemporaryDirectory() as folder:
        world = World.prepare(Path(folder) / "world", free_ports(4))
        with Proxy(world, INTERVAL, callback=NAIVE if naive else CALLBACK) as proxy:
            settings = Settings(
                proxy.url,
                api_key=KEY,
                pace=Pace(within=4 * INTERVAL, settle=60.0, calls=20),
                restart=proxy.restart,
                bypass=("cheap-1", "cheapest-1", FALLBACK),
            )
            findings = asyncio.run(run(world, settings, rules, told))
    render_summary(findings, console)
    return 0 if {finding.outcome for finding in findings} <= {Outcome.KEPT} else 1


if __name__ == "__main__":
    sys.exit(main())
