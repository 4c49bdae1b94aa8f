"""What the gateway's books cost: on the path of a call, and beside it.

    python benchmarks/books.py

Prints CPU time (others on the machine disturb it little): microseconds per call on the hot path, milliseconds for what
runs in the background.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from evalgate.gateway.keys import Keys, digest, mint
from evalgate.gateway.metrics import Metrics
from evalgate.store import open_store
from evalgate.store.keys import VirtualKey, VirtualKeys
from evalgate.telemetry import Attempt, Recorder

CALLS = 100_000
VARIANTS, OPERATIONS = 8, 10


def attempts() -> list[Attempt]:
    """Of 80 pairs of variant and operation, streamed."""
    draw, now = random.Random(1), time.time()
    return [
        Attempt(
            variant=f"variant-{draw.randrange(VARIANTS)}",
            operation=f"operation-{draw.randrange(OPERATIONS)}",
            outcome="ok",
            at=now,
            duration_ms=draw.lognormvariate(7, 1),
            first_ms=draw.lognormvariate(5, 1),
            input_tokens=500,
            output_tokens=100,
        )
        for _ in range(CALLS)
    ]


def tell(what: str, seconds: float, unit: str) -> None:
    """One line."""
    print(f"{what:<44} {seconds * (1e6 if unit == 'µs' else 1e3):8.2f} {unit}")


def each(what: str, work: Callable[[], object], count: int = CALLS) -> None:
    """The mean of many."""
    began = time.process_time()
    for _ in range(count):
        work()
    tell(what, (time.process_time() - began) / count, "µs")


def once(what: str, work: Callable[[], object]) -> None:
    """The time of one."""
    began = time.process_time()
    work()
    tell(what, time.process_time() - began, "ms")


def main() -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder, open_store(str(Path(folder) / "books.db")) as store:
        recorder, secret, recorded = Recorder(store), mint(), iter(attempts())
        each("Recorder.record", lambda: recorder.record(next(recorded)))
        once("Recorder.refresh, all 80 pairs changed", recorder.refresh)
        once("Recorder.refresh, nothing changed", recorder.refresh)
        each("Recorder.figures", lambda: recorder.figures("operation-1"))
        once("Recorder.snapshot", recorder.snapshot)
        once("Recorder.sync, SQLite", recorder.sync)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Metrics(recorder))
        once("a scrape of /metrics, 80 pairs", lambda: generate_latest(registry))
        limits = {"requests_per_minute": 10**9, "tokens_per_minute": 10**12}
        key = VirtualKey("ci", digest(secret), time.time(), dollars=Decimal(10**6), period="month", **limits)
        VirtualKeys(store).add(key)
        keys = Keys(store)
        keys.sync()
        headers = {"authorization": f"Bearer {secret}"}
        caller = keys.admit(headers)
        each("Keys.admit, with all limits", lambda: keys.admit(headers))
        each("Keys.book", lambda: keys.book(caller, Decimal("0.000123"), 600))
        once("Keys.sync, SQLite", keys.sync)


if __name__ == "__main__":
    main()
