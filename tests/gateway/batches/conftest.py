"""A gateway with nothing but the batch tier, on loopback, before a provider that has a batch API and live calls."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openai
import pytest
import uvicorn
from starlette.applications import Starlette

from evalgate.catalog import Catalog, load_catalog
from evalgate.gateway.batches import BatchTier, routes, work
from evalgate.gateway.caller import Caller
from evalgate.gateway.refusal import Refused
from evalgate.gateway.settings import QueueSettings
from evalgate.router import RoutingTable
from evalgate.store import Store, open_store
from evalgate.telemetry import Attempt
from tests.providers.batch_server import BatchServer
from tests.router.house import LATER, Variant, signal_of

# Here, too, a store is SQLite or a real PostgreSQL.
from tests.store.conftest import Database, database, postgresql  # noqa: F401

CHEAP = Variant("cheap")
QUICK = QueueSettings(concurrency=4, busy_above=0, poll_seconds=0.02)
LIVE_PRICE = Decimal("0.5") * 5 / 1_000_000  # 3 tokens in and 2 out at half a dollar per million


def catalogue(folder: Path, url: str, *, discount: bool, protocol: str = "openai", key: bool = False) -> Catalog:
    """The baseline `full` has no batch API; `cheap` has one where there is a `discount`."""
    folder.mkdir(exist_ok=True)
    half = ", batch_discount: 0.5" if discount else ""
    key_ = ", api_key_env: KEY" if key else ""
    path = folder / "catalog.yaml"
    path.write_text(
        f"""version: 1
providers:
  - {{id: acme, base_url: "{url}", retries: 1}}
  - {{id: budget, base_url: "{url}", retries: 1, protocol: {protocol}{key_}}}
models:
  - id: model
    baseline: full
    variants:
      - {{id: full, provider: acme, served_as: big, quantization: bf16, price: {{input: 1, output: 1}}}}
      - {{id: cheap, provider: budget, served_as: small, quantization: fp8, price: {{input: 0.5, output: 0.5}}{half},
          capabilities: {{context: 100000}}}}
