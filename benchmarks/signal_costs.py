"""Measures what the signal costs who uses it: the choice, the reader's look-up, loading, and the HTTP server.

    python benchmarks/signal.py                     all tables, about half a minute on two cores
    python benchmarks/signal.py --only choose load

Times of single calls are percentiles over many, by the clock, so that what other programs on the machine take is in
them. What takes longer, and the server, is measured in CPU seconds: "a second" there is a second of one core, whoever
else was busy.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from evalgate.catalog import Catalog, load_catalog
from evalgate.formats.files import write_atomically
from evalgate.router import Breaker, Call, Preferences, RoutingTable, Standing, choose, explain
from evalgate.signal import Keyring, SigningKey, seal
from evalgate.signal.document import (
    SignalDocument,
    SignalEntry,
    SignalEvidence,
    SignalPrice,
    SignalQuantization,
    SignalVariant,
    Tokens,
)
from evalgate.signal.reader import SignalReader
from evalgate.signal.reader.clock import system_clock
from evalgate.signal.reader.holder import Holder

VARIANTS = 20
ENTRIES = 10_000
READERS = 1000
CONNECTIONS = 32
NOTHING = "sha256:" + "0" * 64


@dataclass(frozen=True)
class Served:
    """A server in a process of its own."""

    pid: int
    port: int

    def cpu(self) -> float:
        """CPU seconds so far, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> float:
        """MiB in memory."""
        told = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
        assert told is not None
        return int(told[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES), metavar="TABLE", help=str([*TABLES]))
    with tempfile.TemporaryDirectory(prefix="evalgate-bench-") as folder:
        for name in parser.parse_args().only:
            TABLES[name](Path(folder))


def table_of_choices(folder: Path) -> None:
    """The choice among 20 green variants, telemetry of each included."""
    catalog = catalog_of(folder, VARIANTS)
    document = document_for(catalog)
    began = time.perf_counter()
    table = RoutingTable(document, catalog)
    prepared = time.perf_counter() - began
    now = datetime.now(UTC)
    standings = {f"v{n}": Standing(0.99, 400.0 + n, breaker=Breaker(failures=n % 4)) for n in range(VARIANTS)}
    call = Call("operation-0", "model", tools=True, input_tokens=800, max_output=200)
    ways = {
        "cheapest": Preferences(p95_target_ms=1000.0),
        "weighted": Preferences("weighted", p95_target_ms=1000.0),
    }
    print(f"\nthe choice among {VARIANTS} green variants (the table was prepared in {prepared * 1e3:.1f} ms)")
    for name, preferences in ways.items():

        def once(seed: int, preferences: Preferences = preferences) -> None:
            decision = choose(call, table, now=now, standings=standings, seed=seed, preferences=preferences)
            assert len(decision.order) == VARIANTS + 1

        percentiles(name, once, 50_000, goal="goal 20, 50")
    decision = choose(call, table, now=now, standings=standings)
    percentiles("its explanation, when asked for", lambda _: explain(decision), 2_000)


def table_of_lookups(folder: Path) -> None:
    """`reader.eligible`, as a router calls it before each request."""
    catalog = catalog_of(folder, VARIANTS)
    path = folder / "signal.json"
    write_atomically(path, document_for(catalog, operations=100).encode())
    print("\nreader.eligible, 20 variants on each of 100 operations")
    with SignalReader(path, unsigned=True) as reader:
        reader.refresh()
        assert len(reader.eligible("operation-7", "model")) == VARIANTS
        percentiles("known", lambda _: reader.eligible("operation-7", "model"), 200_000, goal="goal 2")
        percentiles("unknown", lambda _: reader.eligible("nothing", "model"), 200_000)


