"""A store of an older evalgate is brought up to date when it is opened: all of the way, or not at all."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sqlalchemy as sa

from evalgate.errors import InputError, StoreError
from evalgate.store import Scored, migrate, open_store
from tests.store.conftest import Database, bought


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
    return database


def version(database: Database) -> str:
    return str(database.query("SELECT value FROM meta WHERE name = 'schema'")[0][0])


def test_a_new_store_has_the_latest_version_and_needs_no_step(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "STEPS", (fail, fail))
    for _ in range(2):
        with open_store(database.name) as store:
            store.add([bought()])
    assert version(database) == "3"


def test_steps_that_a_store_lacks_are_taken_once_and_in_order(old: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "STEPS", (add_a_region,))
    open_store(old.name).__exit__()
    assert (version(old), old.query("SELECT region FROM answers")) == ("2", [("here",)])
    monkeypatch.setattr(migrate, "STEPS", (add_a_region, halve_the_scores))
    for _ in range(2):
        with open_store(old.name) as store:
            assert store.scores([bought().key], "g") == {bought().key: {"m": 0.5}}
            assert store.find([bought().key])[bought().key].text == "text"
    assert version(old) == "3"


def test_a_step_that_fails_changes_nothing(old: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "STEPS", (add_a_region, fail))
    with pytest.raises(StoreError, match=r"cannot be opened: .*nowhere"):
        open_store(old.name)
    monkeypatch.setattr(migrate, "STEPS", (add_a_region,))  # the first step was not kept either: it can be taken
    with open_store(old.name) as store:
        assert store.scores([bought().key], "g") == {bought().key: {"m": 1.0}}
    monkeypatch.setattr(
        migrate, "STEPS", (add_a_region, lambda it: it.exec_driver_sql("CREATE TABLE half_way (a INT)"))
    )
    open_store(old.name).__exit__()  # nor is the table that the failing step made


def test_an_older_evalgate_refuses_the_migrated_store(old: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(migrate, "STEPS", (add_a_region,))
        open_store(old.name).__exit__()
    with pytest.raises(InputError, match=r"newer evalgate \(schema 2; this one knows 1\)"):
        open_store(old.name)


MIGRATING = """
import sys
from evalgate.store import migrate, open_store
def double(connection):
    connection.exec_driver_sql("UPDATE scores SET score = score * 2")
migrate.STEPS = (double,)
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
    assert (version(old), old.query("SELECT score FROM scores")) == ("2", [(2.0,)])
