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
    QUICK,
    Database,
    Gateway,
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

HERE = Path(__file__).parents[3]


@contextlib.contextmanager
def worker(world: World, database: Database) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.gateway.batches.process", database.name, str(world.folder / "catalog.yaml")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "works\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def desk(on_both: World) -> Iterator[Gateway]:
    """A gateway that only takes batches: other processes work them off."""
    with running(on_both, working=False) as gateway:
        yield gateway


def test_calls_that_were_under_way_when_a_process_died_are_all_that_is_asked_twice(
    on_both: World, desk: Gateway, database: Database
) -> None:
    world, client = on_both, desk.client()
    world.catalog = catalogue(world.folder, f"http://127.0.0.1:{world.server.port}/v1", discount=False)
    world.server.takes = 0.1
    with worker(world, database):
        batch = submit(client, jsonl(*(line(n) for n in range(20))))
        eventually(lambda: world.server.paid.total() >= 6)
    with worker(world, database):
        done = ended(client, batch.id)
    assert (done.status, set(rows(client, done.output_file_id))) == ("completed", {f"c{n}" for n in range(20)})
    assert 20 <= world.server.paid.total() <= 20 + QUICK.concurrency
    assert max(world.server.paid.values()) <= 2


def test_a_batch_that_was_being_handed_in_when_a_process_died_is_found_again(
    on_both: World, desk: Gateway, database: Database
) -> None:
    world, client = on_both, desk.client()
    world.server.fault = lambda call: Fault(wait=30) if (call.kind, call.method) == ("batches", "POST") else None
    with worker(world, database):
        batch = submit(client, jsonl(*(line(n) for n in range(5))))
        eventually(lambda: world.server.sizes)
    world.server.fault = lambda call: None
    with worker(world, database):
        done = ended(client, batch.id)
    assert (done.status, len(rows(client, done.output_file_id))) == ("completed", 5)
    assert world.server.sizes == [5]
    assert set(world.server.paid.values()) == {1}


def test_a_batch_of_a_process_that_died_is_fetched_by_another(
    on_both: World, desk: Gateway, database: Database
) -> None:
    world, client = on_both, desk.client()
    world.server.held = True
    with worker(world, database):
        batch = submit(client, jsonl(*(line(n) for n in range(5))))
        eventually(lambda: world.server.count("batch", "GET") > 1)
    world.server.release()
    with worker(world, database):
        done = ended(client, batch.id)
    assert (done.status, len(rows(client, done.output_file_id))) == ("completed", 5)
    assert (world.server.sizes, set(world.server.paid.values())) == ([5], {1})


def test_two_processes_share_the_work_and_buy_nothing_twice(on_both: World, desk: Gateway, database: Database) -> None:
    world, client = on_both, desk.client()
    world.catalog = catalogue(world.folder, f"http://127.0.0.1:{world.server.port}/v1", discount=False)
    world.server.takes = 0.02
    with worker(world, database), worker(world, database):
        batches = [submit(client, jsonl(*(line(10 * b + n) for n in range(10)))) for b in range(4)]
        done = [ended(client, batch.id) for batch in batches]
    assert [(it.status, it.request_counts and it.request_counts.completed) for it in done] == [("completed", 10)] * 4
    assert set(world.server.paid.values()) == {1}
    assert len(world.server.paid) == 40


def test_a_process_that_died_while_it_read_a_file_leaves_no_trace(on_both: World, database: Database) -> None:
    with running(on_both, working=False) as gateway:
        client = gateway.client()
        batch = submit(client, jsonl(*(line(n) for n in range(5))))
    claimed = jobs.claim(on_both.store, "somebody who is no more", on_both.now())
    assert claimed is not None
    assert claimed.job == batch.id
    with running(on_both) as gateway:
        assert ended(gateway.client(), batch.id).status == "completed"
