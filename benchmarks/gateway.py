"""What a gateway adds to a call: evalgate beside LiteLLM's proxy and Portkey, in one interleaved run.

    python -m benchmarks.gateway                                     # evalgate and the bare upstream
    EVALGATE_LITELLM_PYTHON=… EVALGATE_PORTKEY=node_modules/@portkey-ai/gateway python -m benchmarks.gateway

Every gateway is pinned to core 0, with one process; upstream (20 ms) and load to core 1. A round asks everybody, the
bare upstream too, in random order at the same rate; what a gateway adds is its percentile less the upstream's of that
round, and the medians of the rounds are shown. Percentiles are those of successes, and stand beside their share.

`--only latency|throughput|streams|memory`; `--rounds N`, `--seconds N`; `--requests N` for the memory (1,000,000 take
a quarter of an hour or more).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load import Seen, load, request_of
from benchmarks.mock import Mock
from evalgate.catalog import load_catalog
from tests.integrations.signals import signal as signal_of
from tests.integrations.signals import world

MODEL, OPERATION = "conformance/model", "sort"
LATENCY_MS = 20
PROMPT = "Read the text and give the code of the item. " + "the river moves past an old mill " * 25
STARTS_WITHIN = 120.0
BEHIND_MS = 1000.0  # a median above this is that of a queue
CATALOG = """\
version: 1
providers: [{{id: mock, base_url: "{url}"}}]
models:
  - id: conformance/model
    variants:
      - {{id: baseline, provider: mock, served_as: mock-80, quantization: bf16, price: {{input: 1, output: 3}}}}
      - {{id: cheap, provider: mock, served_as: mock-81, quantization: fp8, price: {{input: 0.5, output: 1.5}}}}
      - {{id: cheapest, provider: mock, served_as: mock-60, quantization: int4, price: {{input: 0.1, output: 0.3}}}}
"""


@dataclass(slots=True)
class Target:
    """Who is asked: where, with which headers; `pid` of its process, None for the bare upstream."""

    name: str
    url: str
    model: str
    headers: dict[str, str] = field(default_factory=dict)
    pid: int | None = None

    def requests(self, *, stream: bool, count: int = 500) -> list[bytes]:
        """Different questions, so that nobody answers from a cache."""
        made = []
        for number in range(count):
            body: dict[str, object] = {
                "model": self.model,
                "messages": [{"role": "user", "content": f"{PROMPT} [[q:{number}]]"}],
                "temperature": 0,
            }
            if stream:
                body["stream"] = True
            made.append(request_of(f"{self.url}/chat/completions", json.dumps(body).encode(), self.headers))
        return made

    def rss(self) -> float:
        """MiB of the process and its children."""
        assert self.pid is not None
        return sum(_rss(pid) for pid in _family(self.pid))


@contextlib.contextmanager
def bare(folder: Path, options: Sequence[str]) -> Iterator[Target]:
    """The upstream itself."""
    with Mock(folder, options) as mock:
        os.sched_setaffinity(mock._process.pid, {1})
        yield Target("upstream", mock.url, "mock-81")


@contextlib.contextmanager
def evalgate(folder: Path, upstream: str) -> Iterator[Target]:
    """The gateway of this checkout, with a signal that makes one of two cheaper variants eligible."""
    home = folder / "evalgate"
    home.mkdir(exist_ok=True)
    (home / "catalog.yaml").write_text(CATALOG.format(url=upstream))
    catalog = load_catalog(home / "catalog.yaml")
    document = signal_of(world(home), catalog, **{OPERATION: {"cheap": "green", "cheapest": "red"}})
    (home / "signal.json").write_bytes(document.encode())
    port = _free_port()
    (home / "gateway.yaml").write_text(
        f"signal: {{source: signal.json, unsigned: true, cache: null}}\nport: {port}\nmetrics_port: null\n"
        f"store: {'store.db' if (home / 'with-store').exists() else 'null'}\n"
    )
    command = [sys.executable, "-m", "evalgate", "serve", "--config", "gateway.yaml"]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    headers = {"x-evalgate-operation": OPERATION}
    with _running(command, home, environment, port, "/readyz") as pid:
        yield Target("evalgate", f"http://127.0.0.1:{port}/v1", MODEL, headers, pid)


@contextlib.contextmanager
def litellm(folder: Path, upstream: str, python: str) -> Iterator[Target]:
    """LiteLLM's proxy with one worker, as its documentation runs it."""
    home = folder / "litellm"
    home.mkdir(exist_ok=True)
    parameters = {"model": "openai/mock-81", "api_base": upstream, "api_key": "none"}
    config = {"model_list": [{"model_name": MODEL, "litellm_params": parameters}]}
    (home / "config.yaml").write_text(json.dumps(config))
    port = _free_port()
    command = [python, "-m", "litellm.proxy.proxy_cli", "--config", "config.yaml", "--telemetry", "False"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "DISABLE_ADMIN_UI": "True"}
    with _running(command, home, environment, port, "/health/liveliness") as pid:
        yield Target("LiteLLM", f"http://127.0.0.1:{port}/v1", MODEL, {}, pid)


