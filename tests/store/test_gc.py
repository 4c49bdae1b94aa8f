"""Tidying up takes what was asked for and what belongs to nothing, and never an answer that is still wanted."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evalgate.exchange import Answer
from evalgate.store import Bought, Claims, Scored, Store, dialect, gc, open_store, schema
from evalgate.store.gc import Selection, Waste, find_waste, tidy_up
from tests.store.conftest import Database, bought

TABLES = ("answers", "bodies", "scores")


def answered(number: int, config: str = "c", text: str = "text") -> Bought:
    return Bought(f"r{number}", config, 0, "full", Decimal("0.1"), Answer(text, "stop", answered_at=float(number)))


@pytest.fixture
def filled(store: Store) -> Store:
    """Ten answers of each of two configurations, given at 0 to 9, with a score each; three runs."""
    for config in "cd":
        group = [answered(number, config) for number in range(10)]
        store.add(group)
        store.add_scores([Scored(one.key, "g", "m", 1.0) for one in group])
    for number in range(3):
        store.record_run(f"run{number}", float(number), {"run": f"run{number}"})
    return store


def what_is_left(database: Database) -> list[tuple[Any, ...]]:
    return database.query("SELECT config, answered_at FROM answers ORDER BY config, answered_at")


@pytest.mark.parametrize(
    ("selection", "gone", "stays"),
    [
        (Selection(), 0, lambda config, at: True),
        (Selection(before=4.0), 8, lambda config, at: at >= 4),
        (Selection(unless_of=frozenset("c")), 10, lambda config, at: config == "c"),
        (Selection(unless_of=frozenset("cd")), 0, lambda config, at: True),
        (Selection(unless_of=frozenset()), 20, lambda config, at: False),
        (Selection(before=4.0, unless_of=frozenset("c")), 4, lambda config, at: config == "c" or at >= 4),
    ],
)
def test_answers_that_meet_every_condition_go_with_all_that_is_theirs(
    filled: Store, database: Database, selection: Selection, gone: int, stays: Callable[[str, float], bool]
) -> None:
    expected = [(config, float(at)) for config in "cd" for at in range(10) if stays(config, at)]
    found = find_waste(filled, selection)
    assert found == Waste(gone, Decimal("0.1") * gone, gone, 0, 0, 0, 0)
    assert len(what_is_left(database)) == 20  # looking deletes nothing
    assert tidy_up(filled, selection).waste == found
    assert what_is_left(database) == expected
    assert [database.count(table) for table in TABLES] == [len(expected)] * 3
    assert find_waste(filled, selection).nothing
    assert tidy_up(filled, selection).waste.nothing


def test_thousands_of_answers_go(store: Store, database: Database) -> None:
    store.add([answered(number) for number in range(1700)])
    selection = Selection(before=1600.0)
    assert find_waste(store, selection).answers == tidy_up(store, selection).waste.answers == 1600
    assert [at for _, at in what_is_left(database)] == list(range(1600, 1700))


def test_what_was_answered_anew_since_it_was_found_stays(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add([answered(1), answered(2)])
    anew = replace(answered(1), since=50.0, answer=Answer("new", "stop", answered_at=60.0))
    write, written = store.write, []

    def meanwhile(work: Any) -> Any:
        if not written:
            with open_store(database.name) as other:
                other.add([anew])
        written.append(work)
        return write(work)

    monkeypatch.setattr(store, "write", meanwhile)
    assert tidy_up(store, Selection(before=50.0)).waste.answers == 1
    assert store.find([answered(1).key, answered(2).key]) == {anew.key: anew.answer}


def test_nobody_waits_while_it_looks(store: Store, database: Database) -> None:
    store.add([answered(number) for number in range(3)])
    with open_store(database.name) as other, other._engine.begin() as writer:
        dialect.be_the_only_writer(writer)
        (found,) = itertools.islice(gc._found(store, sa.select(schema.answers.c.key)), 1)
    assert len(found) == 3


def test_what_belongs_to_no_answer_goes_always(filled: Store, database: Database) -> None:
    filled.add_scores([Scored("lost", "g", metric, 0.5) for metric in "abc"])
    database.query("DELETE FROM answers WHERE key = ?", answered(1).key)
    for told in (find_waste(filled, Selection()), tidy_up(filled, Selection()).waste):
        assert (told.answers, told.lost_scores, told.lost_bodies) == (0, 4, 1)
    assert [database.count(table) for table in TABLES] == [19] * 3


def test_the_newest_runs_are_kept(filled: Store) -> None:
    assert find_waste(filled, Selection(keep_runs=5)).runs == 0
    for told in (find_waste(filled, Selection(keep_runs=1)), tidy_up(filled, Selection(keep_runs=1)).waste):
        assert told.runs == 2
    assert [board["run"] for board in filled.boards()] == ["run2"]


def test_claims_of_the_dead_go_and_those_of_the_living_stay(store: Store, database: Database) -> None:
    Claims(store).take(["mine"], since=0.0)
    with open_store(database.name) as other:
        Claims(other).take(["theirs"], since=0.0)
    dead = subprocess.Popen(["true"])  # its number is of no process any more
    dead.wait()
    place, worker = database.query(
        "SELECT place, workers.worker FROM workers JOIN claims ON workers.worker = claims.worker WHERE key = 'theirs'"
    )[0]
    database.query(
        "UPDATE workers SET place = ? WHERE worker = ?", place.replace(str(os.getpid()), str(dead.pid)), worker
    )
    assert find_waste(store, Selection()).workers == 1
    assert database.count("claims") == 2
    assert tidy_up(store, Selection()).waste.workers == 1
    assert database.query("SELECT key FROM claims") == [("mine",)]


class Cut(Exception):
    """The end of a process."""


def test_whoever_is_stopped_in_the_middle_has_whole_answers(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = [answered(number) for number in range(1200)]
    store.add(group)
    store.add_scores([Scored(one.key, "g", "m", 1.0) for one in group])
    deletes = 0

    def cut(connection: sa.Connection, cursor: object, statement: str, *rest: object) -> None:
        nonlocal deletes
        deletes += statement.startswith("DELETE FROM bodies")
        if deletes == 2:
            raise Cut

    sa.event.listen(store._engine, "before_cursor_execute", cut)
    with pytest.raises(Cut):
        tidy_up(store, Selection(before=1e9))
    sa.event.remove(store._engine, "before_cursor_execute", cut)
    assert [database.count(table) for table in TABLES] == [700] * 3
    assert tidy_up(store, Selection(before=1e9)).waste.answers == 700
    assert [database.count(table) for table in TABLES] == [0] * 3


def test_the_file_shrinks(store: Store, database: Database) -> None:
    store.add([answered(number, text="text" * 2000) for number in range(200)])
    tidied = tidy_up(store, Selection(before=1e9))
    if database.is_sqlite:
        assert tidied.freed > 1_000_000
        assert tidied.note == ""
    else:
        assert tidied.note == "PostgreSQL keeps the room for what comes next"


@pytest.mark.parametrize(("writes", "note"), [(False, "others are reading"), (True, "cannot be made smaller now")])
def test_a_file_that_others_use_shrinks_another_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: bool, note: str
) -> None:
    monkeypatch.setattr("evalgate.store.dialect.PATIENCE_SECONDS", 0.1)
    name = str(tmp_path / "x.db")
    with open_store(name) as store, open_store(name) as other:
        store.add([bought()])
        give_back = store.give_back

        def meanwhile() -> str:
            with other._engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
                connection.exec_driver_sql("SELECT count(*) FROM answers").all()
                return give_back()

        monkeypatch.setattr(store, "give_back", meanwhile)
        tidied = tidy_up(store, Selection(before=1e9))
        assert tidied.waste.answers == 1
        assert note in tidied.note
        assert other.find([bought().key]) == {}
