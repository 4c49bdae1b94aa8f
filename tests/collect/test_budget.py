"""A budget ends the asking of one operation, keeps what was bought, and is nobody else's limit."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from evalgate.collect import Budget, BudgetSpentError, Collector
from evalgate.exchange import Answer
from evalgate.store import Store
from tests.collect.conftest import collect, kept
from tests.conftest import Loopback, completion, questions

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
    endpoint = server.endpoint(tmp_path, concurrency=2)
    server.behave = lambda asked: replace(completion(asked.prompt), after=0.01)

    async def both() -> list[list[Answer] | BaseException]:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            poor = collector.ask(endpoint, questions(20), budget=Budget(PRICE_OF_ONE * 3))
            rich = collector.ask(endpoint, questions(20))
            return await asyncio.gather(poor, rich, return_exceptions=True)

    poor, rich = asyncio.run(both())
    assert isinstance(poor, BudgetSpentError)
    assert isinstance(rich, list)
    assert [answer.text for answer in rich] == [f"q{n}" for n in range(20)]
    assert set(server.prompts.values()) == {1}
