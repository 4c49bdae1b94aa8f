"""Batches that others left open, or have open at this moment, on the same store."""

from __future__ import annotations

import asyncio
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest

from evalgate.collect import Stop, batch_line
from evalgate.collect.batching import collect_batch
from evalgate.collect.share import Workbench
from evalgate.errors import ProviderError
from evalgate.exchange import Answer
from evalgate.providers import connect_batch
from evalgate.store import Bought, Claims, Store, batches, open_store
from evalgate.store.batches import Item
from tests.collect.batching import BOTH, QUICK, cancel, collect, hand_in, hasty, keyed, server, texts, until
from tests.conftest import catalog, variant
from tests.providers.batch_server import BatchServer, Call, Fault, Not, chats

__all__ = ["hasty", "server"]  # fixtures


def test_answers_that_nobody_asks_for_now_are_kept_as_well(server: BatchServer, store: Store, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path)
    hand_in(server, store, endpoint, 20)
    server.release()
    server.looks = 0
    assert collect(store, endpoint, chats(2, first=18)).texts == texts(20)[18:]
    assert len(store.find([key for key, _ in keyed(endpoint, chats(20))])) == 20
    assert server.sizes == [20]


def test_a_finished_batch_is_fetched_also_when_there_is_nothing_to_ask(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path)
    hand_in(server, store, endpoint, 5)
    server.release()
    server.looks = 0
    assert collect(store, endpoint, []).texts == []
    assert len(store.find([key for key, _ in keyed(endpoint, chats(5))])) == 5
    assert batches.open_batches(store) == []


def test_a_finished_batch_with_none_of_the_questions_is_fetched_and_an_unfinished_one_not_waited_for(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path)
    hand_in(server, store, endpoint, 5)
    server.fault = lambda call: release(server, call)  # type: ignore[func-returns-value]
    assert collect(store, endpoint, chats(2, first=100)).texts == ["answer to q100", "answer to q101"]
    assert len(batches.open_batches(store)) == 1
    collect(store, endpoint, chats(1, first=200))
    assert batches.open_batches(store) == []
    assert len(store.find([key for key, _ in keyed(endpoint, chats(5))])) == 5
    assert server.sizes == [5, 2, 1]


def release(server: BatchServer, call: Call) -> None:
    server.held = call.path.endswith("batch_0000") and server.sizes == [5, 2]


def test_what_expired_in_an_earlier_batch_is_asked_again(server: BatchServer, store: Store, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path)
    server.behave = lambda asked: Not("expired") if asked.prompt < "q5" and asked.nth == 1 else f"again {asked.prompt}"
    hand_in(server, store, endpoint, 10)
    server.release()
    assert collect(store, endpoint, chats(10), resubmissions=0).texts == [f"again q{n}" for n in range(10)]
    assert server.sizes == [10, 5]


