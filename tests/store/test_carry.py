"""Keys, books and the watching of greens come along with a merge where that is sound, and are named where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from evalgate.store import Claims, Event, Lease, Round, Store, Watching, open_store
from evalgate.store.keys import VirtualKey, VirtualKeys
from evalgate.store.merge import Merged, merge
from evalgate.store.spending import DAY, MINUTE, Spending, Spent
from tests.store.conftest import Database

WATCH = ("watch sort", "sort")


@pytest.fixture
def shard(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "shard.db")) as opened:
        yield opened


def key(name: str, digest: str = "d", revoked_at: float | None = None) -> VirtualKey:
    return VirtualKey(name, digest, 1.0, revoked_at=revoked_at, dollars=Decimal("2.5"), period="day")


def spent(name: str, requests: int, worker: str = "w", span: int = DAY) -> Spent:
    return Spent(name, span, 86_400, worker, requests, 10 * requests, 100 * requests)


def days(store: Store) -> list[tuple[str, int]]:
    return [(row.name, row.requests) for row in Spending(store).by_day()]


def test_keys_and_what_they_spent_come_over(shard: Store, store: Store) -> None:
    VirtualKeys(shard).add(key("app"))
    Spending(shard).put([spent("app", 3), spent("app", 4, "other"), spent("app", 1, span=MINUTE)])
    assert merge(shard, store) == Merged(keys=1)
    assert VirtualKeys(store).all() == [key("app")]
    assert days(store) == [("app", 7)]
    assert merge(shard, store) == Merged()
    assert days(store) == [("app", 7)]


def test_of_what_one_process_booked_the_greater_stands(shard: Store, store: Store) -> None:
    for each, requests in ((shard, 3), (store, 5)):
        VirtualKeys(each).add(key("app"))
        Spending(each).put([spent("app", requests)])
    merge(shard, store)
    assert days(store) == [("app", 5)]
    Spending(shard).put([spent("app", 6)])
    merge(shard, store)
    assert days(store) == [("app", 6)]


def test_what_came_over_is_news_to_a_gateway_that_runs(shard: Store, store: Store) -> None:
    gateway, keys = Spending(store), VirtualKeys(store)
    assert gateway.news(0) == []
    seq, _ = keys.newer(0)
    VirtualKeys(shard).add(key("app"))
    Spending(shard).put([spent("app", 3)])
    merge(shard, store)
    assert gateway.news(0) == [spent("app", 3)]
    assert keys.newer(seq)[1] == [key("app")]


def test_a_key_that_was_revoked_in_one_of_both_is_revoked(shard: Store, store: Store) -> None:
    for each, revoked in ((shard, "a"), (store, "b")):
        for name in "ab":
            VirtualKeys(each).add(key(name, name))
        VirtualKeys(each).revoke(revoked, 9.0)
    assert merge(shard, store) == Merged()
    assert VirtualKeys(store).all() == [key("a", "a", 9.0), key("b", "b", 9.0)]


@pytest.mark.parametrize("theirs", [key("app", "other"), key("other name", "d")])
def test_a_name_of_another_key_stays_behind_with_what_it_spent(shard: Store, store: Store, theirs: VirtualKey) -> None:
    VirtualKeys(store).add(key("app"))
    Spending(store).put([spent("app", 1, "w1")])
    VirtualKeys(shard).add(theirs)
    Spending(shard).put([spent(theirs.name, 9, "w2")])
    assert merge(shard, store) == Merged(foreign=(theirs.name,))
    assert VirtualKeys(store).all() == [key("app")]
    assert days(store) == [("app", 1)]


def asked(store: Store, *numbers: int, place: str = "", closed: bool = True) -> None:
    """Rounds of watching, each with an event, as one process does them."""
    claims = Claims(store)
    lease = Lease(store, WATCH[0])
    assert lease.take() is None
    watching = Watching(store)
    for number in numbers:
        this = Round("sort", number, number, float(number), False, {"place": place})
        watching.begin(lease, this)
        if closed:
            event = Event(float(number), "sort", "q4", "c", "watched", {"round": number, "place": place})
            watching.record(lease, watched={("sort", "c"): {"rounds": number}}, events=[event], close=this)
    lease.leave()
    claims.leave()


def told(store: Store) -> list[object]:
    return [event.content["round"] for event in Watching(store).events("sort")]


def test_a_watched_operation_comes_over_whole(shard: Store, store: Store) -> None:
    asked(shard, 1, 2)
    assert merge(shard, store) == Merged(watched=1)
    assert Watching(store).watched() == Watching(shard).watched() == {("sort", "c"): {"rounds": 2}}
    assert Watching(store).last_round("sort") == Watching(shard).last_round("sort")
    assert Watching(store).events() == Watching(shard).events()
    assert merge(shard, store) == Merged()


def test_a_history_that_went_on_is_gone_on_with(shard: Store, store: Store) -> None:
    asked(shard, 1)
    merge(shard, store)
    asked(shard, 2, 3)
    assert merge(shard, store) == Merged(watched=1)
    assert told(store) == [1, 2, 3]
    assert Watching(store).watched("sort") == {("sort", "c"): {"rounds": 3}}


def test_an_open_round_that_was_closed_is_closed(shard: Store, store: Store) -> None:
    asked(shard, 1)
    asked(shard, 2, closed=False)
    merge(shard, store)
    assert not Watching(store).last_round("sort").closed  # type: ignore[union-attr]
    asked(shard, 2)
    assert merge(shard, store) == Merged(watched=1)
    assert Watching(store).last_round("sort").closed  # type: ignore[union-attr]


def test_a_history_that_is_behind_brings_nothing(shard: Store, store: Store) -> None:
    asked(shard, 1)
    merge(shard, store)
    asked(store, 2)
    assert merge(shard, store) == Merged()
    assert told(store) == [1, 2]


def test_two_histories_that_went_ways_of_their_own_are_left_apart(shard: Store, store: Store) -> None:
    for each, place in ((shard, "here"), (store, "there")):
        asked(each, 1, 2, place=place)
    before = Watching(store).events()
    assert merge(shard, store) == Merged(apart=("sort",))
    assert Watching(store).events() == before


def test_it_goes_from_either_database_into_the_other(store: Store, database: Database, tmp_path: Path) -> None:
    VirtualKeys(store).add(key("app"))
    Spending(store).put([spent("app", 3)])
    asked(store, 1, 2)
    with open_store(str(tmp_path / "there.db")) as there:
        assert merge(store, there) == Merged(keys=1, watched=1)
        assert (days(there), told(there)) == ([("app", 3)], [1, 2])
