"""Calls through a real gateway while everything around it fails, and then the books: `python -m benchmarks.chaos`.

    python -m benchmarks.chaos --calls 10000                # on SQLite, half of them on a disk that is full for a while
    python -m benchmarks.chaos --calls 10000 --postgresql   # PostgreSQL from the wheel, which is away for a minute

`evalgate serve` with two workers and keys required, providers on loopback that answer 429, 5xx and nonsense, hang,
drip, cut, reset, die and come back, or show a certificate that nobody trusts; a variant that is withdrawn in the
middle; a signal server that is gone for a while; clients that leave. Exit code 1 when anybody was asked who was not
eligible at that moment, when a call ended without an answer or a clear error in time, when the books and what the
providers counted disagree, when a worker died, or when memory grew.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count, cycle
from pathlib import Path

import httpx
import orjson

from benchmarks.chaos_gateway import (
    ELIGIBLE,
    PRICES,
    ROUGH,
    STEADY,
    STEADY_OPERATIONS,
    Gateway,
    SignalServer,
    providers_in,
    write_catalog,
)
from benchmarks.chaos_upstreams import BASELINE, BY_OPERATION, PROMPT, TEXT, Asked, Provider

LIMIT = 90.0  # seconds in which every call must have ended: three attempts and what they wait for, on a busy machine
UNDER_WAY = 1.0  # seconds that a request which was decided on may take to arrive
GROWTH = 60  # MiB that a worker may grow by
CROWD = 48
AWAY = 0.15  # share of the calls that are made while the store is away


@dataclass(slots=True)
class Ended:
    """How a call ended for its client."""

    operation: str
    how: str  # answered, refused (with its status), cut (an error event), left, LOST, LATE, WRONG
    seconds: float


@dataclass(slots=True)
class Storm:
    """What happened."""

    calls: int
    ended: list[Ended] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    is_away: bool = False
    withdrawn: tuple[float, float] = (0.0, 0.0)
    obeyed: float = 0.0
    attempts: Counter[tuple[str, str]] = field(default_factory=Counter)
    spent: dict[str, Decimal] = field(default_factory=dict)
    resident: tuple[int, int] = (0, 0)
    wrong: list[str] = field(default_factory=list)

    @property
    def cost(self) -> Callable[[Asked], Decimal]:
        """USD that a provider would charge for one request."""
        prices = {name: (Decimal(price), Decimal(price)) for name, price in PRICES.items()}
        prices[BASELINE] = (Decimal(1), Decimal(2))

        def of(each: Asked) -> Decimal:
            if each.output is None:
                return Decimal(0)
            asked, said = prices[each.variant]
            return (asked * PROMPT + said * each.output) / 1_000_000

        return of


async def call(client: httpx.AsyncClient, key: tuple[str, str], number: int, operation: str, leaves: bool) -> Ended:
    """One call; every other one is streamed."""
    began, stream = time.monotonic(), number % 2 == 1
    asked = {
        "model": "model",
        "messages": [{"role": "user", "content": "hello"}],
        "user": f"{key[0]}|{number}|{operation}",
        "metadata": {"operation_id": operation},
        "stream": stream,
    }
    how = "LOST: nothing"
    try:
        async with asyncio.timeout(0.04 if leaves and not stream else LIMIT):
            headers = {"authorization": f"Bearer {key[1]}"}
            async with client.stream("POST", "/v1/chat/completions", json=asked, headers=headers) as response:
                data = b""
                async for piece in response.aiter_raw():
                    data += piece
                    if leaves:
                        return Ended(operation, "left", time.monotonic() - began)
                how = _judged(response, data)
    except TimeoutError:
        how = "left" if leaves else "LATE"
    except httpx.HTTPError as failure:
        how = f"LOST: {failure!r}"
    return Ended(operation, how, time.monotonic() - began)


def _judged(response: httpx.Response, data: bytes) -> str:
    if response.status_code != 200:
        told = orjson.loads(data)
        return f"refused {response.status_code}" if told["error"]["message"] else "WRONG: no message"
    if not response.headers["content-type"].startswith("text/event-stream"):
        text = orjson.loads(data)["choices"][0]["message"]["content"]
        return "answered" if text == TEXT else f"WRONG: {text!r}"
    events = [each.removeprefix(b"data: ") for each in data.split(b"\n\n") if each]
    if events[-1] == b"[DONE]":
        said = (orjson.loads(each) for each in events[:-1])
        text = "".join(choice["delta"].get("content", "") for each in said for choice in each["choices"]).strip()
        return "answered" if text == TEXT else f"WRONG: {text!r}"
    return "cut" if "error" in orjson.loads(events[-1]) else "LOST: a stream that only ends"


Timeline = list[tuple[float, Callable[[], None]]]
"""What happens to the world: after which share of the calls since the last happening."""


async def send(storm: Storm, gateway: Gateway, timeline: Timeline, away: float) -> None:
    """All calls, by a crowd, and more where the timeline takes longer.

    `away`: seconds that the calls take, at least, which are made while the store is away.
    """
    chance, numbers, operations, over = random.Random(3), count(), cycle(BY_OPERATION), asyncio.Event()
    limits = httpx.Limits(max_connections=CROWD, max_keepalive_connections=CROWD)
    async with httpx.AsyncClient(base_url=gateway.url, timeout=LIMIT, trust_env=False, limits=limits) as client:

        async def member() -> None:
            while (number := next(numbers)) < storm.calls or not over.is_set():
                operation = next(operations)
                name = STEADY if operation in STEADY_OPERATIONS else ROUGH
                leaves = operation == "left" and chance.random() < 0.5
                ended = await call(client, (name, gateway.secrets[name]), number, operation, leaves)
                if ended.how == "LATE" and storm.is_away:
                    ended.how = "LATE while the store was away"
                storm.ended.append(ended)
                if storm.is_away:
                    await asyncio.sleep(away * CROWD / (AWAY * storm.calls))

        async def conductor() -> None:
            for share, happens in timeline:
                reached = len(storm.ended) + share * storm.calls
                while len(storm.ended) < reached:
                    await asyncio.sleep(0.01)
                await asyncio.to_thread(happens)
            over.set()

        await asyncio.gather(conductor(), *(member() for _ in range(CROWD)))


@contextlib.contextmanager
def store_in(folder: Path, postgresql: bool) -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """A store, and how it goes away and comes back: a server that stops, or a disk that is full."""
    if postgresql:
        from tests.store.conftest import Server

        server = Server(tempfile.mkdtemp(prefix="evalgate-pg-"))
        try:
            yield server.new_database().name, server.stop, server.start
        finally:
            server.remove()
        return
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(disk)]
    # SQLite's write-ahead log alone takes 4 MB before it is taken in
    small = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    if not small:
        print("the disk cannot be filled: only root can make one that is small", file=sys.stderr)

    def fill() -> None:
        with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
            while small:
                file.write(b"x" * 4096)

    try:
        yield str(disk / "gateway.db"), fill, lambda: (disk / "filler").unlink(missing_ok=True)
    finally:
        if small:
            subprocess.run(["umount", "-l", str(disk)], check=False)


def run(folder: Path, calls: int, *, postgresql: bool = False, away: float = 0.0) -> Storm:
    """The storm, and its audit in `wrong`. `away`: seconds that the store is away, at least."""
    storm, chance = Storm(calls), random.Random(7)
    with contextlib.ExitStack() as stack:
        store, goes, comes = stack.enter_context(store_in(folder, postgresql))
        providers = stack.enter_context(providers_in(folder, chance))
        write_catalog(folder, providers)
        signals = SignalServer(folder)
        signals.publish()
        signals.open()
        stack.callback(signals.close)
        gateway = Gateway(folder, store, providers, signals)
        stack.callback(gateway.kill)

        def withdraw() -> None:
            began = time.time()
            gateway.wait_until_followed(signals.publish(withdrawn=True))
            storm.withdrawn = time.time(), float("inf")
            storm.obeyed = storm.withdrawn[0] - began

        def restore() -> None:
            storm.withdrawn = storm.withdrawn[0], time.time()
            signals.publish()

        def note() -> None:
            storm.resident = gateway.resident(), 0

        def go() -> None:
            storm.is_away = True
            goes()

        def come() -> None:
            storm.is_away = False
            comes()

        timeline = [
            (0.05, providers["mortal"].kill),
            (0.05, note),
            (0.05, providers["mortal"].revive),
            (0.05, withdraw),
            (0.20, restore),
            (0.05, signals.close),
            (0.10, signals.open),
            (0.05, go),
            (AWAY, come),
            (0.10, lambda: None),
        ]
        asyncio.run(send(storm, gateway, timeline, away))
        gateway.wait_until_idle()
        storm.resident = storm.resident[0], gateway.resident()
        storm.attempts = gateway.attempts()
        if gateway.children() != gateway.workers:
            storm.wrong.append(f"workers died: {gateway.workers} → {gateway.children()}")
        if code := gateway.stop():
            storm.wrong.append(f"the gateway ended with {code}")
        storm.spent = gateway.spent()
        storm.asked = [each for provider in providers.values() for each in provider.ledger]
        storm.wrong += audit(storm, providers, gateway.log.read_text())
    return storm


def audit(storm: Storm, providers: dict[str, Provider], log: str) -> list[str]:
    """What should not have happened."""
    wrong = []
    since, until = storm.withdrawn
    for each in storm.asked:
        if each.variant != BASELINE and each.variant not in ELIGIBLE[each.operation]:
            wrong.append(f"{each.variant} was asked, which is not eligible for {each.operation}")
        elif (each.variant, each.operation) == ("green", "withdrawn") and since + UNDER_WAY < each.at < until:
            wrong.append(f"green was asked {each.at - since:.1f} s after both workers knew that it is withdrawn")
    wrong += [f"{each.operation}: {each.how}" for each in storm.ended if each.how[:4] in ("LOST", "LATE", "WRON")]
    seen, counted = Counter(each.variant for each in storm.asked), Counter[str]()
    for (variant, _), number in storm.attempts.items():
        counted[variant] += number
    for name in providers:  # whoever is dead, or not believed, sees nothing of an attempt
        if counted[name] != seen[name] if name not in ("mortal", "sealed") else counted[name] < seen[name]:
            wrong.append(f"{name}: telemetry has {counted[name]} attempts, {seen[name]} arrived")
    if not counted["sealed"] or seen["sealed"]:
        wrong.append("the provider whom nobody trusts was not tried, or was believed")
    exact = sum(map(storm.cost, (each for each in storm.asked if each.key == STEADY)), Decimal(0))
    if storm.spent[STEADY] != exact:
        wrong.append(f"{STEADY}: {storm.spent[STEADY]} USD in the books, {exact} at the providers")
    rough = [each for each in storm.asked if each.key == ROUGH]
    broke = [each for each in rough if not each.whole or each.operation in ("left", "killed")]
    unsure = sum(map(storm.cost, broke), Decimal(0))
    exact = sum(map(storm.cost, rough), Decimal(0))
    if abs(storm.spent[ROUGH] - exact) > unsure / 2:
        wrong.append(f"{ROUGH}: {storm.spent[ROUGH]} USD in the books, {exact} at the providers, {unsure} not told")
    if storm.resident[1] - storm.resident[0] > GROWTH:
        wrong.append(f"a worker grew from {storm.resident[0]} to {storm.resident[1]} MiB")
    bad = ("Traceback", "of our own", "started again", "begun again")
    return wrong + [line for line in log.splitlines() if any(each in line for each in bad)]


def show(storm: Storm) -> None:
    """What happened, in a table."""
    by_operation: dict[str, Counter[str]] = {name: Counter() for name in BY_OPERATION}
    for each in storm.ended:
        by_operation[each.operation][each.how.partition(":")[0]] += 1
    for name, hows in by_operation.items():
        slowest = max((each.seconds for each in storm.ended if each.operation == name), default=0.0)
        print(f"  {name:10} {slowest:5.1f} s at most  " + ", ".join(f"{how} {n}" for how, n in sorted(hows.items())))
    seen = Counter(each.variant for each in storm.asked)
    for name in (BASELINE, *PRICES):
        told = {outcome: number for (variant, outcome), number in sorted(storm.attempts.items()) if variant == name}
        print(f"  {name:10} {seen[name]:6} requests arrived, {sum(told.values()):6} attempts counted: {told}")
    for key in (STEADY, ROUGH):
        at_providers = sum((storm.cost(each) for each in storm.asked if each.key == key), Decimal(0))
        print(f"  key {key:7} {storm.spent[key]:.9f} USD in the books, {at_providers:.9f} at the providers")
    print(f"  the withdrawal was followed by both workers after {storm.obeyed:.1f} s")
    print(f"  memory of the larger worker {storm.resident[0]} → {storm.resident[1]} MiB")


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--postgresql", action="store_true", help="as the store; default: SQLite on a small disk")
    parser.add_argument("--away", type=float, default=60.0, help="seconds that the store is away")
    given = parser.parse_args()
    os.environ.setdefault("NO_COLOR", "1")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        storm = run(Path(name), given.calls, postgresql=given.postgresql, away=given.away)
    show(storm)
    print(f"{len(storm.ended)} calls in {time.monotonic() - began:.0f} s, {len(storm.asked)} requests to providers")
    for text, number in Counter(storm.wrong).most_common(20):
        print(f"WRONG ({number}×): {text}")
    print("everything held" if not storm.wrong else f"{len(storm.wrong)} things were wrong")
    return 1 if storm.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
