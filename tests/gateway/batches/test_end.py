"""How a batch ends before it is done, and how long what is left of it is kept."""

from __future__ import annotations

import subprocess
import sys

import openai
import pytest

from evalgate.gateway.caller import Caller
from evalgate.store import files
from tests.gateway.batches.conftest import (
    OVER,
    Keys,
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

DAY = 86_400.0


@pytest.fixture
def one_by_one(world: World) -> World:
    world.catalog = catalogue(world.folder, f"http://127.0.0.1:{world.server.port}/v1", discount=False)
    return world


def test_a_cancelled_batch_keeps_what_is_done_and_asks_no_more(one_by_one: World) -> None:
    world = one_by_one
    world.server.takes = 0.05
    with running(world) as gateway:
        client = gateway.client()
        batch = submit(client, jsonl(*(line(n) for n in range(40))))
        eventually(lambda: world.server.paid.total() >= 4)
        assert client.batches.cancel(batch.id).status == "cancelling"
        done = ended(client, batch.id)
        good, bad = rows(client, done.output_file_id), rows(client, done.error_file_id)
    assert done.status == "cancelled"
    assert done.cancelled_at is not None
    assert len(good) == world.server.paid.total() < 40
    assert len(good) + len(bad) == 40
    assert {row["error"]["code"] for row in bad.values()} == {"batch_cancelled"}
    assert len(world.keys.booked) == len(good)


def test_a_cancelled_batch_is_cancelled_at_the_provider_too(world: World) -> None:
    world.server.held = True
    with running(world) as gateway:
        client = gateway.client()
        batch = submit(client, jsonl(line(0)))
        eventually(lambda: world.server.sizes)
        client.batches.cancel(batch.id)
        done = ended(client, batch.id)
        assert client.batches.cancel(batch.id).status == "cancelled"
    assert (done.status, world.server.count("cancel"), world.server.paid.total()) == ("cancelled", 1, 0)


def test_a_batch_that_is_over_cannot_be_cancelled(world: World) -> None:
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(line(0))).id)
        with pytest.raises(openai.ConflictError, match="completed"):
            client.batches.cancel(batch.id)


def test_a_batch_that_is_cancelled_before_it_is_read_has_nothing(world: World) -> None:
    with running(world, working=False) as gateway:
        client = gateway.client()
        batch = submit(client, jsonl(line(0)))
        client.batches.cancel(batch.id)
    with running(world) as gateway:
        done = ended(gateway.client(), batch.id)
    assert (done.status, done.output_file_id, world.server.sizes) == ("cancelled", None, [])


def test_what_was_not_reached_in_time_has_expired(one_by_one: World) -> None:
    world = one_by_one
    world.live = 1  # no spare capacity
    with running(world) as gateway:
        client = gateway.client()
        batch = submit(client, jsonl(line(0), line(1)))
        eventually(lambda: client.batches.retrieve(batch.id).status == "in_progress")
        world.ahead = DAY + 1
        done = ended(client, batch.id)
        bad = rows(client, done.error_file_id)
    assert (done.status, done.output_file_id, world.server.live) == ("expired", None, [])
    assert {row["error"]["code"] for row in bad.values()} == {"batch_expired"}
    assert done.expired_at is not None


def test_live_calls_have_the_right_of_way(one_by_one: World) -> None:
    world = one_by_one
    world.live = 1
    with running(world) as gateway:
        client = gateway.client()
        batch = submit(client, jsonl(line(0)))
        eventually(lambda: client.batches.retrieve(batch.id).status == "in_progress")
        assert client.batches.retrieve(batch.id).status not in OVER
        assert world.server.live == []
        world.live = 0
        assert ended(client, batch.id).status == "completed"


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_stopped_gateway_waits_for_its_calls_and_the_next_one_goes_on(one_by_one: World, cancelled: bool) -> None:
    world = one_by_one
    world.server.takes = 0.05
    with running(world) as gateway:
        client = gateway.client()
        batch = submit(client, jsonl(*(line(n) for n in range(20))))
        eventually(lambda: world.server.paid.total() >= 4)
        gateway.stop(cancelled=cancelled)
    assert world.server.paid.total() < 20
    with running(world) as gateway:
        done = ended(gateway.client(), batch.id)
    assert (done.status, set(world.server.paid.values())) == ("completed", {1})


def test_files_and_batches_go_when_their_time_is_over(on_both: World) -> None:
    world = on_both
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(line(0))).id)
        assert files.delete_expired(world.store, world.now() + 29 * DAY) == 0
        assert len(list(client.files.list())) == 2
        assert files.delete_expired(world.store, world.now() + 31 * DAY) == 3
        assert (list(client.files.list()), list(client.batches.list())) == ([], [])
    for table in ("files", "chunks", "jobs", "lines", "parcels"):
        left = f"SELECT count(*) FROM queue_{table}"
        assert world.store.read(lambda it, left=left: it.exec_driver_sql(left).scalar_one()) == 0
    assert batch.status == "completed"


def test_an_upload_that_was_cut_off_is_no_file_and_goes_after_a_day(world: World) -> None:
    begun = files.new_file("", "a", "batch", world.now(), world.now() + 30 * DAY)
    files.begin(world.store, begun)
    files.append(world.store, begun, 0, b"half")
    assert files.find(world.store, "", begun.id) is None
    assert files.delete_expired(world.store, world.now() + DAY / 2) == 0
    assert files.delete_expired(world.store, world.now() + 2 * DAY) == 1


def test_a_deleted_file_of_results_takes_only_its_own_lines_along(world: World) -> None:
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(line(0))).id)
        client.files.delete(batch.output_file_id or "")
        again = client.batches.retrieve(batch.id)
    assert again.request_counts == batch.request_counts


def test_one_broken_batch_does_not_stop_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = files.content

    def content(store: object, file: files.KeptFile) -> object:
        if file.bytes == 3:
            message = "a bug"
            raise RuntimeError(message)
        return real(store, file)  # type: ignore[arg-type]

    monkeypatch.setattr(files, "content", content)
    with running(world) as gateway:
        client = gateway.client()
        broken, good = submit(client, b"odd").id, submit(client, jsonl(line(0))).id
        assert (ended(client, broken).status, ended(client, good).status) == ("failed", "completed")


def test_the_command_lists_what_clients_still_wait_for(world: World) -> None:
    world.keys = Keys({"a": Caller("anna")})
    with running(world, working=False) as gateway:
        batch = submit(gateway.client("a"), jsonl(line(0)))
    command = [sys.executable, "-m", "evalgate", "batches", "--store", "store.db"]
    told = subprocess.run(command, cwd=world.folder, capture_output=True, text=True, check=True).stdout
    assert f"{batch.id}  of anna  validating  0 of 0 requests, 0 failed" in told
    assert "no batches" not in told
