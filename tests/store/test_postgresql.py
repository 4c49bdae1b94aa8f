"""What only a server can do wrong: be away, restart, want a driver and a password."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time

import pytest

from evalgate.errors import EvalgateError, InputError, StoreError
from evalgate.store import open_store
from evalgate.store.url import parse
from tests.store.conftest import PASSWORD, Server, bought


def test_a_server_that_cannot_be_reached_is_a_store_error_at_once() -> None:
    pytest.importorskip("psycopg")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    begun = time.monotonic()
    with pytest.raises(StoreError, match=rf"store postgresql://me@127.0.0.1:{port}/x: cannot be opened: .*refused"):
        open_store(f"postgresql://me@127.0.0.1:{port}/x")
    assert time.monotonic() - begun < 5


def test_a_database_that_is_not_there_is_a_store_error(postgresql: Server) -> None:
    name = postgresql.new_database().name.replace("/postgres?", "/nowhere?")
    with pytest.raises(StoreError, match=r"cannot be opened: .*nowhere. does not exist$") as caught:
        open_store(name)
    assert "\n" not in str(caught.value)


def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InputError, match=r"store postgresql://me@h/x: .*pip install 'evalgate-harness\[postgres\]'"):
        open_store("postgresql://me@h/x")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_is_psycopg_3_and_shown_as_written(scheme: str) -> None:
    url, shown = parse(f"{scheme}://me:{PASSWORD}@h:1/x?sslmode=require")
    assert url.drivername == "postgresql+psycopg"
    assert url.password == PASSWORD
    assert shown == f"{scheme}://me:***@h:1/x?sslmode=require"


@pytest.mark.parametrize(
    "name",
    [
        "postgresql://me:s3cret@127.0.0.1:1/x",
        "postgresql://me@127.0.0.1:1/x?password=s3cret&sslpassword=s3cret",
        "postgresql://me:pass@s3cret@127.0.0.1/x",
        "postgresql://me:pass@x/s3cret@127.0.0.1/x",
        "postgresql://me:pass@x?s3cret@127.0.0.1/x",
        "postgresql://me:pass:s3cret",
        "postgresql://me:pass/word@h:s3cret/x",
        "postgresql://me:s3cret@127.0.0.1:1/x?nosuch=s3cret",
        "postgresql+psycopg2://me:s3cret@127.0.0.1/x",
        "mysql://me:s3cret@127.0.0.1:1/x",
        "nosuch://me:s3cret@127.0.0.1:1/x",
    ],
)
def test_a_password_in_the_name_is_not_told(name: str) -> None:
    with pytest.raises(EvalgateError) as caught:
        open_store(name)
    failure: BaseException | None = caught.value
    while failure is not None:
        assert "s3cret" not in f"{failure!r} {failure}".replace("nosuch=s3cret", "")
        failure = failure.__cause__


def test_no_error_of_an_open_store_tells_the_password(postgresql: Server) -> None:
    database = postgresql.new_database()
    assert PASSWORD in database.name
    with open_store(database.name) as store:
        database.query("DROP TABLE bodies")
        for failing in (lambda: store.add([bought()]), lambda: store.find(["k"])):
            with pytest.raises(StoreError) as caught:
                failing()
            assert "postgres:***@" in str(caught.value)
            assert PASSWORD not in str(caught.value) + store.name


def test_a_restart_in_the_middle_loses_nothing_and_ends_nothing(postgresql: Server) -> None:
    database, failures, written = postgresql.new_database(), [], threading.Event()
    count = 400

    def write() -> None:
        try:
            with open_store(database.name) as store:
                for number in range(count):
                    store.add([bought(f"r{number}")])
                    time.sleep(0.002)
                    if number == 20:
                        written.set()
        except Exception as failure:
            failures.append(failure)
            written.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert written.wait(30)
    postgresql.stop()
    try:
        time.sleep(0.3)
        assert writer.is_alive()
    finally:
        postgresql.start()
    writer.join()
    assert failures == []
    assert (database.count("answers"), database.count("bodies")) == (count, count)


def test_a_server_that_stays_away_is_a_store_error(postgresql: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalgate.store.dialect.PATIENCE_SECONDS", 0.3)
    with open_store(postgresql.new_database().name) as store:
        postgresql.stop()
        try:
            with pytest.raises(StoreError, match="cannot be written"):
                store.add([bought()])
            with pytest.raises(StoreError, match="cannot be read"):
                store.find(["k"])
        finally:
            postgresql.start()
        store.add([bought()])
        assert len(store.find([bought().key])) == 1


def test_whoever_stays_with_sqlite_loads_nothing_of_postgresql(tmp_path: object) -> None:
    program = (
        "import sys; from evalgate.store import open_store, Scored\n"
        "with open_store(sys.argv[1]) as store: store.add_scores([Scored('k', 'g', 'm', 1.0)])\n"
        "print([name for name in sys.modules if 'psycopg' in name or 'postgresql' in name])"
    )
    command = [sys.executable, "-c", program, f"{tmp_path}/x.db"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
