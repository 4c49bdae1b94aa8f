"""A budget ends the asking of one operation, keeps what was bought, and is nobody else's limit."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from evalgate.collect import Budget, BudgetSpentError, Collector
from evalgate.exchange import Answer
from evalgate.store import Store
from evalgate.store.statistics import statistics
from tests.collect.conftest import collect, kept
from tests.conftest import Asked, Loopback, Sent, catalog, completion, failure, questions, variant

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


UNCOUNTED = {
    "absent": {},
    "null": {"usage": None},
    "zero": {"usage": {"prompt_tokens": 0, "completion_tokens": 0}},
    "text": {"usage": {"prompt_tokens": "3", "completion_tokens": "2"}},
    "negative": {"usage": {"prompt_tokens": -3, "completion_tokens": -2}},
    "beyond the context": {"usage": {"prompt_tokens": 90_000, "completion_tokens": 90_000}},
}
LONG = "a word and another " * 10  # 190 bytes: about 48 tokens


@pytest.mark.parametrize("usage", UNCOUNTED)
def test_an_endpoint_that_does_not_count_is_not_free(
    server: Loopback, store: Store, tmp_path: Path, usage: str
) -> None:
    server.behave = lambda asked: Sent(json.dumps({"choices": [{"text": LONG}], **UNCOUNTED[usage]}).encode())
    price = {"input": 50, "output": 50}
    endpoint = catalog(
        tmp_path, variant(price=price, capabilities={"context": 8192}), base_url=server.url, concurrency=1
    ).endpoints("toy")["full"]
    with pytest.raises(BudgetSpentError):
        collect(store, endpoint, questions(400), budget=Budget(Decimal("0.01")))
    assert len(server.asked) == 5  # at 49 tokens each
    (holding,) = statistics(store).holdings
    assert (holding.uncounted, holding.usd) == (5, Decimal("0.01225"))


def test_an_estimate_learns_from_what_was_counted(server: Loopback, store: Store, tmp_path: Path) -> None:
    counted = completion("x" * 100)  # 2 tokens, says the server: 50 bytes each

    def behave(asked: Asked) -> Sent:
        return counted if asked.prompt == "q0" else Sent(json.dumps({"choices": [{"text": "x" * 100}]}).encode())

    server.behave = behave
    collect(store, server.endpoint(tmp_path, concurrency=1), questions(2))
    assert statistics(store).total.usd == 2 * PRICE_OF_ONE


PAID_IN_VAIN = {
    "cut": Sent(completion(LONG).body, only=150),
    "unreadable": Sent(b"<html>" + b"x" * 200),
    "no choices": Sent(json.dumps({"choices": [], "x": "x" * 200}).encode()),
    "ends in an error": Sent(json.dumps({"choices": [{"text": LONG, "finish_reason": "error"}]}).encode()),
    "timeout": Sent(b"{}", after=0.4),
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("trouble", PAID_IN_VAIN)
def test_an_attempt_that_was_paid_in_vain_counts(server: Loopback, store: Store, tmp_path: Path, trouble: str) -> None:
    server.behave = lambda asked: PAID_IN_VAIN[trouble] if asked.nth == 1 else completion("x")
    budget = Budget(Decimal(100))
    collect(store, server.endpoint(tmp_path, timeout=0.3), questions(1), budget=budget)
    assert budget.spent > PRICE_OF_ONE
    assert statistics(store).total.usd == PRICE_OF_ONE


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("sent", [failure(500), failure(429), Sent(b"", reset=True), Sent(b'{"error": "busy"}')])
def test_an_attempt_that_nobody_charges_for_does_not(
    server: Loopback, store: Store, tmp_path: Path, sent: Sent
) -> None:
    server.behave = lambda asked: sent if asked.nth == 1 else completion("x")
    budget = Budget(Decimal(100))
    collect(store, server.endpoint(tmp_path), questions(1), budget=budget)
    assert budget.spent == PRICE_OF_ONE


def test_a_question_that_is_turned_down_costs_nothing(server: Loopback, store: Store, tmp_path: Path) -> None:
    server.behave = lambda asked: failure(400, "unsafe")
    budget = Budget(Decimal(100))
    collect(store, server.endpoint(tmp_path), questions(3), budget=budget)
    assert budget.spent == 0


async def until(reached: Callable[[], bool]) -> None:
    for _ in range(5000):
        if reached():
            return
        await asyncio.sleep(0.002)
    pytest.fail("was not reached")
