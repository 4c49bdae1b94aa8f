"""Opening a store: made when it is not there; what cannot be used is left as it was."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest

from evalgate.errors import EvalgateError, InputError, StoreError
from evalgate.store import migrate, open_store, open_to_read
from tests.store.conftest import Database, Server, bought

CURRENT = 1 + len(migrate.STEPS)
NEXT = str(CURRENT + 1)


def test_a_store_and_its_folder_are_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "evalgate.db"
    with open_store(str(path)) as store:
        store.add([bought()])
    assert path.is_file()


@pytest.mark.parametrize("name", ["a@b@c.db", "a?b.db", "a%20b.db", "a#b.db", "a b.db", "ä.db", "x"])
def test_a_path_is_taken_as_it_stands(tmp_path: Path, name: str) -> None:
    with open_store(str(tmp_path / name)) as store:
        store.add([bought()])
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_url_names_a_store_too(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/url.db") as store:
        store.add([bought()])
    with open_store(str(tmp_path / "url.db")) as store:
        assert list(store.find([bought().key])) == [bought().key]


@pytest.mark.parametrize(
    "name", ["", ":memory:", "sqlite://", "sqlite:///:memory:", "nosuch://x", "postgresql://u@h:port/x", "://"]
)
def test_what_is_no_store_that_lasts_is_an_input_error(name: str) -> None:
    with pytest.raises(InputError, match="store"):
        open_store(name)


def test_what_is_no_database_is_a_store_error_and_stays_as_it_was(tmp_path: Path) -> None:
    junk = tmp_path / "junk.db"
    junk.write_bytes(b"no database" * 500)
    for path in (junk, tmp_path, junk / "below.db", Path("/proc/nowhere/x.db")):
        with pytest.raises(StoreError, match="cannot be opened"):
            open_store(str(path))
    assert junk.read_bytes() == b"no database" * 500


@pytest.mark.parametrize("table", ["meta", "answers"])
def test_a_database_of_another_program_that_has_such_a_table_is_refused(database: Database, table: str) -> None:
    database.query(f"CREATE TABLE {table} (something TEXT)")
    message = "not an evalgate store" if database.is_sqlite else "cannot be opened"
    with pytest.raises(EvalgateError, match=message):
        open_store(database.name)
    database.query(f"DROP TABLE {table}")
    with open_store(database.name) as store:  # nothing was left behind
        store.add([bought()])


def test_a_file_of_another_program_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "browser.db"
    with contextlib.closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE bookmarks (id INTEGER PRIMARY KEY AUTOINCREMENT)")
    before = path.read_bytes()
    for opening in (open_store, open_to_read):
        with pytest.raises(InputError, match=r"browser.db: not an evalgate store, but another program's database"):
            opening(str(path))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_postgresql_is_shared_with_other_programs(postgresql: Server) -> None:
    database = postgresql.new_database()
    database.query("CREATE TABLE bookmarks (id INTEGER)")
    with open_store(database.name) as store:
        store.add([bought()])
    assert database.count("bookmarks") == 0


@pytest.mark.parametrize("version", [NEXT, "two"])
def test_a_store_of_a_newer_schema_is_refused_on_either_database(database: Database, version: str) -> None:
    open_store(database.name).__exit__()
    database.query("UPDATE meta SET value = ?", version)
    with pytest.raises(
        InputError, match=rf"written by a newer evalgate \(schema {version}; this one knows {CURRENT}\)"
    ):
        open_store(database.name)
    assert database.query("SELECT value FROM meta") == [(version,)]


@pytest.mark.parametrize("version", [NEXT, "99", "two", ""])
def test_a_store_written_by_a_newer_schema_is_refused_and_untouched(tmp_path: Path, version: str) -> None:
    path = tmp_path / "newer.db"
    with open_store(str(path)) as store:
        store.add([bought()])
    connection = sqlite3.connect(path)
    connection.execute("UPDATE meta SET value = ?", (version,))
    connection.execute("ALTER TABLE answers ADD COLUMN region TEXT")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(
        InputError, match=rf"written by a newer evalgate \(schema {version}; this one knows {CURRENT}\)"
    ):
        open_store(str(path))
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["newer.db"]


def test_many_may_make_the_same_store_at_once(database: Database) -> None:
    failures, ready = [], threading.Barrier(8)

    def make(number: int) -> None:
        try:
            ready.wait()
            with open_store(database.name) as store:
                store.add([bought(f"r{number}")])
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with open_store(database.name) as store:
        assert len(store.find([bought(f"r{number}").key for number in range(8)])) == 8
    assert database.query("SELECT name, value FROM meta") == [("schema", str(CURRENT))]


def test_a_store_that_was_cut_short_is_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "cut.db"
    with open_store(str(path)) as store:
        store.add([bought(f"r{number}") for number in range(500)])
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(StoreError), open_store(str(path)) as store:
        store.find([bought(f"r{number}").key for number in range(500)])


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"\xff"])
def test_a_damaged_answer_is_a_store_error(database: Database, body: bytes) -> None:
    with open_store(database.name) as store:
        store.add([bought()])
        database.query("UPDATE bodies SET body = ?", body)
        with pytest.raises(StoreError, match="damaged"):
            store.find([bought().key])
