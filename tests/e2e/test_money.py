"""Answers are paid for: whatever happens to the run, none is lost, and none is bought twice.

Whole processes against a mock server with faults (`benchmarks/mock_openai.c`), which counts what it was asked.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.mock import FAULTS, KEY, Mock, compiler, write_house
from tests.collect.conftest import database, postgresql
from tests.store.conftest import PASSWORD, Database, Server

__all__ = ["database", "postgresql"]

pytestmark = pytest.mark.skipif(compiler() is None, reason="the mock server is C, and there is no compiler here")


@dataclass
class Bench:
    """A folder with a suite, a catalogue and a store, and the way to run evalgate in it."""

    folder: Path

    def start(self, *arguments: str, store: str = "e.db", **more: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "evalgate", *arguments, "--store", store]
        environment = {**os.environ, "MOCK_KEY": KEY, "COLUMNS": "120", "NO_COLOR": "1"}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: str, store: str = "e.db") -> subprocess.CompletedProcess[str]:
        with self.start(*arguments, store=store) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def scores(self, *arguments: str, store: str = "e.db") -> dict[str, object]:
        """The summary of `evalgate run`, with the exit code."""
        done = self.run("run", "suite.yaml", "--variant", "full", "--json", "-", *arguments, store=store)
        return {**json.loads(done.stdout), "exit": done.returncode}

    def board(self, store: str = "e.db") -> object:
        """What a check concludes, without what is of its moment: run, time, requests, and latencies."""
        done = self.run("check", "suite.yaml", "--json", "-", "-q", store=store)
        return timeless(json.loads(done.stdout))


def timeless(value: object) -> object:
    if isinstance(value, dict):
        passing = {"run", "at", "requests", "latency_ms_p50", "oldest"}
        return {key: timeless(inner) for key, inner in value.items() if key not in passing}
    return [timeless(inner) for inner in value] if isinstance(value, list) else value


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the mock server is compiled, once."""
    return tmp_path_factory.mktemp("mock")


@pytest.fixture
def serve(binary: Path, bench: Bench) -> Iterator[Callable[..., Mock]]:
    running: list[Mock] = []

    def start(cases: int, *options: str, concurrency: int = 64) -> Mock:
        mock = Mock(binary, options)
        running.append(mock)
        write_house(bench.folder, cases, mock.url, concurrency=concurrency)
        return mock

    yield start
    for mock in running:
        mock.__exit__(None, None, None)


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline, "was not reached"
        time.sleep(0.005)


def test_with_faults_all_are_answered_and_the_score_is_that_of_a_run_without(
    bench: Bench, serve: Callable[..., Mock]
) -> None:
    mock = serve(1000, *FAULTS.replace("--slow-ms 20", "--slow-ms 2").split())
    summary = bench.scores()
    assert (summary["cases"], summary["exit"], summary["scores"]) == (1000, 0, {"score": 0.787})
    assert mock.stats()["ok_unique"] == 1000


def test_a_case_that_fails_for_ever_ends_in_an_error_and_the_others_are_kept(
    bench: Bench, serve: Callable[..., Mock]
) -> None:
    mock = serve(200, "--sticky-p", ".01")
    catalog = bench.folder / "catalog.yaml"
    catalog.write_text(catalog.read_text().replace("concurrency: 64", "concurrency: 64, retries: 2"))
    summary = bench.scores()
    failed = summary["usage"]["failed"]  # type: ignore[index]
    assert failed == 200 - mock.stats()["ok_unique"] > 0
    assert summary["exit"] == 4  # neither green nor red
    before = mock.stats()["requests"]
    bench.scores()
    assert mock.stats()["requests"] == before + 3 * failed  # only those are asked again


def test_killed_in_the_middle_it_asks_at_most_what_was_under_way_again_and_concludes_the_same(
    bench: Bench, serve: Callable[..., Mock]
) -> None:
    mock = serve(1500, "--latency-ms", "5")
    with bench.start("run", "suite.yaml", "--variant", "full", store="killed.db") as process:
        wait_until(lambda: mock.stats()["ok_unique"] > 600)
        process.kill()
        process.communicate()
    assert bench.scores(store="killed.db")["scores"] == bench.scores(store="whole.db")["scores"]
    assert 1500 <= mock.stats()["requests"] - 1500 <= 1500 + 64
    killed = bench.board("killed.db")
    assert killed == bench.board("whole.db")


def test_four_processes_that_check_together_conclude_what_one_does(
    bench: Bench, serve: Callable[..., Mock], postgresql: Server
) -> None:
    serve(200, "--latency-ms", "5")
    name = postgresql.new_database().name
    running = [bench.start("check", "suite.yaml", "--json", "-", "-q", store=name) for _ in range(4)]
    boards = [json.loads(process.communicate(timeout=240)[0]) for process in running]
    alone = bench.board("alone.db")
    assert [timeless(board) for board in boards] == [alone] * 4


