"""A PostgreSQL store is divided while others work with it: nothing is lost, whoever is stopped goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from evalgate.errors import InputError, StoreError
from evalgate.store import Bought, Scored, Store, open_store
from evalgate.store import partition as partitioning
from evalgate.store.gc import Selection, tidy_up
from evalgate.store.partition import DIGITS, is_partitioned, partition
from evalgate.store.statistics import statistics
from tests.store.conftest import PASSWORD, Database, Server, bought
from tests.store.test_merge import content
from tests.store.test_migrate import columns


@pytest.fixture
def database(postgresql: Server) -> Database:
    return postgresql.new_database()


@pytest.fixture
def filled(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """700 answers with two scores each, copied 500 rows at a time."""
    monkeypatch.setattr(partitioning, "PAGE", 500)
    fill(store, range(700))
    return store


def fill(store: Store, numbers: range, since: float = 0.0) -> None:
    answers = [at(number, since) for number in numbers]
    store.add(answers)
    store.add_scores(Scored(one.key, "g", metric, 0.5) for one in answers for metric in "ab")


def at(number: int, time: float = 0.0) -> Bought:
    one = bought(f"r{number}")
    return replace(one, answer=replace(one.answer, answered_at=max(1.0, time)), since=time)


def divided(store: Store) -> bool:
    with store.snapshot() as connection:
        return is_partitioned(connection)


def test_a_divided_store_has_what_it_had(filled: Store) -> None:
    before = content(filled)
    assert sum(partition(filled)) == 700 + 700 + 1400
    assert divided(filled)
    assert content(filled) == before
    assert list(partition(filled)) == []


def test_it_is_described_as_before_and_named_as_before(database: Database) -> None:
    before = columns(database)
    with open_store(database.name) as store:
        list(partition(store))
    parts = {f"{table}_{digit}" for table in ("answers", "bodies", "scores") for digit in DIGITS}
    after = {each for each in columns(database) if each[0] not in parts}
    assert {tuple(str(it).replace(' COLLATE "C"', "") for it in each) for each in after} == {
        tuple(str(it) for it in each) for each in before
    }


def test_a_key_is_in_the_part_of_its_digit(filled: Store, database: Database) -> None:
    filled.add_scores([Scored(odd, "g", "m", 1.0) for odd in ("!", "Z", "é", "/")])
    list(partition(filled))
    for digit in DIGITS[1:-1]:
        keys = [key for (key,) in database.query(f"SELECT key FROM answers_{digit}")]
        assert keys
        assert {key[0] for key in keys} == {digit}
    assert database.count("scores") == 1404


def test_what_others_write_meanwhile_is_kept(filled: Store, database: Database, postgresql: Server) -> None:
    """New answers, newer ones and their scores, and what is deleted, before and after it was copied."""

    def work(other: Store, step: int) -> None:
        fill(other, range(700 + 10 * step, 710 + 10 * step))
        fill(other, range(20 * step, 20 * step + 20), since=10.0 + step)
        tidy_up(other, Selection(before=1.5) if step == 3 else Selection())

    with open_store(postgresql.new_database().name) as expected, open_store(database.name) as other:
        fill(expected, range(700))
        steps = 0
        for step, _ in enumerate(partition(filled)):
            work(other, step)
            work(expected, step)
            steps += 1
        assert steps > 3
        assert divided(filled)
        assert content(filled) == content(expected)
        assert len(content(filled)[0]) > 50


def half(store: Store) -> None:
    steps: Iterator[int] = partition(store)
    assert next(steps) == 500


def test_whoever_is_stopped_leaves_a_store_that_works_and_goes_on(filled: Store, database: Database) -> None:
    half(filled)
    fill(filled, range(700, 720))
    before = content(filled)
    assert not divided(filled)
    with open_store(database.name) as another:
        assert sum(partition(another)) <= 4 * 720 - 500
        assert content(another) == before
    assert database.query("SELECT name FROM meta") == [("schema",)]
    fill(filled, range(720, 730))  # no trigger is left that would want the other table
    assert database.count("answers") == 730


def test_what_an_older_evalgate_left_half_done_is_begun_anew(filled: Store, database: Database) -> None:
    before = content(filled)
    half(filled)
    database.query("ALTER TABLE answers_parts DROP COLUMN variant")
    assert sum(partition(filled)) == 2800
    assert content(filled) == before


def test_a_copy_that_lacks_something_is_not_exchanged(filled: Store, database: Database) -> None:
    before = content(filled)
    for step, _ in enumerate(partition_until_it_fails(filled)):
        if step == 1:
            database.query("DELETE FROM answers_parts WHERE key IN (SELECT key FROM answers_parts LIMIT 3)")
    assert not divided(filled)
    assert content(filled) == before


def partition_until_it_fails(store: Store) -> Iterator[int]:
    with pytest.raises(StoreError, match="answers has 700 rows, and its partitions 697; nothing was exchanged"):
        yield from partition(store)


def test_whoever_reads_for_long_is_not_waited_for(
    filled: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitioning, "_SWAP_SECONDS", 0.1)
    before = content(filled)
    with open_store(database.name) as reader, reader.snapshot() as connection:
        connection.exec_driver_sql("SELECT 1 FROM answers LIMIT 1").all()
        with pytest.raises(StoreError, match="lock timeout"):
            list(partition(filled))
        assert filled.find([at(1).key])
    list(partition(filled))
    assert divided(filled)
    assert content(filled) == before


def test_an_empty_store_is_divided_at_once(store: Store) -> None:
    assert list(partition(store)) == []
    fill(store, range(200))
    assert divided(store)
    assert len(store.find([at(number).key for number in range(300)])) == 200
    assert store.scores([at(1).key], "g") == {at(1).key: {"a": 0.5, "b": 0.5}}


def test_the_size_of_the_parts_is_the_store_s(filled: Store) -> None:
    before = statistics(filled).size
    list(partition(filled))
    assert statistics(filled).size > before / 2


def test_sqlite_has_no_partitions(tmp_path: Any) -> None:
    with open_store(str(tmp_path / "x.db")) as store, pytest.raises(InputError, match="SQLite has no partitions"):
        list(partition(store))


def test_the_command_divides_and_tells_no_password(store: Store, database: Database) -> None:
    fill(store, range(10))
    command = [sys.executable, "-m", "evalgate", "store", "partition", "--store", database.name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ": 16 partitions, 40 rows copied" in done.stdout
    assert PASSWORD not in done.stdout + done.stderr
    assert divided(store)