@contextlib.contextmanager
def portkey(folder: Path, upstream: str, package: str) -> Iterator[Target]:
    """Portkey's open gateway, under Node."""
    port = _free_port()
    command = ["node", str(Path(package).absolute() / "build" / "start-server.js"), f"--port={port}", "--headless"]
    headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": upstream, "authorization": "Bearer none"}
    environment = {**os.environ, "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"}
    with _running(command, folder, environment, port, "/") as pid:
        yield Target("Portkey", f"http://127.0.0.1:{port}/v1", "mock-81", headers, pid)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=["latency", "throughput", "streams", "memory"], action="append")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rates", type=float, nargs="+", default=[100, 500])
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--with-store", action="store_true", help="keys, telemetry and books of evalgate in SQLite")
    asked = parser.parse_args()
    os.sched_setaffinity(0, {1})
    parts = asked.only or ["latency", "throughput", "streams", "memory"]
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        folder = Path(place)
        upstream = stack.enter_context(bare(folder, ["--latency-ms", str(LATENCY_MS)]))
        if asked.with_store:
            (folder / "evalgate").mkdir()
            (folder / "evalgate" / "with-store").touch()
        targets = [upstream, stack.enter_context(evalgate(folder, upstream.url))]
        if python := os.environ.get("EVALGATE_LITELLM_PYTHON"):
            targets.append(stack.enter_context(litellm(folder, upstream.url, python)))
        if package := os.environ.get("EVALGATE_PORTKEY"):
            targets.append(stack.enter_context(portkey(folder, upstream.url, package)))
        idle = {each.name: each.rss() for each in targets if each.pid}
        for each in targets:
            _run(each, rate=50, seconds=3, stream=False)
            _run(each, rate=50, seconds=1, stream=True)
        if "latency" in parts:
            for rate in asked.rates:
                latency(targets, rate, asked.rounds, asked.seconds)
        if "throughput" in parts:
            throughput(targets, asked.seconds)
        if "streams" in parts:
            streams(folder, stack, targets)
        if "memory" in parts:
            memory(targets, idle, asked.requests)
    return 0


def latency(targets: Sequence[Target], rate: float, rounds: int, seconds: float) -> None:
    """What each adds, paired within rounds."""
    for stream in (False, True):
        added: dict[str, list[tuple[float, float]]] = {}
        good: dict[str, list[float]] = {}
        behind: dict[str, str] = {}  # who cannot keep up is not asked again: it would only heat the machine
        for number in range(rounds):
            seen: dict[str, Seen] = {}
            for target in random.Random(number).sample(targets, len(targets)):
                if target.name not in behind:
                    seen[target.name] = one = _run(target, rate, seconds, stream=stream)
                    if one.good < 0.9 * one.sent or one.at(0.5) > BEHIND_MS:
                        wrong = ", ".join(one.wrong) or f"p50 {one.at(0.5):.0f} ms"
                        behind[target.name] = f"{100 * one.good / one.sent:.0f} % ({wrong})"
            base = seen["upstream"]
            for name, one in seen.items():
                good.setdefault(name, []).append(one.good / one.sent)
                p50, p99 = (one.at(share, first=stream) - base.at(share, first=stream) for share in (0.5, 0.99))
                added.setdefault(name, []).append((p50, p99))
        what = "time to first token" if stream else "latency"
        print(f"\nadded {what} at {rate:.0f} calls/s, ms (medians of {rounds} rounds of {seconds:.0f} s)\n")
        print("| gateway | p50 | p99 | succeeded |\n| --- | ---: | ---: | ---: |")
        for name, pairs in added.items():
            if name in behind:
                print(f"| {name} | does not keep up | | {behind[name]} |")
            elif name != "upstream":
                p50, p99 = (statistics.median(pair[index] for pair in pairs) for index in (0, 1))
                print(f"| {name} | {p50:.2f} | {p99:.2f} | {100 * statistics.median(good[name]):.1f} % |")


