"""Answers that are none can be bought anew, and only those."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from evalgate.catalog import Endpoint
from evalgate.collect import Collector
from evalgate.exchange import Answer
from evalgate.store import Store
from tests.collect.conftest import collect
from tests.conftest import Asked, Loopback, Sent, completion, failure, questions

FILTERED = Sent(json.dumps({"choices": [{"text": "", "finish_reason": "content_filter"}]}).encode())


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
