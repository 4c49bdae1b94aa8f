"""Asks a real server through its batch API, as a collection of its own would."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from evalgate.catalog import Endpoint
from evalgate.collect import Stop
from evalgate.collect.batching import Polling, cancel_batches, collect_batch
from evalgate.collect.share import Workbench
from evalgate.errors import Interrupted
from evalgate.exchange import Answer, Question
from evalgate.providers import connect_batch
from evalgate.store import Store, answer_key, schema
from tests.providers.batch_server import BatchServer, chats

KEY = "sk-0123456789abcdefghij"
PRICE_OF_ONE = Decimal(7) / 1_000_000 / 2  # 3 tokens in at 1 USD per million, 2 out at 2; half of that in a batch
QUICK = Polling(0.002, 0.01)
BOTH = pytest.mark.parametrize("protocol", ["openai", "anthropic"])


@pytest.fixture
def server() -> Iterator[BatchServer]:
    server = BatchServer()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch appears in a provider's list at once, or not at all."""
    monkeypatch.setattr("evalgate.collect.batch_line.DOUBT_SECONDS", 0.02)


@dataclass
class Batched:
    """What one collection brought, and what it told on the way."""

    answers: list[Answer] = field(default_factory=list)
    told: list[tuple[str, bool]] = field(default_factory=list)  # text or error, and whether it was known
    notices: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    claims: int = 0  # that were left when it had ended

    @property
    def texts(self) -> list[str]:
        return [answer.text for answer in self.answers]


def keyed(endpoint: Endpoint, questions: Sequence[Question]) -> list[tuple[str, Question]]:
    return [(answer_key(it.request.hash, endpoint.config, it.repeat), it) for it in questions]


async def collecting(
    store: Store,
    endpoint: Endpoint,
    questions: Sequence[Question],
    into: Batched,
    stop: Stop | None = None,
    **more: Any,
) -> None:
    bench = Workbench(store, stop or Stop())
    client = connect_batch(endpoint.provider, {"KEY": KEY})
    items = keyed(endpoint, questions)
    more = {"now": time.time, "polling": QUICK} | more
    try:
        answers = await collect_batch(
            endpoint,
            items,
            client,
            bench,
            on_answer=lambda key, answer, known: into.told.append((answer.error or answer.text, known)),
            on_state=lambda batch, state: into.states.append(state.status),
            on_notice=into.notices.append,
            **more,
        )
        into.answers = [answers[key] for key, _ in items]
    finally:
        count = sa.select(sa.func.count()).select_from(schema.claims)
        into.claims = store.read(lambda connection: connection.scalar(count)) or 0
        await bench.leave()
        await client.close()


def collect(store: Store, endpoint: Endpoint, questions: Sequence[Question], **more: Any) -> Batched:
    """Ask `questions` in a collection of their own."""
    batched = Batched()
    asyncio.run(collecting(store, endpoint, questions, batched, **more))
    return batched


def cancel(store: Store, endpoint: Endpoint) -> list[str]:
    """Cancel what is open, as another process would."""

    async def main() -> list[str]:
        bench, client = Workbench(store, Stop()), connect_batch(endpoint.provider, {"KEY": KEY})
        try:
            return await cancel_batches(endpoint, client, bench)
        finally:
            await client.close()

    return asyncio.run(main())


def texts(count: int) -> list[str]:
    return [f"answer to q{n}" for n in range(count)]


def until(reached: Callable[[], object]) -> None:
    for _ in range(5000):
        if reached():
            return
        time.sleep(0.002)
    pytest.fail("was not reached")


def hand_in(server: BatchServer, store: Store, endpoint: Endpoint, count: int, **more: Any) -> None:
    """Let a collection hand in a batch and end before it is worked off."""
    server.held = True
    looks = server.count("batch", "GET")

    async def main() -> None:
        stop = Stop()
        asking = asyncio.create_task(collecting(store, endpoint, chats(count), Batched(), stop, **more))
        while server.count("batch", "GET") == looks:
            await asyncio.sleep(0.005)
        stop.request()
        with pytest.raises(Interrupted):
            await asking

    asyncio.run(main())