def throughput(targets: Sequence[Target], seconds: float) -> None:
    """The highest rate that each keeps up: all calls succeed, and p99 stays below ten times the upstream's time."""
    print("\nsustained calls/s on one core\n\n| gateway | calls/s | p50 ms | p99 ms | CPU ms a call |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for target in targets[1:]:
        best, rate = (0.0, float("nan"), float("nan"), float("nan")), 50.0
        low, high = 0.0, float("inf")
        while high == float("inf") or high / max(low, 1) > 1.08:
            before, began = _cpu(target), time.perf_counter()
            seen = _run(target, rate, seconds, stream=False)
            spent = _cpu(target) - before
            kept = seen.good == seen.sent and seen.at(0.99) < 10 * LATENCY_MS and seen.seconds < 1.1 * seconds + 1
            if kept:
                low, best = rate, (rate, seen.at(0.5), seen.at(0.99), 1000 * spent / seen.sent)
            else:
                high = rate
            del began
            rate = 2 * rate if high == float("inf") else (low + high) / 2
            time.sleep(1)
            if rate > 6400 or high < 4:
                break
        print(f"| {target.name} | {best[0]:.0f} | {best[1]:.1f} | {best[2]:.1f} | {best[3]:.2f} |")


def streams(folder: Path, stack: contextlib.ExitStack, targets: Sequence[Target]) -> None:
    """Paced streams at once: how many come through without a lost frame."""
    options = ["--latency-ms", str(LATENCY_MS), "--itl-ms", "200", "--chunks", "50", "--pad", "400"]
    slow = stack.enter_context(bare(folder, options))
    print("\nconcurrent streams of 50 frames, one each 200 ms\n")
    print(
        "| gateway | streams | whole | frames lost | p99 of the first frame, ms |\n| --- | ---: | ---: | ---: | ---: |"
    )
    everybody = [slow]
    home = folder / "streams"
    home.mkdir()
    everybody.append(stack.enter_context(evalgate(home, slow.url)))
    for name, build in (("EVALGATE_LITELLM_PYTHON", litellm), ("EVALGATE_PORTKEY", portkey)):
        if found := os.environ.get(name):
            everybody.append(stack.enter_context(build(home, slow.url, found)))
    del targets
    for target in everybody:
        for count in (64, 256, 1000):
            seen = asyncio.run(load(target.url, target.requests(stream=True), count / 2.0, 2.0, patience=60))
            lost = sum(50 - frames for frames in seen.frames) + 50 * (seen.sent - seen.good)
            whole = sum(frames == 50 for frames in seen.frames)
            print(f"| {target.name} | {count} | {whole} | {lost} | {seen.at(0.99, first=True):.0f} |")


def memory(targets: Sequence[Target], idle: dict[str, float], requests: int) -> None:
    """Resident memory before any call, and after tenths of so many."""
    print(f"\nresident memory, MiB, over {requests:,} calls\n")
    target = targets[1]
    print(f"{target.name}: {idle[target.name]:.0f} idle", end="", flush=True)
    tenth = max(requests // 10, 1)
    for number in range(1, 11):
        seen = _run(target, 800, tenth / 800, stream=False)
        assert seen.good == seen.sent, seen.wrong
        print(f", {target.rss():.0f} after {number * tenth:,}", end="", flush=True)
    others = [f"{each.name} {idle[each.name]:.0f} idle, {each.rss():.0f} now" for each in targets[2:]]
    print("".join(f"\n{each}" for each in others))


def _run(target: Target, rate: float, seconds: float, *, stream: bool) -> Seen:
    return asyncio.run(load(target.url, target.requests(stream=stream), rate, seconds))


@contextlib.contextmanager
def _running(
    command: Sequence[str], folder: Path, environment: dict[str, str], port: int, health: str
) -> Iterator[int]:
    log = folder / f"{port}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["taskset", "-c", "0", *command], cwd=folder, env=environment, stdout=out, stderr=out
        )
    try:
        end = time.monotonic() + STARTS_WITHIN
        while True:
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < end, log.read_text()[-2000:]
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}{health}", timeout=2):
                break
            time.sleep(0.2)
        time.sleep(1.0)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _family(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            found += map(int, Path(f"/proc/{each}/task/{each}/children").read_text().split())
    return found


def _rss(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _cpu(target: Target) -> float:
    """CPU seconds so far."""
    assert target.pid is not None
    ticks = 0
    for pid in _family(target.pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
