"""The gateway that `chaos.py` shakes: `evalgate serve` with two workers, keys, a store, and a signal over HTTP."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import orjson

from benchmarks.chaos_upstreams import BASELINE, BY_OPERATION, Provider, self_signed
from evalgate.catalog import load_catalog
from evalgate.conformance.servers import Handler, Server
from evalgate.gateway.keys import digest, mint
from evalgate.gateway.keys.usage import usages
from evalgate.signal import SignalEntry, issue
from evalgate.signal.reader.view import digest_of
from evalgate.store import open_store
from evalgate.store.keys import VirtualKey, VirtualKeys
from tests.conformance.conftest import free_ports
from tests.signal.test_document import board

WORKERS = 2
PRICES = {"red": "0.01", "unknown": "0.02", "sealed": "0.03", "mortal": "0.04", "green": "0.1", "other": "0.2"}
GREENS = ("green", "other")
ELIGIBLE: Mapping[str, frozenset[str]] = {
    operation: frozenset(
        {*GREENS, *{"tls": ["sealed"], "killed": ["mortal"]}.get(operation, [])} if operation != "unlisted" else ()
    )
    for operation in BY_OPERATION
}
STEADY, ROUGH = "steady", "rough"  # keys: of calls whose cost is told exactly, and of those that break or are left
STEADY_OPERATIONS = ("calm", "storm", "errors", "tls", "withdrawn", "unlisted")


class SignalServer:
    """Serves the newest document, and can be gone."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._seq, self._data = folder, 0, b""
        self.port = free_ports(1)
        self._server: Server | None = None

    def publish(self, *, withdrawn: bool = False) -> int:
        """Who is green now; returns the document's number.

        `withdrawn`: the cheaper of the two is red on the operation of that name.
        """
        catalog = load_catalog(self._folder / "catalog.yaml")
        now = datetime.now(UTC).replace(microsecond=0)
        document = issue(board("green"), None, stream="a/b", now=now)
        template, endpoints = document.entries[0], catalog.endpoints("model")

        def entry(operation: str, variant: str) -> SignalEntry:
            green = variant in ELIGIBLE[operation]
            if withdrawn and (operation, variant) == ("withdrawn", "green"):
                green = False
            about = template.variant.model_copy(update={"id": variant, "config": endpoints[variant].config})
            proof = template.evidence.model_copy(update={"baseline_config": endpoints[BASELINE].config})
            state = "green" if green else "red"
            update = {"operation": operation, "variant": about, "evidence": proof, "state": state, "verdict": state}
            valid = {"valid_until": now + timedelta(hours=2), "since": now}
            return template.model_copy(update={**update, **valid})

        listed = [
            entry(operation, variant)
            for operation in sorted(BY_OPERATION)
            for variant in sorted({*ELIGIBLE[operation], "red"})
            if operation != "unlisted"
        ]
        self._seq += 1
        update = {"issued_at": now, "expires_at": now + timedelta(minutes=30), "entries": tuple(listed)}
        prev = {"prev": digest_of(self._data)} if self._data else {}
        self._data = document.model_copy(update={**update, "seq": self._seq, **prev}).encode()
        return self._seq

    def open(self) -> None:
        """Answer."""
        outer = self

        class Answering(Handler):
            def do_GET(self) -> None:  # noqa: N802  # http.server calls it by this name
                self.send_response(200)
                self.send_header("content-length", str(len(outer._data)))
                self.end_headers()
                self.wfile.write(outer._data)

        self._server = Server(self.port, Answering)
        self._server.start()

    def close(self) -> None:
        """Be gone."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()


class Gateway:
    """The processes, and what they tell of themselves."""

    def __init__(self, folder: Path, store: str, providers: Mapping[str, Provider], signals: SignalServer) -> None:
        self._store, self.log = store, folder / "serve.log"
        self.secrets = {STEADY: mint(), ROUGH: mint()}
        with open_store(store) as opened:
            for name, secret in self.secrets.items():
                VirtualKeys(opened).add(VirtualKey(name, digest(secret), time.time()))
        self._metrics = free_ports(WORKERS)
        settings = {
            "catalog": "catalog.yaml",
            "signal": {"source": f"http://127.0.0.1:{signals.port}/signal", "unsigned": True, "cache": "cache"},
            "store": store,
            "port": 0,
            "workers": WORKERS,
            "keys": "required",
            "metrics_port": self._metrics,
            "first_token_timeout": 5.0,
            "retry_wait": 0.1,
        }
        (folder / "gateway.yaml").write_bytes(orjson.dumps(settings))  # which is YAML, too
        keys = {f"{name.upper()}_KEY": f"sk-chaos-{name}-0123456789" for name in providers}
        command = [sys.executable, "-m", "evalgate", "serve", "--config", str(folder / "gateway.yaml")]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log.open("w"), text=True, env={**os.environ, **keys}
        )
        assert self._process.stdout is not None
        found = re.search(r"http://\S+(?=/v1)", self._process.stdout.readline())
        assert found is not None, self.log.read_text()
        self.url = found[0]
        self.wait_until_followed(1)
        self.workers = self.children()

    def children(self) -> list[int]:
        """The workers."""
        path = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return sorted(map(int, path.read_text().split()))

    def resident(self) -> int:
        """MiB of the larger worker."""
        told = (Path(f"/proc/{pid}/status").read_text() for pid in self.children())
        return max(int(found[1]) for each in told if (found := re.search(r"VmRSS:\s+(\d+)", each))) // 1024

    def attempts(self) -> Counter[tuple[str, str]]:
        """What telemetry has counted, by variant and outcome."""
        counts: Counter[tuple[str, str]] = Counter()
        for text in self._scraped():
            for labels, number in re.findall(r"^evalgate_attempts_total\{(.*)\} (\S+)$", text, re.MULTILINE):
                named = dict(re.findall(r'(\w+)="([^"]*)"', labels))
                counts[named["variant"], named["outcome"]] += int(float(number))
        return counts

    def wait_until_idle(self) -> None:
        """Until no call is under way in any worker."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if all(re.search(r"^evalgate_in_flight 0.0$", text, re.MULTILINE) for text in self._scraped()):
                return
            time.sleep(0.1)
        raise AssertionError("calls are still under way")

    def spent(self) -> dict[str, Decimal]:
        """USD in the books, by key; once it has ended."""
        with open_store(self._store) as opened:
            return {each.key.name: each.total.dollars for each in usages(opened, time.time())}

    def stop(self) -> int:
        """The exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)

    def kill(self) -> None:
        """If it still runs."""
        if self._process.poll() is None:
            for pid in self.children():
                os.kill(pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def wait_until_followed(self, seq: int) -> None:
        """Until all workers follow the document of that number."""
        until, wanted = time.monotonic() + 60, re.compile(rf"^evalgate_signal_seq {seq}\.0$", re.MULTILINE)
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                if all(wanted.search(text) for text in self._scraped()):
                    return
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def _scraped(self) -> Iterator[str]:
        for port in range(self._metrics, self._metrics + WORKERS):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
                yield reply.read().decode()


def write_catalog(folder: Path, providers: Mapping[str, Provider]) -> None:
    """One provider for each variant."""
    lines = ["version: 1", "providers:"]
    for name, provider in providers.items():
        scheme = "https" if name == "sealed" else "http"
        lines.append(
            f'  - {{id: {name}, base_url: "{scheme}://127.0.0.1:{provider.port}/v1", api_key_env: {name.upper()}_KEY, '
            "timeout: 15, first_byte_timeout: 5, connect_timeout: 5}"
        )
    lines += ["models:", "  - id: model", f"    baseline: {BASELINE}", "    variants:"]
    for name in providers:
        price = "{input: 1, output: 2}" if name == BASELINE else f"{{input: {PRICES[name]}, output: {PRICES[name]}}}"
        bits = "bf16" if name == BASELINE else "fp8"
        lines.append(
            f"      - {{id: {name}, provider: {name}, served_as: {name}, quantization: {bits}, price: {price}}}"
        )
    (folder / "catalog.yaml").write_text("\n".join(lines))


@contextlib.contextmanager
def providers_in(folder: Path, chance: random.Random) -> Iterator[dict[str, Provider]]:
    """All of them, up."""
    with contextlib.ExitStack() as stack:
        encryption = {"sealed": self_signed(folder)}
        yield {name: stack.enter_context(Provider(name, chance, encryption.get(name))) for name in (BASELINE, *PRICES)}
