"""What was handed in is paid: it is found again, whatever ended the collection, and is never handed in twice."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evalgate.collect import Stop
from evalgate.errors import Interrupted, ProviderError
from evalgate.store import Store, batches
from tests.collect.batching import BOTH, Batched, collect, collecting, hasty, server, texts, until
from tests.providers.batch_server import BatchServer, Call, Fault, chats

__all__ = ["hasty", "server"]  # fixtures
RUN = """
import asyncio, sys
from evalgate.catalog import load_catalog
from evalgate.store import open_store
from tests.collect.batching import BOTH, hasty, server, Batched, collecting
from tests.providers.batch_server import chats

endpoint = load_catalog(sys.argv[1]).endpoints("toy")["full"]
with open_store(sys.argv[2]) as store:
    asyncio.run(collecting(store, endpoint, chats(int(sys.argv[3])), Batched()))
"""


def killed(store: Store, tmp_path: Path, count: int, when: Callable[[], object]) -> None:
    """Let another process ask `count` questions, and kill it as soon as `when` says so."""
    command = [sys.executable, "-c", RUN, str(tmp_path / "catalog.yaml"), store.name, str(count)]
    with subprocess.Popen(command) as process:
        until(when)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


@BOTH
def test_a_collection_that_is_killed_while_it_waits_is_gone_on_with(
    server: BatchServer, store: Store, tmp_path: Path, protocol: str
) -> None:
    endpoint, server.held = server.endpoint(tmp_path, protocol), True
    killed(store, tmp_path, 20, lambda: server.count("batch", "GET"))
    server.release()
    batched = collect(store, endpoint, chats(20))
    assert batched.texts == texts(20)
    assert sorted(batched.told) == sorted((text, True) for text in texts(20))
    assert server.sizes == [20]
    assert batches.open_batches(store) == []


def test_a_batch_that_was_taken_but_not_heard_of_is_found_by_its_token(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path)
    server.fault = lambda call: Fault(wait=60) if call.kind == "batches" else None
    server.foreign(250)
    killed(store, tmp_path, 20, lambda: server.sizes[-1:] == [20])
    assert [batch.token is not None for batch in batches.open_batches(store)] == [True]
    server.foreign(250)  # so that ours is on a later page
    server.fault = lambda call: None
    assert collect(store, endpoint, chats(20)).texts == texts(20)
    assert [size for size in server.sizes if size] == [20]
    assert server.count("list", "GET") == 3


def test_where_no_token_goes_along_the_loss_is_told_and_all_is_asked_again(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path, "anthropic")
    server.fault = lambda call: Fault(wait=60) if call.kind == "batches" else None
    killed(store, tmp_path, 20, lambda: server.sizes == [20])
    server.fault = lambda call: None
    batched = collect(store, endpoint, chats(20))
    assert batched.texts == texts(20)
    (notice,) = batched.notices
    assert "a batch of 20 questions was being handed in to 'here' when that ended" in notice
    assert server.sizes == [20, 20]
    assert collect(store, endpoint, chats(20)).notices == []


@BOTH
def test_a_collection_that_is_killed_before_anything_was_taken_is_begun_again(
    server: BatchServer, store: Store, tmp_path: Path, protocol: str
) -> None:
    endpoint = server.endpoint(tmp_path, protocol)
    kind = "files" if protocol == "openai" else "batches"
    server.fault = lambda call: Fault(status=503) if call.kind == kind else None
    killed(store, tmp_path, 5, lambda: server.count(kind))
    server.fault = lambda call: None
    assert collect(store, endpoint, chats(5)).texts == texts(5)
    assert server.sizes == [5]


def test_a_lost_response_is_no_reason_to_hand_in_twice(server: BatchServer, store: Store, tmp_path: Path) -> None:
    server.fault = lambda call: Fault(lost=True) if call.kind == "batches" else None
    assert collect(store, server.endpoint(tmp_path), chats(5)).texts == texts(5)
    assert server.sizes == [5]


def test_where_nobody_can_tell_whether_it_was_taken_the_run_ends_and_says_so(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path, "anthropic")
    server.fault = lambda call: Fault(lost=True) if call.kind == "batches" else None
    with pytest.raises(ProviderError, match="did not say whether it took a batch of 5 questions: connection broke"):
        collect(store, endpoint, chats(5))
    server.fault = lambda call: None
    batched = collect(store, endpoint, chats(5))
    assert batched.texts == texts(5)
    assert len(batched.notices) == 1


@pytest.mark.parametrize("status", [404, 405])
def test_a_server_without_a_list_of_batches_is_as_one_without_tokens(
    server: BatchServer, store: Store, tmp_path: Path, status: int
) -> None:
    endpoint = server.endpoint(tmp_path)
    faults = {"batches": Fault(lost=True), "list": Fault(status=status)}
    server.fault = lambda call: faults.get(call.kind)
    with pytest.raises(ProviderError, match="did not say whether it took a batch of 5 questions: connection broke"):
        collect(store, endpoint, chats(5))
    del faults["batches"]
    batched = collect(store, endpoint, chats(5))
    assert batched.texts == texts(5)
    assert len(batched.notices) == 1


@BOTH
def test_an_interrupted_collection_leaves_the_batch_running(
    server: BatchServer, store: Store, tmp_path: Path, protocol: str
) -> None:
    endpoint, server.held = server.endpoint(tmp_path, protocol), True

    async def main() -> None:
        stop = Stop()
        asking = asyncio.create_task(collecting(store, endpoint, chats(5), Batched(), stop))
        while not server.count("batch", "GET"):
            await asyncio.sleep(0.01)
        stop.request()
        with pytest.raises(Interrupted):
            await asking

    asyncio.run(main())
    assert server.count("cancel") == 0
    server.release()
    assert collect(store, endpoint, chats(5)).texts == texts(5)
    assert server.sizes == [5]


@pytest.mark.parametrize("kind", ["files", "batches", "batch", "content"])
def test_a_collection_may_be_cancelled_at_any_moment(
    server: BatchServer, store: Store, tmp_path: Path, kind: str
) -> None:
    endpoint = server.endpoint(tmp_path)
    server.fault = lambda call: Fault(wait=1) if call.kind == kind else None

    async def main() -> None:
        asking = asyncio.create_task(collecting(store, endpoint, chats(5), Batched()))
        while not any(call.kind == kind for call in server.calls):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(main())
    server.fault = lambda call: None
    assert collect(store, endpoint, chats(5)).texts == texts(5)
    assert server.sizes == [5]


def test_a_collection_that_is_killed_while_it_downloads_loses_and_repeats_nothing(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path)
    kept = sqlite3.connect(store.name)
    server.fault = lambda call: Fault(only=600_000, wait=0) if call.kind == "content" else None
    count = "SELECT count(*) FROM answers"
    killed(store, tmp_path, 3000, lambda: kept.execute(count).fetchone()[0] >= 1000)
    server.fault = lambda call: None
    batched = collect(store, endpoint, chats(3000))
    assert batched.texts == texts(3000)
    assert server.sizes == [3000]
    assert kept.execute(count).fetchone() == (3000,)


def test_a_batch_that_appears_late_in_the_list_is_not_handed_in_twice(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    def fault(call: Call) -> Fault | None:
        server.unlisted = call.kind == "list" and call.nth == 1
        return Fault(lost=True) if call.kind == "batches" else None

    server.fault = fault
    assert collect(store, server.endpoint(tmp_path), chats(5)).texts == texts(5)
    assert server.sizes == [5]
    assert server.count("list", "GET") == 2
