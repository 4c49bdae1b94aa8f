"""Claims: two workers never get the same question, and what a dead one had claimed is free again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalgate.store import Claims, Store, claims, open_store
from tests.store.conftest import Database, bought


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    with open_store(database.name) as opened:
        yield opened


def open_claims(database: Database) -> list[tuple[object, ...]]:
    return database.query("SELECT key FROM claims ORDER BY key")


def test_what_one_has_claimed_no_other_gets_until_it_is_given_up(store: Store) -> None:
    one, two = Claims(store), Claims(store)
    assert one.take(["a", "b"], since=0) == {"a", "b"}
    assert two.take(["b", "c"], since=0) == {"c"}
    assert one.take(["a", "b"], since=0) == {"a", "b"}  # it has them already
    one.give_up(["b", "c"])  # what is not its own it cannot give away
    assert two.take(["a", "b", "c"], since=0) == {"b", "c"}
    one.leave()
    assert two.take(["a"], since=0) == {"a"}


def test_what_is_answered_is_not_claimed_unless_it_is_too_old(store: Store, database: Database) -> None:
    old = bought("r1")
    answer = replace(old, answer=replace(old.answer, answered_at=1000.0))
    mine = Claims(store)
    assert mine.take([answer.key], since=0) == {answer.key}
    store.add([answer])
    assert open_claims(database) == []
    assert mine.take([answer.key], since=1000) == set()
    assert mine.take([answer.key], since=1001) == {answer.key}


def test_the_claims_of_a_process_that_was_killed_are_free_at_once(store: Store, database: Database) -> None:
    code = (
        "import os, signal, sys; from evalgate.store import Claims, open_store; "
        "Claims(open_store(sys.argv[1])).take(['a', 'b'], since=0); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, database.name], check=False)
    mine = Claims(store)
    assert mine.take(["a", "b", "c"], since=0) == {"c"}
    assert mine.bury_the_dead() == 1
    assert mine.take(["a", "b", "c"], since=0) == {"a", "b", "c"}


def test_who_lives_is_not_buried_and_who_is_silent_on_another_machine_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, mine = Claims(store), Claims(store)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(claims, "_machine", lambda: "elsewhere pid:[1]")
        far.take(["a"], since=0)
    monkeypatch.setattr(claims, "SILENCE_SECONDS", 0.0)
    assert mine.bury_the_dead() == 0  # heard of for the first time
    assert far.beat()
    assert mine.bury_the_dead() == 0  # a new beat
    assert mine.bury_the_dead() == 1
    assert not far.beat()  # it hears of its own death
    assert mine.take(["a"], since=0) == {"a"}


def test_a_process_of_this_machine_that_stopped_beating_is_as_good_as_dead(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped, mine = Claims(store), Claims(store)
    stopped.take(["a"], since=0)  # of this very process, which runs
    assert mine.bury_the_dead() == 0
    monkeypatch.setattr(claims, "SILENCE_SECONDS", 0.0)
    assert mine.bury_the_dead() == 1
    stopped.take(["b"], since=0)  # it wakes up: its claims count again
    assert mine.take(["a", "b"], since=0) == {"a"}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2), st.sets(st.integers(0, 8), min_size=1)), max_size=12))
def test_no_question_is_ever_two_workers(store: Store, takes: list[tuple[int, set[int]]]) -> None:
    workers = [Claims(store) for _ in range(3)]
    owner: dict[str, int] = {}
    for number, wanted in takes:
        for key in workers[number].take([f"k{each}" for each in wanted], since=0):
            assert owner.setdefault(key, number) == number
    for worker in workers:
        worker.leave()


def test_any_number_of_claims_is_given_up(store: Store, database: Database) -> None:
    mine, keys = Claims(store), [f"k{number}" for number in range(70_000)]
    mine.take(keys[:300], since=0)
    mine.give_up(keys)
    assert open_claims(database) == []


def test_the_place_of_a_worker_tells_this_process(store: Store, database: Database) -> None:
    Claims(store).take(["a"], since=0)
    ((place,),) = database.query("SELECT place FROM workers")
    assert str(place).endswith(f" {os.getpid()}")