def table_of_loads(folder: Path) -> None:
    """From the bytes of a signed document to answers."""
    catalog = catalog_of(folder, VARIANTS)
    document = document_for(catalog, operations=ENTRIES // VARIANTS)
    key = SigningKey.generate()
    data, keyring = seal(document.encode(), [key]), Keyring.of([key.public])
    print(f"\na signed document of {ENTRIES:,} entries, {len(data) / 1e6:.1f} MB")

    def load(_: int) -> None:
        holder = Holder(keyring, None, system_clock())
        holder.offer(data)
        assert len(holder.eligible("operation-3", "model")) == VARIANTS

    percentiles("verified and loaded", load, 20, cpu=True, goal="goal 100")
    percentiles("the routing table from it", lambda _: RoutingTable(document, catalog), 5, cpu=True)


def table_of_serving(folder: Path) -> None:
    """Conditional GETs that change nothing, and readers that wait for news."""
    catalog = catalog_of(folder, VARIANTS)
    path = folder / "served.json"
    document = document_for(catalog, operations=5)
    write_atomically(path, document.encode())
    print("\nevalgate signal serve, one process")
    with serving(path) as server:
        done, cpu, wall = asyncio.run(conditional_gets(server, seconds=8.0))
        print(f"  conditional GETs: {done / cpu:,.0f} a CPU second, {done / wall:,.0f} a second here (goal 2,000)")
        later = document.model_copy(update={"seq": document.seq + 1, "issued_at": document.issued_at})
        before = server.resident()
        told = asyncio.run(waiting_readers(server, lambda: write_atomically(path, later.encode())))
        print(
            f"  {READERS} waiting readers: {told.connected:.2f} s to connect, idle {told.idle:.1%} of a core, "
            f"{server.resident() - before:+.0f} MiB;"
        )
        print(f"  all of them told {told.all_told:.2f} s after the file was replaced, with {told.cpu:.2f} CPU seconds")


async def conditional_gets(server: Served, seconds: float) -> tuple[int, float, float]:
    """How many were answered by 304, in how many CPU seconds of the server, and how many of the clock."""
    tag = await etag_of(server)
    end = time.monotonic() + seconds
    before, began = server.cpu(), time.monotonic()

    async def ask() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        asked = request(tag)
        done = 0
        while time.monotonic() < end:
            writer.write(asked)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 304"), head
            done += 1
        writer.close()
        return done

    counts = await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return sum(counts), server.cpu() - before, time.monotonic() - began


@dataclass(frozen=True)
class Told:
    """What waiting took."""

    connected: float
    idle: float
    all_told: float
    cpu: float


async def waiting_readers(server: Served, publish: Callable[[], None]) -> Told:
    tag = await etag_of(server)
    began = time.monotonic()
    asked = request(tag, "?wait=60")
    connections = []
    for _ in range(READERS):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(asked)
        connections.append((reader, writer))
    await asyncio.sleep(1)  # until all of them wait
    connected = time.monotonic() - began - 1
    before = server.cpu()
    await asyncio.sleep(3)
    idle = (server.cpu() - before) / 3
    before, began = server.cpu(), time.monotonic()
    publish()
    heads = await asyncio.wait_for(asyncio.gather(*(reader.readline() for reader, _ in connections)), 60)
    assert all(head.startswith(b"HTTP/1.1 200") for head in heads)
    took = time.monotonic() - began
    for _, writer in connections:
        writer.close()
    return Told(connected, idle, took, server.cpu() - before)


async def etag_of(server: Served) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request(None))
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    told = re.search(r"(?i)^etag: (.*)\r$", head, re.MULTILINE)
    assert told is not None, head
    return told[1]


def request(tag: str | None, query: str = "") -> bytes:
    known = f"if-none-match: {tag}\r\n" if tag else ""
    return f"GET /signal{query} HTTP/1.1\r\nhost: bench\r\n{known}\r\n".encode()


