"""Asked to stop, a collection asks nothing new, waits for what is under way, and keeps it."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from evalgate.catalog import Endpoint
from evalgate.collect import Budget, BudgetSpentError, Collector, Stop
from evalgate.errors import Interrupted, ProviderError
from evalgate.exchange import Answer
from evalgate.store import Claims, Store, answer_key
from tests.collect.conftest import collect, kept
from tests.conftest import Asked, Loopback, Sent, catalog, completion, failure, questions


def test_what_is_under_way_is_waited_for_and_kept(server: Loopback, store: Store, tmp_path: Path) -> None:
    server.behave = lambda asked: replace(completion(asked.prompt), after=0.3)
    endpoint = server.endpoint(tmp_path, concurrency=16)
    told: list[Answer] = []

    async def ask() -> None:
        stop = Stop()
        async with Collector(store, {}, now=lambda: 1.0, stop=stop) as collector:
            asking = asyncio.create_task(
                collector.ask(endpoint, questions(50), lambda answer, known: told.append(answer))
            )
            while not server.asked:
                await asyncio.sleep(0.01)
            stop.request()
            with pytest.raises(Interrupted):
                await asking

    asyncio.run(ask())
    assert 0 < len(server.asked) < 50
    assert len(told) == len(server.asked) == len(kept(store, endpoint, questions(50)))


def stopped_while_it_waits(server: Loopback, store: Store, endpoint: Endpoint) -> None:
    """Ask five questions, and ask it to stop when the first has been sent and there is nothing to do but wait."""

    async def ask() -> None:
        stop = Stop()
        async with Collector(store, {}, now=lambda: 1.0, stop=stop) as collector:
            asking = asyncio.create_task(collector.ask(endpoint, questions(5)))
            while not server.asked:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
            stop.request()
            with pytest.raises(Interrupted):
                await asking

    began = time.monotonic()
    asyncio.run(ask())
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("limits", [{"requests_per_minute": 1}, {"tokens_per_minute": 300}])
def test_whoever_waits_for_the_next_minute_is_woken(
    server: Loopback, store: Store, tmp_path: Path, limits: dict[str, int]
) -> None:
    stopped_while_it_waits(server, store, server.endpoint(tmp_path, **limits))
    assert len(server.asked) == 1


def test_whoever_waits_to_try_again_is_woken(server: Loopback, store: Store, tmp_path: Path) -> None:
    server.behave = lambda asked: failure(429, retry_after_ms="60000")
    stopped_while_it_waits(server, store, server.endpoint(tmp_path, concurrency=1))
    assert len(server.asked) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_whoever_waits_for_a_connection_or_a_provider_that_never_answered_is_woken(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setattr("evalgate.collect.line.LAST_CALLS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/v1"
        endpoint = catalog(tmp_path, base_url=url, connect_timeout=50).endpoints("toy")["full"]

        async def ask() -> None:
            stop = Stop()
            async with Collector(store, {}, now=lambda: 1.0, stop=stop) as collector:
                asking = asyncio.create_task(collector.ask(endpoint, questions(5)))
                await asyncio.sleep(0.3)
                stop.request()
                with pytest.raises(Interrupted):
                    await asking

        began = time.monotonic()
        asyncio.run(ask())
        assert time.monotonic() - began < 10


def test_whoever_is_answering_already_is_waited_for(
    server: Loopback, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evalgate.collect.line.LAST_CALLS", 0.1)
    body = completion("slowly").body
    server.behave = lambda asked: Sent(b"", pieces=(body[:9], 1.0, body[9:]))
    endpoint = server.endpoint(tmp_path)

    async def ask() -> None:
        stop = Stop()
        async with Collector(store, {}, now=lambda: 1.0, stop=stop) as collector:
            asking = asyncio.create_task(collector.ask(endpoint, questions(5)))
            await asyncio.sleep(0.5)
            stop.request()
            with pytest.raises(Interrupted):
                await asking

    asyncio.run(ask())
    assert len(kept(store, endpoint, questions(5))) == len(server.asked)


def test_what_makes_it_pointless_to_go_on_wakes_whoever_waits(server: Loopback, store: Store, tmp_path: Path) -> None:
    def behave(asked: Asked) -> Sent:
        return failure(401) if asked.prompt == "q1" else failure(429, retry_after_ms="60000")

    server.behave = behave
    endpoint, began = server.endpoint(tmp_path, concurrency=8), time.monotonic()
    with pytest.raises(ProviderError, match="rejects the key"):
        collect(store, endpoint, questions(2))
    assert time.monotonic() - began < 30
    assert len(server.asked) == 2


def test_a_failure_ends_the_waiting_for_what_another_process_is_buying(
    server: Loopback, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path)
    theirs, ours = questions(2)
    other = Claims(store)
    other.take([answer_key(theirs.request.hash, endpoint.config, 0)], since=0)
    began = time.monotonic()
    with pytest.raises(BudgetSpentError):
        collect(store, endpoint, [theirs, ours], budget=Budget(calls=0))
    assert time.monotonic() - began < 30
