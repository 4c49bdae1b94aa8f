"""Answers that are none can be bought anew, and only those."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from evalgate.catalog import Endpoint
from evalgate.collect import Batching, Budget, Collector
from evalgate.exchange import Answer
from evalgate.store import Store
from tests.collect.batching import QUICK
from tests.collect.conftest import collect
from tests.conftest import Asked, Loopback, Sent, completion, failure, questions
from tests.providers.batch_server import Asked as InBatch
from tests.providers.batch_server import BatchServer, Lines, Outcome, Status

FILTERED = Sent(json.dumps({"choices": [{"text": "", "finish_reason": "content_filter"}]}).encode())


@pytest.fixture
def batch_server() -> Iterator[BatchServer]:
    server = BatchServer()
    yield server
    server.stop()


def again(store: Store, endpoint: Endpoint, times: int = 1) -> list[list[Answer]]:
    """Ask all five in one collection that retries what failed, so many times."""

    async def ask() -> list[list[Answer]]:
        async with Collector(store, {}, now=lambda: 5000.0, retry_failed=True) as collector:
            return [await collector.ask(endpoint, questions(5)) for _ in range(times)]

    return asyncio.run(ask())


@pytest.mark.parametrize("none", [failure(400, "unsafe"), FILTERED])
def test_what_is_no_answer_is_asked_again_and_what_is_one_is_not(
    server: Loopback, store: Store, tmp_path: Path, none: Sent
) -> None:
    def behave(asked: Asked) -> Sent:
        return none if asked.prompt in ("q1", "q3") and asked.nth == 1 else completion(asked.prompt)

    server.behave = behave
    endpoint = server.endpoint(tmp_path)
    first = collect(store, endpoint, questions(5))
    assert [answer.failed for answer in first.answers] == [False, True, False, True, False]
    assert collect(store, endpoint, questions(5)).requests == 0
    (answers,) = again(store, endpoint)
    assert [answer.text for answer in answers] == [f"q{n}" for n in range(5)]
    assert sorted(asked.prompt for asked in server.asked[5:]) == ["q1", "q3"]
    assert collect(store, endpoint, questions(5)).texts == [f"q{n}" for n in range(5)]


def test_what_is_turned_down_again_is_kept_and_asked_once_only(server: Loopback, store: Store, tmp_path: Path) -> None:
    server.behave = lambda asked: failure(400, f"no {asked.nth}") if asked.prompt == "q1" else completion("x")
    endpoint = server.endpoint(tmp_path)
    collect(store, endpoint, questions(5))
    for answers in again(store, endpoint, times=2):
        assert answers[1].error == "HTTP 400: no 2"
    assert len(server.asked) == 6


def test_in_a_batch_only_what_was_turned_down_is_handed_in_again(
    batch_server: BatchServer, store: Store, tmp_path: Path
) -> None:
    def behave(asked: InBatch) -> Outcome:
        return Status(400, "unsafe") if asked.prompt == "q1" and asked.nth == 1 else f"answer to {asked.prompt}"

    batch_server.behave = behave
    endpoint = batch_server.endpoint(tmp_path)

    async def ask(now: float, retry_failed: bool) -> list[Answer]:
        batching = Batching(polling=QUICK)
        async with Collector(store, {}, now=lambda: now, batching=batching, retry_failed=retry_failed) as collector:
            return await collector.ask(endpoint, questions(3))

    assert [answer.kind for answer in asyncio.run(ask(1000.0, False))] == ["text", "refused", "text"]
    assert [answer.text for answer in asyncio.run(ask(2000.0, True))] == [f"answer to q{n}" for n in range(3)]
    assert [len(batch.requests) for batch in batch_server.batches.values()] == [3, 1]


def test_a_batch_that_was_not_counted_is_not_free(batch_server: BatchServer, store: Store, tmp_path: Path) -> None:
    def behave(asked: InBatch) -> Outcome:
        content = {"choices": [{"text": "x" * 40}]}
        row = {"custom_id": asked.custom_id, "response": {"status_code": 200, "body": content}}
        return Lines((json.dumps(row).encode(),))

    batch_server.behave = behave
    budget = Budget()

    async def ask() -> list[Answer]:
        async with Collector(store, {}, now=lambda: 1000.0, batching=Batching(polling=QUICK)) as collector:
            return await collector.ask(batch_server.endpoint(tmp_path), questions(3), budget=budget)

    assert [answer.output_tokens for answer in asyncio.run(ask())] == [None] * 3
    assert budget.spent == 3 * (1 + 2 * 10) * Decimal("0.5") / 1_000_000  # 1 token in at 1 USD, 10 out at 2, at half
