"""Places at a provider that processes share: never more than there are, and nobody waits for ever."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.store import Claims, Store, open_store, schema
from evalgate.store.places import Holding, Need, PlacesLedger, allot, share_out


class Worker:
    """A process with calls under way."""

    def __init__(self, store: Store) -> None:
        self.claims = Claims(store)
        self.ledger, self.held, self.busy = PlacesLedger(store, self.claims), 0, 0

    def look(self, most: int, wanted: int) -> int:
        wanted = max(self.busy, wanted)
        self.held = self.ledger.settle([Need("here", most, self.busy, wanted, self.held)])["here"].held
        return self.held


@given(st.integers(1, 9), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(0, 12)), max_size=25))
@settings(max_examples=20)
def test_all_together_never_have_more_places_than_there_are(most: int, steps: list[tuple[int, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_store(str(Path(folder) / "store.db")) as store:
        workers = [Worker(store) for _ in range(4)]
        for who, wanted, busy in steps:
            workers[who].busy = min(busy, workers[who].held)  # calls come back, and begin only where there is a place
            workers[who].look(most, wanted)
            assert sum(worker.held for worker in workers) <= most
            assert all(worker.busy <= worker.held for worker in workers)


@given(st.integers(0, 50), st.dictionaries(st.text(max_size=3), st.integers(0, 30), min_size=1, max_size=8))
def test_places_are_shared_out_evenly_and_as_far_as_they_are_wanted(most: int, wanted: dict[str, int]) -> None:
    parts = share_out(most, wanted)
    assert sum(parts.values()) == min(most, sum(wanted.values()))
    assert all(parts[name] <= wanted[name] for name in wanted)
    short = [parts[name] for name in wanted if parts[name] < wanted[name]]
    assert all(part <= min(short) + 1 for part in parts.values() if short)


def test_who_is_alone_has_all_of_them(store: Store) -> None:
    worker = Worker(store)
    assert worker.look(64, 1) == 64
    assert worker.ledger.alone(["here"])


def test_who_comes_later_gets_its_part_when_the_first_has_looked_again(store: Store) -> None:
    first, second = Worker(store), Worker(store)
    first.look(8, 8)
    first.busy = 6
    assert second.look(8, 20) == 0
    assert first.look(8, 8) == 6  # no new calls, and those under way come back
    assert second.look(8, 20) == 2
    first.busy = 0
    assert first.look(8, 8) == 4
    assert second.look(8, 20) == 4


def test_who_wants_none_leaves_all_to_others(store: Store) -> None:
    first, second = Worker(store), Worker(store)
    first.look(8, 8)
    second.look(8, 8)
    assert first.look(8, 0) == 0
    assert second.look(8, 8) == 8


def test_where_there_are_fewer_places_than_workers_one_of_them_works() -> None:
    need = Need("here", 1, 0, 5, 0)
    assert allot(need, "b", [Holding("a", 5, 0)]).held + allot(need, "a", [Holding("b", 5, 0)]).held == 1


def test_a_dead_worker_leaves_its_places(store: Store) -> None:
    with subprocess.Popen(["true"]) as process:
        pass
    dead, other = Worker(store), Worker(store)
    dead.look(8, 8)
    place = schema.workers.c.place
    gone = schema.workers.update().where(schema.workers.c.worker == dead.claims.worker)
    gone = gone.values(place=sa.func.replace(place, f" {os.getpid()}", f" {process.pid}"))
    store.write(lambda connection: connection.execute(gone))
    assert other.look(8, 8) == 8
