"""A real LiteLLM proxy in front of the conformance test's model servers, as a process of its own.

LiteLLM pins dozens of packages, so it lives in another environment: EVALGATE_LITELLM_PYTHON names its Python.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import yaml

from evalgate.conformance import MODEL, UPSTREAMS, World

GROUP, FALLBACK = MODEL, "conformance/baseline"
KEY = "sk-conformance"
CALLBACK = "from evalgate.integrations.litellm import gate\n"
STARTS_WITHIN = 90.0
ROOT = Path(__file__).parents[2]


def python_with_litellm() -> str | None:
    """The interpreter that has LiteLLM: the one that is named, or this one."""
    if named := os.environ.get("EVALGATE_LITELLM_PYTHON"):
        return str(Path(named).absolute())  # the proxy runs in a folder of its own
    return sys.executable if find_spec("litellm") else None


def config(world: World, *, fallback: bool = True) -> dict[str, object]:
    """What an operator would write."""

    def deployment(name: str, group: str, **info: object) -> dict[str, object]:
        parameters = {"model": f"openai/{MODEL}", "api_base": world.base_url(name), "api_key": "none"}
        return {"model_name": group, "litellm_params": parameters, "model_info": {"id": f"{name}-1", **info}}

    variants = [deployment(name, GROUP, evalgate_variant=name) for name in UPSTREAMS if name != "baseline"]
    baseline = deployment("baseline", FALLBACK, evalgate_variant="baseline", evalgate_baseline=True)
    return {
        "model_list": [*variants, baseline],
        "litellm_settings": {"callbacks": "evalgate_gate.gate", "num_retries": 1, "request_timeout": 10},
        "router_settings": {
            "fallbacks": [{GROUP: [FALLBACK]}] if fallback else [],
            "cooldown_time": 1,
            "allowed_fails": 0,
        },
        "general_settings": {"master_key": KEY},
    }


class Proxy:
    """Runs from `start` to `stop`; a context does both."""

    def __init__(self, world: World, interval: float = 0.2, *, fallback: bool = True, callback: str = CALLBACK) -> None:
        python = python_with_litellm()
        assert python is not None
        self.folder = world.folder / "litellm"
        self.folder.mkdir(exist_ok=True)
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config(world, fallback=fallback)))
        (self.folder / "evalgate_gate.py").write_text(callback)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log, self._pid = self.folder / "proxy.log", self.folder / "pid"
        command = [python, "-m", "litellm.proxy.proxy_cli", "--config", "config.yaml", "--telemetry", "False"]
        environment = {
            "PYTHONPATH": str(ROOT),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "DISABLE_ADMIN_UI": "True",
            "EVALGATE_SIGNAL": world.signal_url,
            "EVALGATE_KEYS": str(world.keys),
            "EVALGATE_CATALOG": str(world.folder / "catalog.yaml"),
            "EVALGATE_CACHE": str(self.folder / "cache"),
            "EVALGATE_INTERVAL": str(interval),
        }
        variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
        program = f"{variables} {shlex.join([*command, '--host', '127.0.0.1', '--port', str(self.port)])}"
        end = "kill $(cat pid); while kill -0 $(cat pid); do sleep 0.1; done"
        stop = f"cd {shlex.quote(str(self.folder))} && if test -f pid; then {end}; fi"
        start = f"rm -f pid; {{ exec env {program} >>proxy.log 2>&1 & echo $! >pid; }}"
        #: A shell command that ends the proxy, if it runs, and starts it.
        self.restart = f"({stop}) 2>/dev/null; cd {shlex.quote(str(self.folder))}; {start}"

    def start(self) -> None:
        subprocess.run(["bash", "-c", self.restart], check=True, stdin=subprocess.DEVNULL)
        started = time.monotonic()
        while not self._alive():
            if not self._runs() or time.monotonic() - started > STARTS_WITHIN:
                raise RuntimeError(self.log.read_text())
            time.sleep(0.1)

    def _runs(self) -> bool:
        """Asked of the system: after a restart the process is nobody's child."""
        return Path(f"/proc/{self._pid.read_text().strip()}").exists()

    def _alive(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health/liveliness", timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        if not self._pid.exists():
            return
        for kind in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + 10
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(self._pid.read_text()), kind)
            while self._runs() and time.monotonic() < deadline:
                time.sleep(0.05)

    def __enter__(self) -> Proxy:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
