"""What the store says of itself is what is in it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from evalgate.errors import StoreError
from evalgate.exchange import Answer
from evalgate.store import Bought, Claims, Scored, Store, migrate, open_store, open_to_read
from evalgate.store.statistics import Statistics, statistics
from tests.store.conftest import Database, bought


def answered(number: int, variant: str = "full", config: str = "c", **answer: object) -> Bought:
    given = Answer("text", "stop", 10, 2, answered_at=float(number))
    return Bought(f"r{number}", config, 0, variant, Decimal("0.1"), replace(given, **answer))


@pytest.fixture
def filled(store: Store) -> Store:
    store.add([answered(number) for number in range(1, 5)])
    store.add([answered(9, "full", "other"), answered(7, "cheap", "x", finish_reason="refused", error="no")])
    store.add_scores([Scored(answered(1).key, grading, "m", 1.0) for grading in ("g", "h")])
    store.record_run("one", 1.0, {})
    return store


def test_answers_are_counted_by_variant_and_configuration(filled: Store) -> None:
    found = statistics(filled)
    assert [(each.variant, each.config, each.answers) for each in found.holdings] == [
        ("cheap", "x", 1),
        ("full", "c", 4),
        ("full", "other", 1),
    ]
    full = found.holdings[1]
    assert (full.input_tokens, full.output_tokens, full.usd, full.scores) == (40, 8, Decimal("0.4"), 2)
    assert (full.oldest, full.newest, full.refused) == (1.0, 4.0, 0)
    assert found.holdings[0].refused == 1
    assert found.runs == 1


def test_the_total_is_the_sum_of_all(filled: Store) -> None:
    total = statistics(filled).total
    assert (total.answers, total.refused, total.scores, total.usd) == (6, 1, 2, Decimal("0.6"))
    assert (total.oldest, total.newest) == (1.0, 9.0)


def test_an_empty_store_has_nothing(store: Store) -> None:
    found = statistics(store)
    assert found.holdings == ()
    assert found.total.answers == found.runs == found.claims == found.batches == 0


def test_amounts_are_exact_in_json_too(store: Store) -> None:
    store.add([bought("a", cost="0.000000000001"), bought("b", cost="20000.1")])
    told = orjson.loads(orjson.dumps(statistics(store).to_json()))
    assert Decimal(told["total"]["usd"]) == Decimal(told["variants"][0]["usd"]) == Decimal("20000.100000000001")


def test_what_is_under_way_is_counted(store: Store, database: Database) -> None:
    Claims(store).take(["a", "b"], since=0.0)
    database.query("INSERT INTO batches VALUES ('b1', 'acme', 'c', 1.0)")
    database.query("INSERT INTO batch_items VALUES ('b1', 'k', 'r', 0)")
    found = statistics(store)
    assert (found.claims, found.batches, found.batch_items) == (2, 1, 1)


def test_the_size_is_that_on_disk(store: Store, database: Database) -> None:
    before = statistics(store).size
    store.add([bought(f"r{number}", "text" * 1000) for number in range(300)])
    grown = statistics(store).size
    assert grown - before > (1_000_000 if database.is_sqlite else 10_000)  # PostgreSQL compresses what repeats itself
    if database.is_sqlite:
        files = Path(database.name), Path(f"{database.name}-wal")
        assert grown == sum(file.stat().st_size for file in files)


def test_an_older_store_says_so_and_stays_one(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(database.name) as store:
        store.add([bought()])
    version = int(database.query("SELECT value FROM meta")[0][0])
    monkeypatch.setattr(migrate, "STEPS", (*migrate.STEPS, lambda connection: None))

    def look() -> Statistics:
        with open_to_read(database.name) as store:
            return statistics(store)

    assert look() == look()
    assert (look().schema, look().total.answers, look().claims) == (version, 1, 0)


def test_a_store_that_cannot_be_read_is_a_store_error(store: Store, database: Database) -> None:
    database.query("DROP TABLE scores")
    with pytest.raises(StoreError, match=r"cannot be read: .*scores"):
        statistics(store)
