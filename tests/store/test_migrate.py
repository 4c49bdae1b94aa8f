"""A store of an older evalgate is brought up to date when it is opened: all of the way, or not at all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from evalgate.errors import InputError, StoreError
from evalgate.store import Scored, migrate, open_store
from tests.store.conftest import Database, back_to_version_1, bought

REAL = migrate.STEPS


def add_a_region(connection: sa.Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE answers ADD COLUMN region VARCHAR(9)")
    connection.exec_driver_sql("UPDATE answers SET region = 'here'")


def halve_the_scores(connection: sa.Connection) -> None:
    connection.exec_driver_sql("UPDATE scores SET score = score / 2")


def fail(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE half_way (something TEXT)")
    connection.exec_driver_sql("DROP TABLE scores")
    connection.exec_driver_sql("SELECT * FROM nowhere")


@pytest.fixture
def old(database: Database) -> Database:
    """A store of schema version 1 with an answer and its score."""
    with open_store(database.name) as store:
        store.add([bought()])
        store.add_scores([Scored(bought().key, "g", "m", 1.0)])
    back_to_version_1(database)
    return database


def version(database: Database) -> int:
    return int(database.query("SELECT value FROM meta WHERE name = 'schema'")[0][0])


def take(monkeypatch: pytest.MonkeyPatch, *further: Callable[[sa.Connection], None]) -> int:
    """Let there be `further` steps after the real ones; returns the version that they lead to."""
    monkeypatch.setattr(migrate, "STEPS", (*REAL, *further))
    return 1 + len(REAL) + len(further)


def columns(database: Database) -> set[tuple[object, ...]]:
    """Every column and index that the store has, as the database itself describes it."""
    with open_store(database.name) as store, store._engine.connect() as connection:
        look = sa.inspect(connection)
        tables = look.get_table_names()
        there = {
            (table, column["name"], str(column["type"]), column["nullable"])
            for table in tables
            for column in look.get_columns(table)
        }
        keys = {(table, "key", tuple(look.get_pk_constraint(table)["constrained_columns"])) for table in tables}
        indexes = {(table, it["name"], tuple(it["column_names"])) for table in tables for it in look.get_indexes(table)}
        return there | keys | indexes


def test_a_new_store_has_the_latest_version_and_needs_no_step(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    latest = take(monkeypatch, fail, fail)
    for _ in range(2):
        with open_store(database.name) as store:
            store.add([bought()])
    assert version(database) == latest


def test_a_store_of_version_1_is_brought_up_to_date_and_keeps_its_answers(old: Database) -> None:
    assert version(old) == 1
    for _ in range(2):
        with open_store(old.name) as store:
            assert store.find([bought().key]) == {bought().key: bought().answer}
            assert store.scores([bought().key], "g") == {bought().key: {"m": 1.0}}
    assert version(old) == 1 + len(REAL)
    assert [old.count(table) for table in ("workers", "claims", "batches", "batch_items")] == [0, 0, 0, 0]


def test_tokens_that_were_never_counted_are_unknown_after_the_migration(database: Database) -> None:
    counts = {"counted": (3, 2), "empty": (3, 0), "uncounted": (0, 0), "half": (0, 2), "refused": (0, 0)}
    with open_store(database.name) as store:
        for name, (asked, said) in counts.items():
            finish = "refused" if name == "refused" else "stop"
            answer = replace(bought().answer, finish_reason=finish, input_tokens=asked, output_tokens=said)
            store.add([replace(bought(name), answer=answer)])
    back_to_version_1(database)
    with open_store(database.name) as store:
        found = {name: store.find([bought(name).key])[bought(name).key] for name in counts}
    assert {name: (it.input_tokens, it.output_tokens) for name, it in found.items()} == {
        "counted": (3, 2),
        "empty": (3, 0),
        "uncounted": (None, None),
        "half": (None, 2),
        "refused": (0, 0),
    }


def test_a_store_that_was_brought_up_to_date_has_the_tables_of_a_new_one(database: Database) -> None:
    open_store(database.name).__exit__()
    new = columns(database)
    back_to_version_1(database)
    assert columns(database) == new


def test_steps_that_a_store_lacks_are_taken_once_and_in_order(old: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    latest = take(monkeypatch, add_a_region)
    open_store(old.name).__exit__()
    assert (version(old), old.query("SELECT region FROM answers")) == (latest, [("here",)])
    take(monkeypatch, add_a_region, halve_the_scores)
    for _ in range(2):
        with open_store(old.name) as store:
            assert store.scores([bought().key], "g") == {bought().key: {"m": 0.5}}
            assert store.find([bought().key])[bought().key].text == "text"
    assert version(old) == latest + 1


def test_a_step_that_fails_changes_nothing(old: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    take(monkeypatch, add_a_region, fail)
    with pytest.raises(StoreError, match=r"cannot be opened: .*nowhere"):
        open_store(old.name)
    assert version(old) == 1
    take(monkeypatch, add_a_region)  # the steps before it were not kept either: they can be taken
    with open_store(old.name) as store:
        assert store.scores([bought().key], "g") == {bought().key: {"m": 1.0}}
    take(monkeypatch, add_a_region, lambda it: it.exec_driver_sql("CREATE TABLE half_way (a INT)"))
    open_store(old.name).__exit__()  # nor is the table that the failing step made


def test_an_older_evalgate_refuses_the_migrated_store(old: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as newer:
        latest = take(newer, add_a_region)
        open_store(old.name).__exit__()
    with pytest.raises(InputError, match=rf"newer evalgate \(schema {latest}; this one knows {latest - 1}\)"):
        open_store(old.name)


MIGRATING = """
import sys
from evalgate.store import migrate, open_store
def double(connection):
    connection.exec_driver_sql("UPDATE scores SET score = score * 2")
migrate.STEPS = (*migrate.STEPS, double)
print("ready", flush=True)
sys.stdin.readline()
with open_store(sys.argv[1]):
    pass
"""


def test_two_processes_that_migrate_at_once_take_the_step_once(old: Database) -> None:
    command = [sys.executable, "-c", MIGRATING, old.name]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60) and process.returncode for process in processes] == [0, 0]
    assert (version(old), old.query("SELECT score FROM scores")) == (2 + len(REAL), [(2.0,)])
