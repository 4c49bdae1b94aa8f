"""A budget ends the asking of one operation, keeps what was bought, and is nobody else's limit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from evalgate.collect import Budget, BudgetSpentError, Collector
from evalgate.exchange import Answer
from evalgate.store import Store
from tests.collect.conftest import collect, kept
from tests.conftest import Asked, Loopback, Sent, completion, failure, questions

PRICE_OF_ONE = Decimal(7) / 1_000_000  # 3 tokens in at 1 USD per million, 2 out at 2


def test_asking_stops_when_the_budget_is_spent_and_what_was_bought_is_kept(
    server: Loopback, store: Store, tmp_path: Path
) -> None:
    endpoint, budget = server.endpoint(tmp_path, concurrency=1), Budget(PRICE_OF_ONE * 5)

    async def ask() -> None:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            with pytest.raises(BudgetSpentError):
                await collector.ask(endpoint, questions(20), budget=budget)

    asyncio.run(ask())
    assert budget.spent == PRICE_OF_ONE * 5
    assert len(server.asked) == 5
    assert len(kept(store, endpoint, questions(20))) == 5


def test_no_more_calls_are_made_than_the_budget_has(server: Loopback, store: Store, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path, concurrency=16)
    with pytest.raises(BudgetSpentError):
        collect(store, endpoint, questions(100), budget=Budget(calls=37))
    assert len(server.asked) == 37
    assert len(kept(store, endpoint, questions(100))) == 37


@pytest.mark.usefixtures("quick")
def test_a_call_that_fails_is_a_call(server: Loopback, store: Store, tmp_path: Path) -> None:
    server.behave = lambda asked: failure(500)
    with pytest.raises(BudgetSpentError):
        collect(store, server.endpoint(tmp_path, retries=20), questions(1), budget=Budget(calls=3))
    assert len(server.asked) == 3


def test_a_budget_of_no_calls_gives_what_is_known_and_asks_nothing(
    server: Loopback, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path)
    collect(store, endpoint, questions(3))
    assert len(collect(store, endpoint, questions(3), budget=Budget(calls=0)).answers) == 3
    with pytest.raises(BudgetSpentError):
        collect(store, endpoint, questions(4), budget=Budget(calls=0))
    assert len(server.asked) == 3


def test_known_answers_cost_nothing(server: Loopback, store: Store, tmp_path: Path) -> None:
    endpoint, budget = server.endpoint(tmp_path), Budget(PRICE_OF_ONE)
    collect(store, endpoint, questions(20))

    async def ask() -> list[Answer]:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            return await collector.ask(endpoint, questions(20), budget=budget)

    assert len(asyncio.run(ask())) == 20
    assert budget.spent == 0


def test_whoever_shares_a_question_with_an_operation_that_ran_out_asks_it_alone(
    server: Loopback, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path, concurrency=1)
    q0, q1, q2 = questions(3)
    go_on = threading.Event()

    def behave(asked: Asked) -> Sent:
        go_on.wait(10)
        return completion(asked.prompt)

    async def both() -> list[list[Answer] | BaseException]:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            poor = asyncio.create_task(collector.ask(endpoint, [q0, q1], budget=Budget(PRICE_OF_ONE)))
            await until(lambda: len(server.asked) == 1)
            rich = asyncio.create_task(collector.ask(endpoint, [q2, q1]))
            await until(lambda: len(collector._asking) == 2)
            # now q0 is under way and q2 waits; then q1 waits with an empty purse while the other comes to want it too
            go_on.set()
            return await asyncio.gather(poor, rich, return_exceptions=True)

    server.behave = behave
    poor, rich = asyncio.run(both())
    assert isinstance(poor, BudgetSpentError)
    assert isinstance(rich, list)
    assert [answer.text for answer in rich] == ["q2", "q1"]


async def until(reached: Callable[[], bool]) -> None:
    for _ in range(5000):
        if reached():
            return
        await asyncio.sleep(0.002)
    pytest.fail("was not reached")
