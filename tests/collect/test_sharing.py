"""What processes on one store keep together: limits per minute, places, and budgets."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from evalgate.catalog import Endpoint
from evalgate.collect import Budget, BudgetSpentError, Collector, Stop
from evalgate.collect.allotment import Allotment
from evalgate.errors import Interrupted
from evalgate.store import Store, open_store
from evalgate.store.grants import Grants
from tests.collect.conftest import collect
from tests.conftest import Loopback, completion, questions
from tests.store.conftest import Database

PERMITS = """
import asyncio, sys
from evalgate.collect import Stop
from evalgate.collect.allotment import Allotment
from evalgate.store import open_store
from evalgate.store.grants import Grants

async def main(store):
    allotment = Allotment(Grants(store, sys.argv[2]), "here", 30, None, window=0.5, good_for=0.05)
    for _ in range(15):
        await allotment.permit(0.0, Stop())
        print(allotment._last_use)
    await allotment.close()

with open_store(sys.argv[1]) as store:
    asyncio.run(main(store))
"""


def most_in(times: list[float], window: float) -> int:
    return max(sum(start <= time < start + window for time in times) for start in times)


def test_in_no_window_do_four_processes_let_more_calls_go_than_the_limit(tmp_path: Path) -> None:
    name = str(tmp_path / "store.db")
    with open_store(name):
        pass
    commands = [[sys.executable, "-c", PERMITS, name, f"w{number}"] for number in range(4)]
    with ExitStack() as stack:
        running = [stack.enter_context(subprocess.Popen(each, stdout=subprocess.PIPE, text=True)) for each in commands]
        said = [process.communicate(timeout=120)[0] for process in running]
    times = sorted(float(line) for each in said for line in each.split())  # the clock is that of the machine
    assert len(times) == 60
    assert most_in(times, 0.5) <= 30


def test_tokens_and_requests_of_one_limit_are_shared_over_connections(database: Database) -> None:
    times: list[tuple[float, float]] = []

    async def work(store: Store, name: str, tokens: float) -> None:
        allotment = Allotment(Grants(store, name), "here", 20, 100, window=0.5, good_for=0.05)
        for _ in range(8):
            await allotment.permit(tokens, Stop())
            times.append((allotment._last_use, tokens))
        await allotment.close()

    async def main(stack: ExitStack) -> None:
        stores = [stack.enter_context(open_store(database.name)) for _ in range(3)]
        await asyncio.gather(*(work(store, f"w{n}", 4.0 + 3 * n) for n, store in enumerate(stores)))

    with ExitStack() as stack:
        asyncio.run(main(stack))
    assert len(times) == 24
    # a database's clock and this machine's need not tick alike to the microsecond
    for start, _ in times:
        window = [tokens for at, tokens in times if start <= at < start + 0.499]
        assert len(window) <= 20
        assert sum(window) <= 100 * (1 + 1e-6)
    assert database.count("grants") > 0


def test_a_lease_that_nobody_comes_back_for_is_settled(store: Store) -> None:
    async def main() -> None:
        one = Allotment(Grants(store, "one"), "here", 10, None, window=60.0, good_for=0.01)
        one._used[one._requests] = 9.0  # as if it had let so many go a moment ago: it leases for as many
        await one.permit(0.0, Stop())
        assert one._settling is not None
        await one._settling
        other = Allotment(Grants(store, "other"), "here", 10, None)
        for _ in range(9):
            await asyncio.wait_for(other.permit(0.0, Stop()), 10)

    asyncio.run(main())


def test_who_waits_for_a_minute_is_woken_when_it_is_to_end(store: Store) -> None:
    async def main() -> None:
        allotment, stop = Allotment(Grants(store, "one"), "here", 1, None), Stop()
        await allotment.permit(0.0, stop)
        waiting = [asyncio.create_task(allotment.permit(0.0, stop)) for _ in range(3)]
        await asyncio.sleep(0.05)
        stop.request()
        assert all(isinstance(each, Interrupted) for each in await asyncio.gather(*waiting, return_exceptions=True))

    asyncio.run(main())


ASK = """
import asyncio, sys
from evalgate.catalog import load_catalog
from evalgate.collect import Collector
from evalgate.exchange import Question, Request
from evalgate.store import open_store

async def main():
    endpoint = load_catalog(sys.argv[1]).endpoints("toy")["full"]
    first = 40 * int(sys.argv[3])
    asked = [Question(f"c{n}", Request(f"q{n}", {"temperature": 0.0})) for n in range(first, first + 40)]
    with open_store(sys.argv[2]) as store:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            print(len(await collector.ask(endpoint, asked)))

asyncio.run(main())
"""


def test_four_processes_have_no_more_calls_under_way_than_one_may(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: replace(completion(asked.prompt), after=0.02)
    server.endpoint(tmp_path, concurrency=3)
    name = str(tmp_path / "store.db")
    with open_store(name):
        pass
    commands = [[sys.executable, "-c", ASK, str(tmp_path / "catalog.yaml"), name, str(n)] for n in range(4)]
    with ExitStack() as stack:
        running = [stack.enter_context(subprocess.Popen(each, stdout=subprocess.PIPE, text=True)) for each in commands]
        said = [process.communicate(timeout=120)[0] for process in running]
    assert [each.strip() for each in said] == ["40"] * 4
    assert len(server.asked) == 160
    assert server.most_at_once <= 3


def share(database: Database, endpoint: Endpoint, budget: list[Budget], count: int) -> list[object]:
    """Let as many collections as there are budgets, each with a store of its own, ask the same questions at once."""

    async def work(store: Store, mine: Budget) -> object:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            return await collector.ask(endpoint, questions(count), budget=mine)

    async def main(stack: ExitStack) -> list[object]:
        stores = [stack.enter_context(open_store(database.name)) for _ in budget]
        pairs = zip(stores, budget, strict=True)
        return await asyncio.gather(*(work(*pair) for pair in pairs), return_exceptions=True)

    with ExitStack() as stack:
        return asyncio.run(main(stack))


def test_several_collections_never_make_more_calls_than_their_budget_allows(
    database: Database, server: Loopback, tmp_path: Path
) -> None:
    budgets = [Budget(calls=37, name="check op") for _ in range(3)]
    outcomes = share(database, server.endpoint(tmp_path), budgets, 100)
    assert all(isinstance(each, BudgetSpentError) for each in outcomes), outcomes
    assert len(server.asked) == 37 == sum(budget.made for budget in budgets)


def test_several_collections_spend_no_more_dollars_than_one_but_for_calls_under_way(
    database: Database, server: Loopback, tmp_path: Path
) -> None:
    price = Decimal("7e-6")  # of 3 tokens at 1 USD a million and 2 at 2
    budgets = [Budget(20 * price, name="check op") for _ in range(3)]
    outcomes = share(database, server.endpoint(tmp_path, concurrency=4), budgets, 100)
    assert all(isinstance(each, BudgetSpentError) for each in outcomes), outcomes
    assert 20 <= len(server.asked) <= 20 + 4


def test_what_has_no_limit_asks_nothing_of_the_store_but_for_its_places(
    server: Loopback, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path)
    visits: list[str] = []
    beside = store.write_beside
    store.write_beside = lambda work: (visits.append(work.__qualname__), beside(work))[1]  # type: ignore[method-assign]
    began = time.monotonic()
    collect(store, endpoint, questions(200))
    assert len(visits) <= 1 + (time.monotonic() - began) / 0.5
    assert {visit.split(".")[0] for visit in visits} == {"PlacesLedger"}
