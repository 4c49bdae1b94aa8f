"""A collection that is killed or interrupted loses nothing that it had told, and the next one goes on from there."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from evalgate.collect import Collector
from evalgate.collect.committer import Committer
from evalgate.errors import StoreError
from evalgate.exchange import Answer
from evalgate.store import Bought, Store, open_store
from tests.collect.conftest import collect, kept
from tests.conftest import Asked, Loopback, Sent, completion, questions

RUN = """
import asyncio, sys
from evalgate.catalog import load_catalog
from evalgate.collect import Collector
from evalgate.exchange import Question, Request
from evalgate.store import open_store

async def main():
    endpoint = load_catalog(sys.argv[1]).endpoints("toy")["full"]
    questions = [Question(f"c{n}", Request(f"q{n}", {"temperature": 0.0})) for n in range(100)]
    with open_store(sys.argv[2]) as store:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            await collector.ask(endpoint, questions, lambda answer, known: print(answer.text, flush=True))

asyncio.run(main())
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_collection_loses_nothing_and_nothing_that_is_known_is_asked_again(
    server: Loopback, tmp_path: Path, how: signal.Signals
) -> None:
    killed = threading.Event()

    def behave(asked: Asked) -> Sent:  # so slow from the 60th call on that it cannot come to an end before it is killed
        return replace(completion(asked.prompt), after=30 if len(server.asked) > 60 and not killed.is_set() else 0.0)

    server.behave = behave
    endpoint, path = server.endpoint(tmp_path, concurrency=4), str(tmp_path / "killed.db")
    command = [sys.executable, "-c", RUN, str(tmp_path / "catalog.yaml"), path]
    told: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told.append(line.strip())
            if len(told) == 20:
                process.send_signal(how)
    killed.set()
    assert process.returncode != 0
    assert 20 <= len(told) < 100
    with open_store(path) as store:
        known = kept(store, endpoint, questions(100))
        assert {f"c{text[1:]}" for text in told} <= set(known)
        before = len(server.asked)
        assert collect(store, endpoint, questions(100)).texts == [f"q{n}" for n in range(100)]
    again = {asked.prompt for asked in server.asked[before:]}
    assert again == {f"q{n}" for n in range(100) if f"c{n}" not in known}
    assert max(server.prompts.values()) <= 2
    assert sum(count == 2 for count in server.prompts.values()) <= 4  # those under way when it was killed


def test_a_collection_that_is_cancelled_has_kept_whatever_had_arrived(
    server: Loopback, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path, concurrency=2)
    told: list[str] = []

    async def main() -> None:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            asking = asyncio.create_task(
                collector.ask(endpoint, questions(200), lambda answer, known: told.append(answer.text))
            )
            while len(told) < 5:
                await asyncio.sleep(0.001)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    asyncio.run(main())
    assert 5 <= len(told) < 200
    assert {f"c{text.removeprefix('answer to q')}" for text in told} <= set(kept(store, endpoint, questions(200)))


class Slow(Store):
    """A real store whose disk is slow, or full."""

    def __init__(self, fast: Store) -> None:
        super().__init__(fast._engine, fast.name)
        self.entered, self.free, self.full, self.groups = threading.Event(), threading.Event(), False, []

    def add(self, bought: Sequence[Bought]) -> None:
        self.groups.append(len(bought))
        self.entered.set()
        self.free.wait(5)
        if self.full:
            raise StoreError("disk full")
        super().add(bought)


@pytest.fixture
def slow(store: Store) -> Slow:
    return Slow(store)


def bought(number: int) -> Bought:
    return Bought(f"r{number}", "c", 0, "v", Decimal(0), Answer("text", "stop"))


def test_closing_waits_for_the_commit_that_is_under_way(slow: Slow) -> None:
    async def main() -> None:
        committer = Committer(slow)
        adding = asyncio.create_task(committer.add(bought(0)))
        await asyncio.to_thread(slow.entered.wait, 5)
        adding.cancel()
        asyncio.get_running_loop().call_later(0.05, slow.free.set)
        await committer.close()
        assert list(slow.find([bought(0).key])) == [bought(0).key]

    asyncio.run(main())


def test_answers_that_arrive_while_the_disk_is_busy_share_the_next_commit(slow: Slow) -> None:
    async def main() -> None:
        committer = Committer(slow)
        adding = [asyncio.create_task(committer.add(bought(0)))]
        await asyncio.to_thread(slow.entered.wait, 5)
        adding += [asyncio.create_task(committer.add(bought(number))) for number in range(1, 50)]
        await asyncio.sleep(0)
        slow.free.set()
        await asyncio.gather(*adding)
        await committer.close()

    asyncio.run(main())
    assert slow.groups == [1, 49]
    assert len(slow.find([bought(number).key for number in range(50)])) == 50


def test_whoever_waits_learns_that_the_commit_failed_and_whoever_comes_later_at_once(slow: Slow) -> None:
    slow.full = True
    slow.free.set()

    async def main() -> None:
        committer = Committer(slow)
        with pytest.raises(StoreError, match="disk full"):
            await committer.add(bought(0))
        with pytest.raises(StoreError, match="disk full"):
            await committer.add(bought(1))
        await committer.close()

    asyncio.run(main())
    assert slow.groups == [1]  # a database that is gone is waited for once, not once for each answer
