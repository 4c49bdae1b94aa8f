"""Processes that share a store share the work: all get every answer, and each question is bought once."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from evalgate.collect import Budget, BudgetSpentError, Collector, share
from evalgate.exchange import Answer
from evalgate.store import Bought, Claims, Store, answer_key, open_store
from tests.collect.conftest import collect
from tests.conftest import Asked, Loopback, Sent, completion, failure, questions
from tests.store.conftest import Database

RUN = """
import asyncio, sys
from evalgate.catalog import load_catalog
from evalgate.collect import Collector
from evalgate.exchange import Question, Request
from evalgate.store import open_store

async def main():
    endpoint = load_catalog(sys.argv[1]).endpoints("toy")["full"]
    questions = [Question(f"c{n}", Request(f"q{n}", {"temperature": 0.0})) for n in range(int(sys.argv[3]))]
    with open_store(sys.argv[2]) as store:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            answers = await collector.ask(endpoint, questions)
            print(len({answer.text for answer in answers}), collector.requests)

asyncio.run(main())
"""

THEIRS = Answer("theirs", "stop", answered_at=1.0)


def process(folder: Path, store: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RUN, str(folder / "catalog.yaml"), store, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_ask_each_question_once_and_both_work(
    server: Loopback, tmp_path: Path, database: Database
) -> None:
    # slow enough for the second to have started long before the first is done
    server.behave = lambda asked: replace(completion(asked.prompt), after=0.08)
    server.endpoint(tmp_path, concurrency=16)
    both = [process(tmp_path, database.name, 600) for _ in range(2)]
    results = [each.communicate(timeout=60)[0].split() for each in both]
    assert [result[0] for result in results] == ["600", "600"]
    requests = [int(result[1]) for result in results]
    assert sum(requests) == len(server.asked) == 600
    assert min(requests) >= share.BLOCK  # it is shared, not waited for


def test_what_a_killed_process_had_claimed_is_asked_by_the_other(
    server: Loopback, tmp_path: Path, database: Database
) -> None:
    killed = threading.Event()
    server.behave = lambda asked: replace(completion(asked.prompt), after=0.02 if killed.is_set() else 0.5)
    endpoint = server.endpoint(tmp_path, concurrency=4)
    doomed = process(tmp_path, database.name, 40)
    while len(server.asked) < 3:
        pass
    doomed.send_signal(signal.SIGKILL)
    doomed.communicate()
    killed.set()
    with open_store(database.name) as store:
        assert len(collect(store, endpoint, questions(40)).answers) == 40
    assert len(server.asked) <= 40 + 4


def test_an_answer_that_another_process_is_buying_is_waited_for_and_told_as_known(
    server: Loopback, store: Store, tmp_path: Path
) -> None:
    endpoint, (question,) = server.endpoint(tmp_path), questions(1)
    key = answer_key(question.request.hash, endpoint.config, 0)
    other = Claims(store)
    other.take([key], since=0)
    told: list[bool] = []

    async def ask() -> list[Answer]:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            asking = asyncio.create_task(collector.ask(endpoint, [question], lambda answer, known: told.append(known)))
            await asyncio.sleep(0.2)
            assert not asking.done()
            with open_store(store.name) as theirs:  # the other process
                theirs.add([Bought(question.request.hash, endpoint.config, 0, "full", Decimal(0), THEIRS)])
            return await asking

    assert [answer.text for answer in asyncio.run(ask())] == ["theirs"]
    assert (told, server.asked) == ([True], [])


@pytest.mark.usefixtures("quick")
def test_what_failed_here_may_be_asked_elsewhere_at_once(server: Loopback, store: Store, tmp_path: Path) -> None:
    server.behave = lambda asked: failure(500) if asked.prompt == "q1" else completion(asked.prompt)
    endpoint = server.endpoint(tmp_path, retries=0)
    other = Claims(store)
    keys = [answer_key(question.request.hash, endpoint.config, 0) for question in questions(3)]

    async def ask() -> set[str]:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            answers = await collector.ask(endpoint, questions(3))
            assert [answer.failed for answer in answers] == [False, True, False]
            return other.take(keys, since=0)

    assert asyncio.run(ask()) == {keys[1]}


@pytest.mark.usefixtures("quick")
def test_claims_end_with_their_collection_however_it_ends(server: Loopback, store: Store, tmp_path: Path) -> None:
    def behave(asked: Asked) -> Sent:
        return failure(401) if asked.prompt == "q5" else completion(asked.prompt)

    server.behave = behave
    endpoint = server.endpoint(tmp_path, concurrency=1)
    with pytest.raises(Exception, match="rejects the key"):
        collect(store, endpoint, questions(200))
    keys = [answer_key(question.request.hash, endpoint.config, 0) for question in questions(200)]
    assert Claims(store).take(keys, since=0) == set(keys[5:])


@pytest.mark.usefixtures("quick")
def test_two_processes_that_both_met_a_case_that_fails_do_not_wait_for_each_other(
    server: Loopback, tmp_path: Path, database: Database
) -> None:
    failing = {f"q{n}" for n in range(0, 600, 50)}
    server.behave = lambda asked: failure(500) if asked.prompt in failing else completion(asked.prompt)
    server.endpoint(tmp_path, concurrency=16, retries=0)
    both = [process(tmp_path, database.name, 600) for _ in range(2)]
    results = [each.communicate(timeout=60)[0].split() for each in both]
    assert [result[0] for result in results] == [str(600 - len(failing) + 1)] * 2  # all errors have one text: none
    assert all(server.prompts[f"q{n}"] == 1 for n in range(600) if f"q{n}" not in failing)


def test_who_was_suspended_and_taken_for_dead_claims_anew(
    server: Loopback, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, now = server.endpoint(tmp_path, concurrency=1), [0.0]
    monkeypatch.setattr(share, "_clock", lambda: now[0])
    asked = questions(40)
    keys = [answer_key(question.request.hash, endpoint.config, 0) for question in asked]

    async def main() -> list[Answer]:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            asking = asyncio.create_task(collector.ask(endpoint, asked))
            while not server.asked:
                await asyncio.sleep(0.005)
            # it sleeps: another process buries it and buys the rest
            with open_store(store.name) as theirs:
                theirs.write(lambda connection: connection.exec_driver_sql("DELETE FROM claims"))
                assert len(Claims(theirs).take(keys[20:], since=0)) == 20
                bought = [Bought(q.request.hash, endpoint.config, 0, "full", Decimal(0), THEIRS) for q in asked[20:]]
                theirs.add(bought)
            now[0] += 3600
            return await asking

    texts = [answer.text for answer in asyncio.run(main())]
    assert texts[20:] == ["theirs"] * 20
    assert len(server.asked) <= 20


def test_a_question_that_two_operations_want_stays_claimed_when_one_of_them_gives_up(
    server: Loopback, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path, concurrency=2)
    server.behave = lambda asked: replace(completion(asked.prompt), after=0.3 if asked.prompt == "q1" else 0.0)
    q0, q1 = questions(2)
    key = answer_key(q1.request.hash, endpoint.config, 0)

    async def main() -> set[str]:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            rich = asyncio.create_task(collector.ask(endpoint, [q1]))
            while not server.asked:
                await asyncio.sleep(0.005)
            with pytest.raises(BudgetSpentError):
                await collector.ask(endpoint, [q0, questions(3)[2], q1], budget=Budget(calls=1))
            taken = Claims(store).take([key], since=0)
            await rich
            return taken

    assert asyncio.run(main()) == set()