@BOTH
def test_two_collections_at_once_buy_everything_once(
    server: BatchServer, store: Store, tmp_path: Path, protocol: str
) -> None:
    endpoint, found = server.endpoint(tmp_path, protocol), {}
    server.looks = 5

    def run(first: int) -> None:
        with open_store(store.name) as own:
            found[first] = collect(own, endpoint, chats(40, first=first)).texts

    threads = [threading.Thread(target=run, args=(first,)) for first in (0, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {first: [f"answer to q{n}" for n in range(first, first + 40)] for first in (0, 20)}
    assert set(server.paid.values()) == {1}
    assert sum(server.sizes) == 60


def test_what_another_process_is_asking_on_its_own_is_waited_for(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path)
    (key, question), *_ = keyed(endpoint, chats(3))
    other = Claims(store)
    other.take([key], since=0.0)

    def answer() -> None:
        answer = Answer("theirs", "stop", answered_at=time.time())
        store.add([Bought(question.request.hash, endpoint.config, 0, "full", Decimal(0), answer)])

    timer = threading.Timer(0.5, answer)
    timer.start()
    batched = collect(store, endpoint, chats(3))
    timer.join()
    assert batched.texts == ["theirs", "answer to q1", "answer to q2"]
    assert ("theirs", True) in batched.told
    assert server.sizes == [2]


@BOTH
def test_a_cancelled_batch_ends_the_run_that_waits_for_it_and_what_was_answered_is_kept(
    server: BatchServer, store: Store, tmp_path: Path, protocol: str
) -> None:
    endpoint, server.held = server.endpoint(tmp_path, protocol), True
    failures: list[BaseException] = []

    def run() -> None:
        with open_store(store.name) as own:
            try:
                collect(own, endpoint, chats(5))
            except ProviderError as failure:
                failures.append(failure)

    waiting = threading.Thread(target=run)
    waiting.start()
    until(lambda: server.count("batch", "GET") > 2)
    assert cancel(store, endpoint) == list(server.batches)
    waiting.join()
    (failure,) = failures
    assert "was cancelled before all of it was answered; what was answered is kept" in str(failure)
    assert batches.open_batches(store) == []
    server.release()
    assert collect(store, endpoint, chats(5)).texts == texts(5)
    assert server.sizes == [5, 5]


def test_a_batch_that_was_cancelled_before_is_asked_again(server: BatchServer, store: Store, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path)
    hand_in(server, store, endpoint, 5)
    cancel(store, endpoint)
    server.release()
    assert collect(store, endpoint, chats(5)).texts == texts(5)
    assert server.sizes == [5, 5]
    assert cancel(store, endpoint) == []


def test_cancelling_a_batch_that_is_done_does_no_harm(server: BatchServer, store: Store, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path)
    hand_in(server, store, endpoint, 5)
    server.release()
    server.looks = 0
    assert cancel(store, endpoint) == list(server.batches)
    assert server.count("cancel") == 0
    assert collect(store, endpoint, chats(5)).texts == texts(5)
    assert server.sizes == [5]


def test_a_batch_that_the_provider_does_not_know_is_not_given_up_silently(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path)
    hand_in(server, store, endpoint, 5)
    server.release()
    gone = server.batches.pop("batch_0000")
    for _ in range(2):
        with pytest.raises(ProviderError, match="'here' does not know batch batch_0000, which was handed in to it"):
            collect(store, endpoint, chats(5))
    unconcerned = collect(store, endpoint, chats(1, first=50))
    assert unconcerned.texts == ["answer to q50"]
    assert "does not know batch batch_0000" in unconcerned.notices[0]
    server.batches[gone.id] = gone  # it was the wrong key
    assert collect(store, endpoint, chats(5)).texts == texts(5)
    assert sum(server.sizes) == 6


def test_a_batch_that_is_gone_after_29_days_is_asked_again(server: BatchServer, store: Store, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path)
    hand_in(server, store, endpoint, 5)
    server.release()
    del server.batches["batch_0000"]
    later = time.time() + batch_line.KEPT_SECONDS + 10
    batched = collect(store, endpoint, chats(5), now=lambda: later)
    assert batched.texts == texts(5)
    assert batched.notices == ["batch batch_0000 of provider 'here' is gone: nobody fetched it in 29 days"]


def test_a_batch_that_the_provider_does_not_know_is_given_up_by_cancelling_it(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path)
    hand_in(server, store, endpoint, 5)
    del server.batches["batch_0000"]
    assert cancel(store, endpoint) == ["batch_0000"]
    assert batches.open_batches(store) == []


def test_a_batch_that_vanishes_between_the_last_look_and_the_download_is_not_given_up(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path, retries=1)

    def fault(call: Call) -> Fault | None:
        return Fault(status=404) if call.kind == "batch" and call.nth > 2 else None

    server.fault = fault
    with pytest.raises(ProviderError, match="fails: batch batch_0000 is not there any more"):
        collect(store, endpoint, chats(5))
    server.fault = lambda call: None
    assert collect(store, endpoint, chats(5)).texts == texts(5)
    assert server.sizes == [5]


def test_a_batch_of_another_configuration_is_left_alone(server: BatchServer, store: Store, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path)
    hand_in(server, store, endpoint, 5)
    server.release()
    url = f"http://127.0.0.1:{server.port}/v1"
    other = catalog(tmp_path, variant(batch_discount=0.5, tag="other"), base_url=url).endpoints("toy")["full"]
    assert collect(store, other, chats(2)).texts == texts(2)
    assert [batch.config for batch in batches.open_batches(store)] == [endpoint.config]


def test_an_intent_of_a_living_process_is_nobody_elses_business(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path)
    other = Claims(store)
    other.take([], since=0.0)
    intent = batches.new_intent(other.worker, "here", endpoint.config, time.time())
    items = [Item(key, question.request.hash, 0) for key, question in keyed(endpoint, chats(2))]
    assert batches.intend(store, intent, items, since=0.0) == {item.key for item in items}
    still_there: list[bool] = []

    def leave() -> None:  # without having handed in anything
        still_there.append(intent in batches.open_batches(store))
        other.leave()

    timer = threading.Timer(0.5, leave)
    timer.start()
    assert collect(store, endpoint, chats(3)).texts == texts(3)
    timer.join()
    assert still_there == [True]
    assert server.sizes == [1, 2]


def test_two_operations_of_one_process_share_what_one_of_them_is_handing_in(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path)
    server.fault = lambda call: Fault(wait=0.3) if call.kind in ("files", "batches") and call.nth == 1 else None

    async def main() -> list[dict[str, Answer]]:
        bench, client = Workbench(store, Stop()), connect_batch(endpoint.provider, {})
        both = [
            asyncio.create_task(
                collect_batch(endpoint, keyed(endpoint, chats(5)), client, bench, now=time.time, polling=QUICK)
            )
            for _ in range(2)
        ]
        try:
            return await asyncio.gather(*both)
        finally:
            await bench.leave()
            await client.close()

    first, second = asyncio.run(main())
    assert first == second
    assert server.sizes == [5]


def test_a_batch_that_is_too_old_to_count_is_not_waited_for_and_makes_way_for_nothing(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path)
    server.behave = lambda asked: f"{asked.prompt} for the time {asked.nth}"
    hand_in(server, store, endpoint, 2, now=lambda: 1000.0)
    server.fault = lambda call: hold_the_first(server, call)  # type: ignore[func-returns-value]
    younger = [f"q{n} for the time 1" for n in range(2)]
    assert collect(store, endpoint, chats(2), now=lambda: 3000.0, since=2000.0).texts == younger
    assert [batch.name for batch in batches.open_batches(store)] == ["batch_0000"]
    server.fault = lambda call: None
    server.release()
    assert collect(store, endpoint, chats(2), now=lambda: 3000.0).texts == younger
    assert batches.open_batches(store) == []
    assert set(server.paid.values()) == {2}


def hold_the_first(server: BatchServer, call: Call) -> None:
    server.held = call.path.endswith("batch_0000")
