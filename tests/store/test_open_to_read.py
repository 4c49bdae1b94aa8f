"""Looking at a store: it has to be there, and it is afterwards what it was before, to the byte."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalgate.errors import EvalgateError, InputError, StoreError
from evalgate.store import Store, dialect, migrate, open_store, open_to_read
from tests.store.conftest import Database, Server, back_to_version_1, bought


@pytest.fixture
def filled(database: Database) -> Database:
    with open_store(database.name) as store:
        store.add([bought()])
    return database


def test_what_is_there_can_be_read_and_not_written(filled: Database) -> None:
    with open_to_read(filled.name) as store:
        assert store.find([bought().key]) == {bought().key: bought().answer}
        with pytest.raises(StoreError, match=r"cannot be written: .*read-?only"):
            store.add([bought("other")])
    assert filled.count("answers") == 1


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    for name in ("x.db", "no/folder/x.db", "."):
        with pytest.raises(InputError, match="there is no such file"):
            open_to_read(str(tmp_path / name))
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_our_tables_is_no_store_and_gets_none(database: Database) -> None:
    if database.is_sqlite:
        Path(database.name).touch()
    with pytest.raises(InputError, match="not an evalgate store"):
        open_to_read(database.name)
    with pytest.raises(Exception, match="answers"):
        database.count("answers")


def test_what_is_no_database_is_no_store(tmp_path: Path) -> None:
    junk = tmp_path / "junk.db"
    junk.write_bytes(b"no database" * 500)
    with pytest.raises(InputError, match="not an evalgate store"):
        open_to_read(str(junk))


def test_a_store_of_an_older_version_is_read_as_it_is(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    version = filled.query("SELECT value FROM meta")
    monkeypatch.setattr(migrate, "STEPS", (*migrate.STEPS, lambda connection: None))
    with open_to_read(filled.name) as store:
        assert list(store.find([bought().key])) == [bought().key]
    assert filled.query("SELECT value FROM meta") == version


def test_an_older_version_that_cannot_be_read_as_it_is_says_what_to_do(filled: Database) -> None:
    back_to_version_1(filled)
    with pytest.raises(InputError, match=r"older evalgate \(schema 1\).*evalgate store gc"):
        open_to_read(filled.name)


def test_a_newer_version_is_refused(filled: Database) -> None:
    filled.query("UPDATE meta SET value = '99'")
    with pytest.raises(InputError, match=r"newer evalgate \(schema 99"):
        open_to_read(filled.name)


def test_a_file_that_was_looked_at_is_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "a?b%20.db"
    with open_store(str(path)) as store:
        store.add([bought()])
    before = path.read_bytes()
    with open_to_read(str(path)) as store:
        assert len(store.find([bought().key])) == 1
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_in_the_log_is_read(tmp_path: Path) -> None:
    killed = tmp_path / "killed.db"
    with open_store(str(tmp_path / "alive.db")) as store:
        store.add([bought()])
        for ending in ("", "-wal"):
            shutil.copy(f"{tmp_path}/alive.db{ending}", f"{killed}{ending}")
    with open_to_read(str(killed)) as store:
        assert len(store.find([bought().key])) == 1


def test_whoever_looks_sees_one_state_while_others_write(filled: Database) -> None:
    with open_to_read(filled.name) as looking, looking.snapshot() as connection, open_store(filled.name) as writing:
        count = "SELECT count(*) FROM answers"
        assert connection.exec_driver_sql(count).scalar() == 1
        writing.add([bought("other")])
        assert connection.exec_driver_sql(count).scalar() == 1
    assert filled.count("answers") == 2


@contextlib.contextmanager
def as_somebody_else() -> Iterator[None]:
    """Rights do not bind root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
@pytest.mark.parametrize("log", [False, True])
def test_a_store_where_nothing_can_be_written_is_read_unless_its_log_is_needed(log: bool) -> None:
    folder = Path(tempfile.mkdtemp())  # where somebody else gets to
    path = folder / "x.db"
    try:
        with open_store(str(path)) as store:
            store.add([bought()])
            shutil.copy(f"{path}-wal", folder / "kept")
        if log:
            (folder / "kept").rename(f"{path}-wal")
        for file in folder.iterdir():
            file.chmod(0o444)
        folder.chmod(0o555)
        with as_somebody_else():
            if log:
                with pytest.raises(StoreError, match="cannot be opened"):
                    open_to_read(str(path))
            else:
                with open_to_read(str(path)) as store:
                    assert len(store.find([bought().key])) == 1
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_one_store_is_the_same_by_every_name(filled: Database, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.touch()
    open_store(str(other)).__exit__()

    def identity(store: Store) -> tuple[object, ...]:
        with store, store.snapshot() as connection:
            return dialect.identity(connection)

    again = filled.name.replace("postgresql://", "postgres://")
    if filled.is_sqlite:
        again = str(tmp_path / "link.db")
        Path(again).symlink_to(filled.name)
    assert identity(open_store(filled.name)) == identity(open_to_read(again))
    assert identity(open_store(filled.name)) != identity(open_to_read(str(other)))


def test_two_schemas_of_one_database_are_two_stores(postgresql: Server) -> None:
    stores = [open_store(postgresql.new_database().name) for _ in range(2)]
    found = set()
    for store in stores:
        with store, store.snapshot() as connection:
            found.add(dialect.identity(connection))
    assert len(found) == 2


def test_no_error_tells_the_password() -> None:
    with pytest.raises(EvalgateError) as caught:
        open_to_read("postgresql://me:s3cret@127.0.0.1:1/x")
    assert "s3cret" not in str(caught.value)


def test_a_file_that_is_kept_without_a_log_stays_so(tmp_path: Path) -> None:
    path = tmp_path / "one-file.db"
    with open_store(str(path)) as store:
        store.add([bought()])
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    before = path.read_bytes()
    with open_to_read(str(path)) as store:
        assert len(store.find([bought().key])) == 1
    assert path.read_bytes() == before
