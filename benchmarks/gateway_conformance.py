"""Plays every rule of conformance to the gateway as it is served: `python -m benchmarks.gateway_conformance`.

`evalgate serve` with a store, a signal over HTTP and the keys that the test signs with. Says of each rule
whether it was kept, and how long after a publish the gateway obeyed. Exit code 0: all rules were kept.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import orjson

from evalgate.conformance import RULES, Finding, Outcome, Pace, Settings, World, run
from evalgate.report.conformance import render_finding, render_summary
from evalgate.report.layout import console_for_output
from tests.conformance.conftest import free_ports

ROOT = Path(__file__).parents[1]


class Served:
    """The gateway of a world, from `start` to `stop`; `restart` is a shell command that does both."""

    def __init__(self, world: World, workers: int) -> None:
        self.folder = world.folder / "gateway"
        self.folder.mkdir()
        self.port = free_ports(1)
        self.url, self._pid = f"http://127.0.0.1:{self.port}", self.folder / "pid"
        settings = {
            "catalog": str(world.folder / "catalog.yaml"),
            "signal": {"source": world.signal_url, "trust": [str(world.keys)], "cache": "cache"},
            "store": "gateway.db",
            "port": self.port,
            "metrics_port": None,
            "workers": workers,
            "drain_seconds": 2,
        }
        (self.folder / "gateway.yaml").write_bytes(orjson.dumps(settings))  # which is YAML, too
        command = shlex.join([sys.executable, "-m", "evalgate", "serve", "--config", "gateway.yaml"])
        program = f"exec env PYTHONPATH={shlex.quote(str(ROOT))} {command} >>serve.log 2>&1"
        end = "kill $(cat pid); while kill -0 $(cat pid); do sleep 0.1; done"
        ready = f"until curl -sf {self.url}/readyz >/dev/null; do sleep 0.1; done"
        self._start = f"cd {shlex.quote(str(self.folder))}; {{ {program} & echo $! >pid; }}; {ready}"
        self.restart = f"(cd {shlex.quote(str(self.folder))} && {end}) 2>/dev/null; {self._start}"

    def __enter__(self) -> Served:
        subprocess.run(["bash", "-c", self._start], check=True, stdin=subprocess.DEVNULL, timeout=60)
        return self

    def __exit__(self, *_: object) -> None:
        pid = int(self._pid.read_text())
        for kind in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, kind)
            until = time.monotonic() + 10
            while self._answers() and time.monotonic() < until:
                time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False


def main() -> int:
    """Play them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--within", type=float, default=2.0, help="seconds in which a document must be obeyed")
    given = parser.parse_args()
    console = console_for_output()

    def told(finding: Finding) -> None:
        render_finding(finding, console)

    with tempfile.TemporaryDirectory() as folder:
        world = World.prepare(Path(folder) / "world", free_ports(4))
        # the signal is not there yet: the gateway starts without, and follows it when it comes
        with Served(world, given.workers) as served:
            pace = Pace(within=given.within, settle=60.0, calls=20)
            settings = Settings(served.url, pace=pace, restart=served.restart)
            findings = asyncio.run(run(world, settings, RULES, told))
            log = (served.folder / "serve.log").read_text()
    render_summary(findings, console)
    kept = {finding.outcome for finding in findings} <= {Outcome.KEPT}
    if "Traceback" in log:
        print(log)
    return 0 if kept and "Traceback" not in log else 1


if __name__ == "__main__":
    sys.exit(main())
