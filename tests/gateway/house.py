"""A gateway that really runs: its own thread, a real socket, a real signal file, and upstreams that are scripted."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
from starlette.routing import BaseRoute

from evalgate.catalog import Catalog, load_catalog
from evalgate.gateway.application import Application
from evalgate.gateway.caller import ANYBODY, Caller, Doorkeeper
from evalgate.gateway.delivered import Delivered
from evalgate.gateway.gateway import gateway
from evalgate.gateway.refusal import Refused
from evalgate.gateway.serve import Server, listen
from evalgate.gateway.settings import GatewaySettings
from evalgate.signal.reader import SignalReader
from evalgate.signal.reader.view import digest_of
from evalgate.telemetry import Attempt
from tests.gateway.upstream import Upstream
from tests.router.house import Variant, signal_of

CHEAP = Variant("cheap", 0.1, "green")
TASK = {"operation_id": "sort"}
HELLO = [{"role": "user", "content": "hello"}]


@dataclass
class Counts:
    """Telemetry that only remembers."""

    attempts: list[Attempt] = field(default_factory=list)
    known: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)

    def record(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)

    def figures(self, operation: str) -> Mapping[str, tuple[float | None, float | None]]:
        del operation
        return self.known

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(each.variant, each.outcome) for each in self.attempts]


@dataclass
class Door:
    """Lets everybody in, and remembers what was booked."""

    caller: Caller = ANYBODY
    booked: list[tuple[Decimal, int]] = field(default_factory=list)

    def admit(self, headers: Mapping[str, str]) -> Caller:
        del headers
        return self.caller

    def book(self, caller: Caller, dollars: Decimal, tokens: int) -> None:
        del caller
        self.booked.append((dollars, tokens))


@dataclass
class House:
    """A running gateway before `upstream`."""

    url: str
    upstream: Upstream
    application: Application
    counts: Counts
    door: Door
    delivered: list[Delivered]
    folder: Path
    server: Server
    client: httpx.Client
    refused: list[Refused]
    loop: asyncio.AbstractEventLoop

    def ask(self, path: str = "/v1/chat/completions", *, headers: Any = None, **body: Any) -> httpx.Response:
        """A call of the operation that is judged, unless it says otherwise."""
        asked = {"model": "model", "messages": HELLO, "metadata": TASK, **body}
        return self.client.post(path, json=asked, headers=headers)

    def settled(self, count: int = 1) -> list[Attempt]:
        """The attempts, once so many are counted: what a client left is counted a moment later."""
        until = time.monotonic() + 10
        while len(self.counts.attempts) < count and time.monotonic() < until:
            time.sleep(0.01)
        return self.counts.attempts


def catalog_in(folder: Path, port: int, *variants: Variant, provider: str = "", full: str = "") -> Catalog:
    """A catalogue whose variants are all served at one port, under their own names."""
    lines = [
        "version: 1",
        f'providers: [{{id: acme, base_url: "http://127.0.0.1:{port}/v1"{provider}}}]',
        "models:",
        "  - id: model",
        "    baseline: full",
        "    variants:",
        f"      - {{id: full, served_as: full, provider: acme, quantization: bf16, "
        f"price: {{input: 1, output: 2}}{full}}}",
    ]
    lines += [
        f"      - {{id: {each.id}, served_as: {each.id}, provider: acme, quantization: fp8, "
        f"price: {{input: {each.price}, output: {each.price}}}{each.extra}}}"
        for each in variants
    ]
    path = folder / "catalog.yaml"
    path.write_text("\n".join(lines))
    return load_catalog(path)


def publish(folder: Path, catalog: Catalog, *variants: Variant, seq: int = 1) -> None:
    """Write the signal: what these variants' states are, from now on for an hour."""
    now = datetime.now(UTC).replace(microsecond=0)
    document = signal_of(catalog, *variants)
    entries = tuple(
        each.model_copy(update={"valid_until": now + timedelta(hours=1), "since": now}) for each in document.entries
    )
    update: dict[str, Any] = {
        "issued_at": now,
        "expires_at": now + timedelta(minutes=10),
        "entries": entries,
        "seq": seq,
    }
    target = folder / "signal.json"
    if seq > 1:
        update["prev"] = digest_of(target.read_bytes())
    beside = folder / "signal.new"
    beside.write_bytes(document.model_copy(update=update).encode())
    beside.rename(target)


@contextmanager
def house(
    folder: Path,
    *variants: Variant,
    settings: Mapping[str, Any] | None = None,
    provider: str = "",
    full: str = "",
    door: Doorkeeper | None = None,
    wants_answers: bool = False,
    routes: Sequence[BaseRoute] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[House]:
    """Run a gateway whose model has the baseline `full` and these variants."""
    with Upstream() as upstream:
        catalog = catalog_in(folder, upstream.port, *variants, provider=provider, full=full)
        publish(folder, catalog, *variants)
        chosen = GatewaySettings(**{"host": "127.0.0.1", "port": 0, "drain_seconds": 5, **(settings or {})})
        counts, standing, delivered, refused = Counts(), Door(), list[Delivered](), list[Refused]()
        loops: list[asyncio.AbstractEventLoop] = []

        async def beginning() -> None:
            loops.append(asyncio.get_running_loop())

        def note(each: Delivered) -> None:
            delivered.append(each)

        note.wants_answer = lambda caller: wants_answers  # type: ignore[attr-defined]
        with SignalReader(folder / "signal.json", unsigned=True, interval=0.05) as reader:
            reader.refresh()
            application = gateway(
                chosen,
                catalog,
                reader,
                environment,
                doorkeeper=door or standing,
                telemetry=counts,
                onlookers=[note],
                refusals=refused.append,
            )
            application.mount(routes, [beginning])
            sock = listen("127.0.0.1", 0)
            server = Server(application, chosen)
            thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
            url = f"http://127.0.0.1:{sock.getsockname()[1]}"
            thread.start()
            while not server.started:
                time.sleep(0.005)
            with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
                yield House(
                    url, upstream, application, counts, standing, delivered, folder, server, client, refused, loops[0]
                )
            server.stop()
            thread.join(15)
