"""Processes that die in the middle, and several that share the work: nothing is lost, and nothing is bought twice."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalgate.store import jobs
from tests.gateway.batches.conftest import (
    CHEAP,
    QUICK,
    Database,
    World,
    catalogue,
    ended,
    eventually,
    jsonl,
    line,
    rows,
    running,
    submit,
)
from tests.providers.batch_server import Fault
from tests.router.house import signal_of

HERE = Path(__file__).parents[3]
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@contextlib.contextmanager
def worker(world: World, database: Database) -> Iterator[subprocess.Popen[str]]:
    """Another process at work; it is killed in the end."""
    signal = world.folder / "signal.json"
    signal.write_bytes(signal_of(world.catalog, CHEAP).encode())
    command = [sys.executable, "-m", "tests.gateway.batches.process", database.name]
    command += [str(world.folder / "catalog.yaml"), str(signal), str(world.now())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "works\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def without_batch_api(world: World) -> None:
    world.catalog = catalogue(world.folder, f"http://127.0.0.1:{world.server.port}/v1", discount=False)


def test_calls_that_were_under_way_when_a_process_died_are_all_that_is_asked_twice(
    on_both: World, database: Database
) -> None:
    world = on_both
    without_batch_api(world)
    world.server.takes = 0.1
    with running(world, working=False) as gateway, worker(world, database):
        client = gateway.client()
        batch = submit(client, jsonl(*(line(n) for n in range(20))))
        eventually(lambda: world.server.paid.total() >= 6)
    with running(world) as gateway:
        client = gateway.client()
        done = ended(client, batch.id)
        assert (done.status, set(rows(client, done.output_file_id))) == ("completed", {f"c{n}" for n in range(20)})
    assert 20 <= world.server.paid.total() <= 20 + QUICK.concurrency
    assert max(world.server.paid.values()) <= 2


@ON_SQLITE
def test_a_batch_that_was_being_handed_in_when_a_process_died_is_found_again(
    on_both: World, database: Database
) -> None:
    world = on_both
    world.server.fault = lambda call: Fault(wait=30) if (call.kind, call.method) == ("batches", "POST") else None
    with running(world, working=False) as gateway, worker(world, database):
        batch = submit(gateway.client(), jsonl(*(line(n) for n in range(5))))
        eventually(lambda: world.server.sizes)
    world.server.fault = lambda call: None
    with running(world) as gateway:
        client = gateway.client()
        done = ended(client, batch.id)
        assert (done.status, len(rows(client, done.output_file_id))) == ("completed", 5)
    assert (world.server.sizes, set(world.server.paid.values())) == ([5], {1})


@ON_POSTGRESQL
def test_a_batch_of_a_process_that_died_is_fetched_by_another(on_both: World, database: Database) -> None:
    world = on_both
    world.server.held = True
    with running(world, working=False) as gateway, worker(world, database):
        batch = submit(gateway.client(), jsonl(*(line(n) for n in range(5))))
        eventually(lambda: world.server.count("batch", "GET") > 1)
    world.server.release()
    with running(world) as gateway:
        client = gateway.client()
        done = ended(client, batch.id)
        assert (done.status, len(rows(client, done.output_file_id))) == ("completed", 5)
    assert (world.server.sizes, set(world.server.paid.values())) == ([5], {1})


def test_two_processes_share_the_work_and_buy_nothing_twice(on_both: World, database: Database) -> None:
    world = on_both
    without_batch_api(world)
    world.server.takes = 0.02
    with worker(world, database), running(world) as gateway:
        client = gateway.client()
        batches = [submit(client, jsonl(*(line(10 * b + n) for n in range(10)))) for b in range(4)]
        done = [ended(client, batch.id) for batch in batches]
    assert [(it.status, it.request_counts and it.request_counts.completed) for it in done] == [("completed", 10)] * 4
    assert (len(world.server.paid), set(world.server.paid.values())) == (40, {1})


def test_a_process_that_died_while_it_read_a_file_leaves_no_trace(world: World) -> None:
    with running(world, working=False) as gateway:
        batch = submit(gateway.client(), jsonl(*(line(n) for n in range(5))))
    claimed = jobs.claim(world.store, "somebody who is no more", world.now())
    assert claimed is not None
    assert claimed.job == batch.id
    with running(world) as gateway:
        assert ended(gateway.client(), batch.id).status == "completed"
