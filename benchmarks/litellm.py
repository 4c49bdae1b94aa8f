"""Plays every conformance rule to a real LiteLLM proxy with evalgate's callback: 2,000 calls and more, in 5 minutes.

    EVALGATE_LITELLM_PYTHON=.venv-litellm/bin/python python -m benchmarks.litellm

Says of each rule whether the proxy kept it: that no call reached a variant that was not eligible, and how long after a
publish the proxy obeyed. Exit code 0: all rules were kept.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from evalgate.conformance import RULES, Finding, Outcome, Pace, Settings, World, run
from evalgate.report.conformance import render_finding, render_summary
from evalgate.report.layout import console_for_output
from tests.conformance.conftest import free_ports
from tests.integrations.litellm_proxy import FALLBACK, KEY, Proxy

INTERVAL = 0.5  # the proxy's refresh interval, in seconds
ALLOWED = {Outcome.KEPT}


def main() -> int:
    console = console_for_output()

    def told(finding: Finding) -> None:
        render_finding(finding, console)

    with tempfile.TemporaryDirectory() as folder:
        world = World.prepare(Path(folder) / "world", free_ports(4))
        with Proxy(world, INTERVAL) as proxy:
            settings = Settings(
                proxy.url,
                api_key=KEY,
                pace=Pace(within=4 * INTERVAL, settle=60.0, calls=20),
                restart=proxy.restart,
                bypass=("cheap-1", "cheapest-1", FALLBACK),
            )
            findings = asyncio.run(run(world, settings, RULES, told))
    render_summary(findings, console)
    return 0 if {finding.outcome for finding in findings} <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