@contextlib.contextmanager
def serving(path: Path) -> Iterator[Served]:
    command = [sys.executable, "-m", "evalgate", "signal", "serve", str(path), "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1]), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        told = re.search(r":(\d+)/signal", line)
        assert told is not None, line
        port = int(told[1])
        for _ in range(100):  # bound before it serves
            with contextlib.suppress(OSError, AssertionError, asyncio.IncompleteReadError):
                asyncio.run(etag_of(Served(process.pid, port)))
                break
            time.sleep(0.1)
        try:
            yield Served(process.pid, port)
        finally:
            process.terminate()
            process.wait(15)


def percentiles(name: str, once: Callable[[int], object], times: int, *, cpu: bool = False, goal: str = "") -> None:
    """Microseconds by the clock, or milliseconds of CPU."""
    unit, scale, clock = ("ms of CPU", 1e3, time.process_time_ns) if cpu else ("µs", 1e6, time.perf_counter_ns)
    for n in range(min(times, 1000) // 10):
        once(n)
    taken = []
    for n in range(times):
        began = clock()
        once(n)
        taken.append((clock() - began) / 1e9)
    taken.sort()
    p50, p99 = (taken[int(share * (times - 1))] * scale for share in (0.5, 0.99))
    print(f"  {name:34} p50 {p50:8.2f} {unit}   p99 {p99:8.2f} {unit}" + (f"   ({goal})" if goal else ""))


def catalog_of(folder: Path, variants: int) -> Catalog:
    lines = ["version: 1", 'providers: [{id: acme, base_url: "http://127.0.0.1:1/v1"}]', "models:", "  - id: model"]
    lines.append("    variants:")
    lines.append("      - {id: full, provider: acme, quantization: bf16, price: {input: 9, output: 9}}")
    for n in range(variants):
        offers = "capabilities: {tools: true, context: 131072, max_output: 8192}"
        price = f"price: {{input: {(n + 1) / 10}, output: {(n + 1) / 5}}}"
        lines.append(f"      - {{id: v{n}, served_as: m{n}, provider: acme, quantization: fp8, {price}, {offers}}}")
    path = folder / "catalog.yaml"
    path.write_text("\n".join(lines))
    return load_catalog(path)


def document_for(catalog: Catalog, operations: int = 1) -> SignalDocument:
    """All variants of the catalogue green on so many operations."""
    now = datetime.now(UTC).replace(microsecond=0)
    endpoints = catalog.endpoints("model")
    names = [name for name in endpoints if name != "full"]
    about = {name: _variant(endpoints[name].config, name) for name in names}
    evidence = _evidence(endpoints["full"].config)
    entries: Sequence[SignalEntry] = [
        SignalEntry(
            operation=f"operation-{operation}",
            model="model",
            baseline="full",
            variant=about[name],
            state="green",
            verdict="green",
            claim="traffic",
            since=now,
            green_runs=5,
            valid_until=now + timedelta(days=7),
            reason="not worse than 0.02 (e-value 31.4 at n=512)",
            evidence=evidence,
        )
        for operation in range(operations)
        for name in names
    ]
    return SignalDocument(
        stream="acme/prod",
        seq=1842,
        issued_at=now,
        expires_at=now + timedelta(minutes=10),
        prev=NOTHING,
        policy=NOTHING,
        entries=tuple(entries),
    )


def _variant(config: str, name: str) -> SignalVariant:
    return SignalVariant(
        id=name,
        provider="acme",
        path="direct",
        tag="acme/fp8",
        quantization=SignalQuantization(label="fp8", source="declared"),
        config=config,
        price=SignalPrice(input="0.23", output="0.40"),
    )


def _evidence(baseline_config: str) -> SignalEvidence:
    return SignalEvidence(
        suite=NOTHING,
        baseline_config=baseline_config,
        cases=512,
        metric="score",
        delta=-0.004,
        interval=(-0.017, 0.008),
        level=0.9,
        margin=0.02,
        alpha=0.05,
        control="family",
        e_green=31.4,
        e_red=0.2,
        flips=(9, 11),
        success=1.0,
        tokens=Tokens(input=700.0, output=120.0),
        baseline_tokens=Tokens(input=700.0, output=118.0),
        kinds={"text": 512},
        run="20261123T100000-1a2b",
    )


TABLES: dict[str, Callable[[Path], None]] = {
    "choose": table_of_choices,
    "eligible": table_of_lookups,
    "load": table_of_loads,
    "serve": table_of_serving,
}