def test_two_processes_on_one_store_ask_each_case_once(
    bench: Bench, serve: Callable[..., Mock], database: Database
) -> None:
    mock = serve(1200, "--latency-ms", "20")
    arguments = ("run", "suite.yaml", "--variant", "full", "--json", "-")
    both = [bench.start(*arguments, store=database.name) for _ in range(2)]
    summaries = [json.loads(process.communicate(timeout=120)[0]) for process in both]
    assert mock.stats()["requests"] == 1200
    assert sum(summary["requests"] for summary in summaries) == 1200
    assert summaries[0]["scores"] == summaries[1]["scores"]


def test_shards_with_stores_of_their_own_are_brought_together_and_nothing_is_asked_again(
    bench: Bench, serve: Callable[..., Mock]
) -> None:
    mock = serve(300)
    for part in 1, 2, 3:
        assert bench.scores("--shard", f"{part}/3", store=f"{part}.db")["cases"] == 100
    assert bench.run("merge", "1.db", "2.db", "3.db", store="all.db").returncode == 0
    summary = bench.scores(store="all.db")
    assert (summary["cases"], summary["requests"], mock.stats()["requests"]) == (300, 0, 300)


def test_interrupted_it_waits_for_what_is_under_way_and_tells_the_command_that_goes_on(
    bench: Bench, serve: Callable[..., Mock]
) -> None:
    mock = serve(2000, "--latency-ms", "50")
    with bench.start("run", "suite.yaml", "--variant", "full", "--refresh") as process:
        wait_until(lambda: mock.stats()["ok_unique"] > 300)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "the answers that are under way are waited for" in err
    command = err.strip().splitlines()[-1].split()
    assert command[:5] == ["evalgate", "run", "suite.yaml", "--variant", "full"]
    assert command[5].startswith("--since=20")
    assert command[6:] == ["--store", "e.db"]
    assert mock.stats()["ok_unique"] == mock.stats()["requests"] < 2000  # what was sent has been waited for
    assert bench.run(*command[1:6]).returncode == 0
    assert mock.stats()["requests"] == 2000


def test_a_postgresql_that_restarts_in_the_middle_costs_nothing(
    bench: Bench, serve: Callable[..., Mock], postgresql: Server
) -> None:
    mock, database = serve(1500, "--latency-ms", "10"), postgresql.new_database()
    with bench.start("run", "suite.yaml", "--variant", "full", "--json", "-", store=database.name) as process:
        wait_until(lambda: mock.stats()["ok_unique"] > 300)
        postgresql.stop()
        time.sleep(1)
        postgresql.start()
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert (json.loads(out)["cases"], mock.stats()["requests"]) == (1500, 1500)


def test_the_command_that_goes_on_does_not_tell_the_password_of_the_store(
    bench: Bench, serve: Callable[..., Mock], postgresql: Server
) -> None:
    serve(3)
    database = postgresql.new_database().name
    assert PASSWORD in database
    done = bench.run("run", "suite.yaml", "--variant", "full", "--refresh", store=database)
    assert done.returncode == 0, done.stderr
    assert "--since=20" in done.stderr
    assert PASSWORD not in done.stdout + done.stderr


def test_a_full_disk_ends_the_run_and_it_goes_on_when_there_is_room(
    bench: Bench, serve: Callable[..., Mock], tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700k", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("a disk can only be made small by root")
    try:
        mock = serve(2000, "--latency-ms", "5")
        done = bench.run("run", "suite.yaml", "--variant", "full", store="disk/e.db")
        assert done.returncode == 4
        assert "store disk/e.db: cannot be written" in done.stderr
        assert "full" in done.stderr
        asked = mock.stats()["requests"]
        assert 64 < asked < 2000
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        assert bench.scores(store="disk/e.db")["exit"] == 0
        assert mock.stats()["requests"] <= 2000 + 64
    finally:
        subprocess.run(["umount", str(disk)], check=False)


def test_the_key_is_nowhere(bench: Bench, serve: Callable[..., Mock]) -> None:
    mock = serve(300, "--latency-ms", "100", "--p500", ".1")
    with bench.start("run", "suite.yaml", "--variant", "full", "--out", "scores.jsonl") as process:
        wait_until(lambda: mock.stats()["ok_unique"] > 30)
        listing = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
        assert "evalgate" in listing
        out, err = process.communicate(timeout=120)
    bench.run("check", "suite.yaml", "--report", "report.html", "--publish", "signal.json", "--json", "board.json")
    written = [path for path in bench.folder.rglob("*") if path.is_file()]
    assert {path.name for path in written} >= {"e.db", "scores.jsonl", "report.html", "signal.json", "board.json"}
    for text in listing, out, err, *(path.read_bytes().decode(errors="replace") for path in written):
        assert KEY not in text
