"""Measures what it costs to ask with several processes, and that limits hold over all of them.

    python benchmarks/scale_calls.py                    both tables, about five minutes
    python benchmarks/scale_calls.py --only workers     CPU of a call with 1, 2 and 4 processes on one store
    python benchmarks/scale_calls.py --only limit       600 calls a minute over 8 processes; what arrives in any minute
    python benchmarks/scale_calls.py --only workers --postgresql    the same, whose store is a server of its own
    python benchmarks/scale_calls.py --ray              1, 2 and 4 askers of a local Ray as well (extra [ray])

The server is `mock.py` for the first table, and for the second one that notes when each call arrives. CPU is user +
system time of whole processes, start-up included, and their start-up alone beside it: absolute times mean little on a
machine that does other work.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from benchmarks.mock import KEY, Mock, write_house  # noqa: E402
from benchmarks.scale import postgresql  # noqa: E402

EVALGATE = [sys.executable, "-m", "evalgate", "run", "suite.yaml", "--variant", "full", "--quiet"]
LIMIT = 600  # calls a minute


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=["workers", "limit"], default=["workers", "limit"])
    parser.add_argument("--calls", type=int, default=4000, help="of each process, for the first table")
    parser.add_argument("--seconds", type=int, default=130, help="for the second table")
    parser.add_argument("--rounds", type=int, default=3, help="of the first table, whose medians are shown")
    parser.add_argument("--ray", action="store_true", help="askers of a local Ray too")
    parser.add_argument("--postgresql", action="store_true", help="as the store of the first table; default: SQLite")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evalgate-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        server = stack.enter_context(postgresql(None)) if asked.postgresql else None
        if "workers" in asked.only:
            workers(folder, Stores(folder, server), asked.calls, asked.rounds, ray=asked.ray)
        if "limit" in asked.only:
            limit(folder, asked.seconds)


@dataclass(frozen=True)
class Stores:
    """New stores, in files or on a server of PostgreSQL."""

    folder: Path
    server: str | None

    def __str__(self) -> str:
        return "SQLite" if self.server is None else "PostgreSQL"

    def new(self, name: str) -> str:
        """The name of a store that nobody has used."""
        if self.server is None:
            return str(self.folder / f"{name}.db")
        import psycopg

        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        head, _, tail = self.server.partition("?")
        return f"{head.rpartition('/')[0]}/{name}?{tail}"


def workers(folder: Path, stores: Stores, calls: int, rounds: int, *, ray: bool) -> None:
    """The CPU of a call does not grow with the number of processes that share the work and its limits."""
    print(f"\n## {calls:,} calls at 5 ms and 64 at once for each process, one store in {stores}\n")
    print("| | CPU s | without start-ups | calls per CPU s | of one process |\n|---|--:|--:|--:|--:|", flush=True)
    one = None
    for count in 1, 2, 4:
        whole, shards = count * calls, [f"{part}/{count}" for part in range(1, count + 1)]
        names = [f"{count}-{number}" for number in range(rounds)]
        start = min(cpu_of(folder, whole, [f"1/{whole}"], 64, stores.new(f"start-{each}")) for each in names)
        spent = sorted(cpu_of(folder, whole, shards, 64 * count, stores.new(each)) for each in names)
        one = show(f"{count} process{'es' if count > 1 else ''}", whole, spent[rounds // 2], count * start, one)
    if not ray:
        return
    one = None
    for count in 1, 2, 4:
        few, all_ = (cpu_of_ray(folder, each, count) for each in (64 * count, calls))
        one = show(f"Ray, {count} askers", calls, all_, few, one)


def show(name: str, calls: int, spent: float, start: float, one: float | None) -> float:
    per = calls / (spent - start)
    share = f"{per / one:.0%}" if one is not None else ""
    print(f"| {name} | {spent:.2f} | {spent - start:.2f} | {per:,.0f} | {share} |", flush=True)
    return one if one is not None else per


def cpu_of(folder: Path, calls: int, shards: list[str], places: int, store: str) -> float:
    """CPU seconds of a process for each shard, at the same time."""
    with Mock(folder, ["--latency-ms", "5"]) as mock:
        write_house(folder, calls, mock.url, concurrency=places)
        command = [*EVALGATE, "--store", store, "--shard"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        running = [
            subprocess.Popen([*command, shard], cwd=folder, env=environment(), stdout=subprocess.DEVNULL)
            for shard in shards
        ]
        codes = [process.wait() for process in running]
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert not any(codes), codes
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cpu_of_ray(folder: Path, calls: int, count: int) -> float:
    """The same of a local Ray: the command and its askers, without Ray's own servers."""
    with Mock(folder, ["--latency-ms", "5"]) as mock:
        write_house(folder, calls, mock.url)
        store = folder / f"ray-{calls}-{count}.db"
        command = [*EVALGATE, "--store", str(store), "--ray", "--ray-workers", str(count)]
        process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.DEVNULL)
        last: dict[int, float] = {}
        while process.poll() is None:
            last |= dict(askers(process.pid))
            time.sleep(0.02)
        assert process.returncode == 0
        assert mock.stats()["requests"] == calls, mock.stats()
    return sum(last.values())


def askers(command: int) -> list[tuple[int, float]]:
    """CPU seconds so far of a command and of the askers on this machine."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            title = (entry / "cmdline").read_bytes()
            if int(entry.name) == command or title.startswith(b"ray::Asker"):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                found.append((int(entry.name), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")))
        except OSError:
            continue
    return found


class Noting:
    """Answers every completion, and notes when it arrived."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.port: int = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    async def _start(self) -> int:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return int(runner.addresses[0][1])

    async def _answer(self, request: web.Request) -> web.Response:
        self.times.append(time.monotonic())
        await request.read()
        message = {"role": "assistant", "content": "ANS"}
        usage = {"prompt_tokens": 200, "completion_tokens": 5}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})


def limit(folder: Path, seconds: int) -> None:
    """Eight processes with more to ask than a minute allows."""
    server = Noting()
    write_house(folder, 20 * LIMIT, f"http://127.0.0.1:{server.port}/v1")
    catalog = folder / "catalog.yaml"
    catalog.write_text(catalog.read_text().replace("concurrency: 64", f"concurrency: 64, requests_per_minute: {LIMIT}"))
    command = [*EVALGATE, "--store", str(folder / "limit.db")]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = [subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.DEVNULL) for _ in range(8)]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.1)
    for process in running:
        process.terminate()
    for process in running:
        process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    times = sorted(server.times)
    most = max(bisect_left(times, start + 60) - at for at, start in enumerate(times))
    # the first minute's calls go at once; from then on the rate is that of the minutes after them
    rate = 60 * sum(times[0] + 60 <= at < times[0] + 60 * (seconds // 60) for at in times) / (60 * (seconds // 60 - 1))
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"\n## {LIMIT} calls a minute, 8 processes on one SQLite store, {seconds} s\n")
    print("| calls in all | most in any 60 s | of the limit | a minute, after the first | of the limit | CPU s |")
    print("|--:|--:|--:|--:|--:|--:|")
    print(f"| {len(times):,} | {most} | {most / LIMIT:.1%} | {rate:.0f} | {rate / LIMIT:.1%} | {spent:.1f} |")


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"MOCK_KEY": KEY, "PYTHONPATH": str(HERE.parent)}


if __name__ == "__main__":
    main()
