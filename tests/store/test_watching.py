"""What watching remembers: a step is kept whole or not at all, by one who holds the lease."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import sqlalchemy as sa

from evalgate.errors import InfrastructureError, StoreError
from evalgate.store import Event, Holder, Lease, Round, Store, Watching, claims, open_store, open_to_read
from tests.store.conftest import Database, back_to_version_1


def event(kind: str = "watched", at: float = 1.0, **content: object) -> Event:
    return Event(at, "sort", "cheap", "sha256:c", kind, {"n": 1, **content})  # type: ignore[dict-item]


@pytest.fixture
def lease(store: Store) -> Lease:
    held = Lease(store, "watch sort")
    assert held.take() is None
    return held


def test_a_step_is_read_back_as_it_was_recorded(store: Store, lease: Lease) -> None:
    memory = Watching(store)
    memory.record(lease, watched={("sort", "sha256:c"): {"state": "kept"}}, events=[event(), event("suspended", 2.0)])
    assert memory.watched("sort") == {("sort", "sha256:c"): {"state": "kept"}}
    assert [each.kind for each in memory.events("sort")] == ["watched", "suspended"]
    assert memory.watched("other") == {}
    assert memory.last_event("sort", "cheap") == event("suspended", 2.0)


def test_of_a_step_that_fails_half_way_nothing_is_kept(database: Database, store: Store, lease: Lease) -> None:
    database.query("DROP TABLE events")
    with pytest.raises(StoreError):
        Watching(store).record(lease, watched={("sort", "sha256:c"): {"state": "suspended"}}, events=[event()])
    assert Watching(store).watched("sort") == {}


def test_the_same_event_told_twice_is_one(store: Store, lease: Lease) -> None:
    for _ in range(2):
        Watching(store).record(lease, events=[event()])
    assert len(Watching(store).events()) == 1


def test_whoever_has_lost_the_lease_can_record_nothing(store: Store, lease: Lease) -> None:
    store.write(lambda connection: connection.execute(sa.text("DELETE FROM workers")))  # it was taken for dead
    other = Lease(store, "watch sort")
    assert other.take() is None
    with pytest.raises(InfrastructureError, match="another one took over"):
        Watching(store).record(lease, events=[event()])
    Watching(store).record(other, events=[event()])
    assert len(Watching(store).events()) == 1


def test_a_lease_is_held_by_one_and_another_is_told_by_whom(store: Store, lease: Lease) -> None:
    other = Lease(store, "watch sort")
    holder = other.take()
    assert isinstance(holder, Holder)
    assert str(holder).startswith("process ")
    assert Lease(store, "watch something else").take() is None
    lease.leave()
    assert other.take() is None


def test_a_beat_is_seen_by_whoever_waits(store: Store, lease: Lease) -> None:
    other = Lease(store, "watch sort")
    first = other.take()
    assert lease.beat()
    second = other.take()
    assert first is not None
    assert second is not None
    assert second.beat == first.beat + 1


def test_the_lease_of_a_process_that_is_gone_is_free(database: Database, store: Store) -> None:
    code = "import sys; from evalgate.store import *; Lease(open_store(sys.argv[1]), 'watch sort').take()"
    subprocess.run([sys.executable, "-c", code, database.name], check=True)
    assert Lease(store, "watch sort").take() is None


def test_a_holder_elsewhere_that_beats_no_more_loses_the_lease(
    store: Store, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(lambda connection: connection.execute(sa.text("UPDATE workers SET place = 'elsewhere 1'")))
    monkeypatch.setattr(claims, "SILENCE_SECONDS", 0.05)
    other = Lease(store, "watch sort")
    assert other.take() is not None
    time.sleep(0.06)
    assert other.take() is None


def test_rounds_count_up_and_the_day_is_only_a_label(store: Store, lease: Lease) -> None:
    memory = Watching(store)
    for number, day in ((1, 100), (2, 102), (3, 101)):
        memory.begin(lease, Round("sort", number, day, 1.0, closed=False, draw={"units": []}))
    last = memory.last_round("sort")
    assert last is not None
    assert (last.number, last.day, last.closed) == (3, 101, False)
    assert memory.has_day("sort", 102)
    assert not memory.has_day("sort", 103)
    memory.record(lease, close=last)
    closed = memory.last_round("sort")
    assert closed is not None
    assert closed.closed


def test_a_round_that_is_begun_again_keeps_its_draw(store: Store, lease: Lease) -> None:
    memory = Watching(store)
    memory.begin(lease, Round("sort", 1, 100, 1.0, closed=False, draw={"units": [1]}))
    memory.begin(lease, Round("sort", 1, 101, 9.0, closed=False, draw={"units": [2]}))
    last = memory.last_round("sort")
    assert last == Round("sort", 1, 101, 1.0, closed=False, draw={"units": [1]})


def test_an_older_store_that_is_only_looked_at_has_watched_nothing(database: Database) -> None:
    with open_store(database.name):
        pass
    for table in ("watched", "rounds", "events", "leases"):
        database.query(f"DROP TABLE {table}")
    database.query("UPDATE meta SET value = '5' WHERE name = 'schema'")
    with open_to_read(database.name) as store:
        assert Watching(store).watched() == {}
        assert Watching(store).events() == []


def test_a_store_of_the_first_version_can_be_watched_after_its_migration(database: Database) -> None:
    with open_store(database.name):
        pass
    back_to_version_1(database)
    with open_store(database.name) as store:
        held = Lease(store, "watch sort")
        assert held.take() is None
        Watching(store).record(held, events=[event()])
        assert len(Watching(store).events()) == 1
