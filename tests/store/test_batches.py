"""What is in a batch is written down before it is handed in, and forgotten only when it is fetched."""

from __future__ import annotations

from decimal import Decimal

import pytest

from evalgate.exchange import Answer
from evalgate.store import Bought, Claims, Store, answer_key, batches
from evalgate.store.batches import Item, OpenBatch
from tests.store.conftest import Database

CONFIG = "config"


def items(*numbers: int) -> list[Item]:
    return [Item(answer_key(f"r{n}", CONFIG, 0), f"r{n}", 0) for n in numbers]


def keys(*numbers: int) -> set[str]:
    return {item.key for item in items(*numbers)}


def intent(store: Store, *numbers: int, at: float = 100.0, since: float = 0.0) -> tuple[OpenBatch, set[str]]:
    new = batches.new_intent(Claims(store).worker, "here", CONFIG, at)
    return new, batches.intend(store, new, items(*numbers), since=since)


def answered(store: Store, number: int, at: float) -> None:
    store.add([Bought(f"r{number}", CONFIG, 0, "full", Decimal(0), Answer("text", "stop", answered_at=at))])


def test_an_intent_becomes_a_batch_and_is_forgotten(store: Store, database: Database) -> None:
    new, ours = intent(store, 0, 1)
    assert ours == keys(0, 1)
    (open_,) = batches.open_batches(store, CONFIG)
    assert open_ == new
    assert open_.token is not None
    assert new.worker == open_.token.partition("-")[0]
    assert batches.remember(store, new, "batch_1", items(0, 1)) == OpenBatch("batch_1", "here", CONFIG, 100.0)
    (open_,) = batches.open_batches(store)
    assert (open_.name, open_.token, open_.worker) == ("batch_1", None, None)
    assert batches.items_of(store, "batch_1") == {item.key: item for item in items(0, 1)}
    batches.forget(store, "batch_1")
    assert (database.count("batches"), database.count("batch_items")) == (0, 0)


def test_what_is_in_an_open_batch_or_intent_is_not_handed_in_again(store: Store) -> None:
    first, _ = intent(store, 0, 1)
    assert intent(store, 1, 2)[1] == keys(2)
    batches.remember(store, first, "batch_1", items(0, 1))
    assert batches.free(store, first, [item.key for item in items(0, 1, 2, 3)], since=0.0) == keys(3)
    batches.forget(store, "batch_1")


def test_a_batch_of_another_configuration_takes_nothing_away(store: Store) -> None:
    other = batches.new_intent("worker", "here", "another", 100.0)
    assert batches.intend(store, other, items(0), since=0.0) == keys(0)
    assert batches.open_batches(store, CONFIG) == []
    assert len(batches.open_batches(store)) == 1


def test_what_was_answered_since_then_is_not_handed_in_and_what_is_older_is(store: Store) -> None:
    answered(store, 0, at=50.0)
    answered(store, 1, at=150.0)
    assert intent(store, 0, 1, 2, since=100.0)[1] == keys(0, 2)


def test_what_is_in_a_batch_that_is_too_old_is_handed_in_again(store: Store) -> None:
    old, _ = intent(store, 0, at=100.0)
    batches.remember(store, old, "batch_1", items(0))
    mine = batches.new_intent(old.worker or "", "here", CONFIG, 300.0)
    assert batches.intend(store, mine, items(0), since=200.0) == keys(0)
    batches.remember(store, mine, "batch_2", items(0))
    assert [batch.name for batch in batches.open_batches(store, CONFIG)] == ["batch_1", "batch_2"]


def test_what_another_worker_has_claimed_is_left_to_it_until_it_gives_it_up(store: Store) -> None:
    other = Claims(store)
    other.take([item.key for item in items(0)], since=0.0)
    assert intent(store, 0, 1)[1] == keys(1)
    other.give_up([item.key for item in items(0)])
    assert intent(store, 0)[1] == keys(0)


def test_an_intent_claims_what_is_in_it(store: Store) -> None:
    intent(store, 0)
    assert Claims(store).take([item.key for item in items(0, 1)], since=0.0) == keys(1)


def test_an_intent_of_nothing_is_none(store: Store, database: Database) -> None:
    answered(store, 0, at=50.0)
    assert intent(store, 0)[1] == set()
    assert intent(store)[1] == set()
    assert database.count("batches") == 0


def test_whatever_is_written_twice_is_there_once(store: Store, database: Database) -> None:
    """A transaction is tried again when the connection broke, and may have been committed before."""
    new, _ = intent(store, 0, 1)
    assert batches.intend(store, new, items(0, 1), since=0.0) == keys(0, 1)
    for _ in range(2):
        batches.remember(store, new, "batch_1", items(0, 1))
    assert (database.count("batches"), database.count("batch_items")) == (1, 2)
    for _ in range(2):
        batches.forget(store, "batch_1")
    assert database.count("batch_items") == 0


def test_a_batch_is_remembered_also_when_somebody_has_given_up_its_intent(store: Store) -> None:
    new, _ = intent(store, 0)
    batches.forget(store, new.name)
    batches.remember(store, new, "batch_1", items(0))
    assert batches.items_of(store, "batch_1").keys() == keys(0)


def test_who_lives_is_known(store: Store) -> None:
    claims = Claims(store)
    assert batches.living(store) == set()
    claims.take([], since=0.0)
    assert batches.living(store) == {claims.worker}
    claims.leave()
    assert batches.living(store) == set()


@pytest.mark.parametrize("count", [2000])
def test_a_large_batch_is_written_and_read_whole(store: Store, count: int) -> None:
    new, ours = intent(store, *range(count))
    assert len(ours) == count
    batches.remember(store, new, "batch_1", items(*range(count)))
    assert len(batches.items_of(store, "batch_1")) == count
    assert batches.free(store, new, [item.key for item in items(*range(count + 1))], since=0.0) == keys(count)