"""
    )
    return load_catalog(path)


@dataclass
class Keys:
    """A doorkeeper who knows some keys, and whoever comes without one is nobody in particular."""

    callers: Mapping[str, Caller] = field(default_factory=dict)
    booked: list[tuple[str, Decimal, int]] = field(default_factory=list)

    def admit(self, headers: Mapping[str, str]) -> Caller:
        key = headers.get("authorization", "").removeprefix("Bearer ")
        if not self.callers:
            return Caller()
        if key not in self.callers:
            raise Refused(401, "authentication_error", "no such key")
        return self.callers[key]

    def book(self, caller: Caller, dollars: Decimal, tokens: int) -> None:
        self.booked.append((caller.id, dollars, tokens))


@dataclass
class World:
    """Everything that one gateway has around it."""

    server: BatchServer
    store: Store
    catalog: Catalog
    folder: Path
    variants: list[Variant] = field(default_factory=lambda: [CHEAP])
    keys: Keys = field(default_factory=Keys)
    attempts: list[Attempt] = field(default_factory=list)
    settings: QueueSettings = QUICK
    live: int = 0
    ahead: float = 0.0  # seconds by which the clock is put forward
    began: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        return LATER.timestamp() + time.monotonic() - self.began + self.ahead

    def signal(self, *variants: Variant) -> None:
        """From now on this is the signal."""
        self.variants = list(variants)
        self._table = RoutingTable(signal_of(self.catalog, *variants), self.catalog)

    def table(self) -> RoutingTable:
        if not hasattr(self, "_table"):
            self.signal(*self.variants)
        return self._table

    def tier(self, **changes: Any) -> BatchTier:
        given: dict[str, Any] = {
            "store": self.store,
            "table": self.table,
            "environment": {"KEY": "sk-0123456789abcdefghij"},
            "settings": self.settings,
            "doorkeeper": self.keys,
            "live": lambda: self.live,
            "record": self.attempts.append,
            "now": self.now,
        }
        return BatchTier(**{**given, **changes})


class Gateway:
    """A running gateway; `working` False: it takes batches, and does nothing of them."""

    def __init__(self, world: World, *, working: bool = True, **changes: Any) -> None:
        self.world = world
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        self._ready, self._working, self._changes = threading.Event(), working, changes
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def client(self, key: str = "nobody") -> openai.OpenAI:
        return openai.OpenAI(base_url=self.url, api_key=key, max_retries=0)

    def stop(self, *, cancelled: bool = False) -> None:
        """End it as its process would: by `stop`, or as one that cancels all its tasks."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end, cancelled)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _end(self, cancelled: bool) -> None:
        if cancelled and self._work is not None:
            self._work.cancel()
        else:
            self.tier.stop()
        self._server.should_exit = True

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.tier = self.world.tier(**self._changes)
        app = Starlette(routes=routes(self.tier))
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        self._work = asyncio.create_task(work(self.tier)) if self._working else None
        asyncio.get_running_loop().call_soon(self._ready.set)
        await self._server.serve(sockets=[self._socket])
        if self._work is not None:
            await asyncio.wait({self._work})


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch appears in a provider's list at once, and nobody waits for long."""
    monkeypatch.setattr("evalgate.gateway.batches.parcels.DOUBT_SECONDS", 0.02)
    monkeypatch.setattr("evalgate.gateway.batches.working.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("evalgate.gateway.batches.queue.IDLE_SECONDS", 0.05)
    monkeypatch.setattr("evalgate.providers.retry.BASE_SECONDS", 0.001)
    monkeypatch.setattr("evalgate.providers.retry.FLOOR_SECONDS", 0.001)
    monkeypatch.setattr("evalgate.router.breaker.FIRST_PAUSE", 0.05)


@pytest.fixture
def server() -> Iterator[BatchServer]:
    server = BatchServer()
    yield server
    server.stop()


@pytest.fixture
def world(server: BatchServer, tmp_path: Path) -> Iterator[World]:
    """On SQLite, where nothing depends on the database."""
    with open_store(str(tmp_path / "store.db")) as store:
        yield World(server, store, catalogue(tmp_path, f"http://127.0.0.1:{server.port}/v1", discount=True), tmp_path)


@pytest.fixture
def on_both(server: BatchServer, database: Database, tmp_path: Path) -> Iterator[World]:  # noqa: F811
    """On SQLite and on PostgreSQL."""
    with open_store(database.name) as store:
        yield World(server, store, catalogue(tmp_path, f"http://127.0.0.1:{server.port}/v1", discount=True), tmp_path)


@contextlib.contextmanager
def running(world: World, **changes: Any) -> Iterator[Gateway]:
    gateway = Gateway(world, **changes)
    try:
        yield gateway
    finally:
        gateway.stop()


def line(number: int, **changes: object) -> dict[str, object]:
    """A line of an input file: the question `q<number>`."""
    body = {"model": "model", "messages": [{"role": "user", "content": f"q{number}"}], "max_tokens": 16}
    return {"custom_id": f"c{number}", "method": "POST", "url": "/v1/chat/completions", "body": body, **changes}


def jsonl(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def submit(client: openai.OpenAI, content: bytes, **more: Any) -> openai.types.Batch:
    """A batch of this file, for the operation `sort`."""
    file = client.files.create(file=("questions.jsonl", content), purpose="batch")
    given = {"endpoint": "/v1/chat/completions", "metadata": {"operation_id": "sort"}} | more
    return client.batches.create(input_file_id=file.id, completion_window="24h", **given)


OVER = {"completed", "failed", "expired", "cancelled"}


def eventually(look: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What `look` returns as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.01)
    return found


def ended(client: openai.OpenAI, batch: str) -> openai.types.Batch:
    """The batch, when it is over."""

    def look() -> openai.types.Batch | None:
        found = client.batches.retrieve(batch)
        return found if found.status in OVER else None

    return eventually(look)


def rows(client: openai.OpenAI, file: str | None) -> dict[str, Any]:
    """The lines of a file of results by custom id."""
    if file is None:
        return {}
    found = [json.loads(row) for row in client.files.content(file).read().splitlines()]
    assert len({row["custom_id"] for row in found}) == len(found), "a line is there twice"
    return {row["custom_id"]: row for row in found}


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, LATER.tzinfo)
