"""All that SQLite and PostgreSQL do not do alike; whatever is not in here is the same statement on both.

On both a transaction that writes is the only one, from its first statement to its end. SQLite knows no other way;
PostgreSQL gets an advisory lock for it. One rule thus covers the creation of the tables, which `IF NOT EXISTS` does not
(PostgreSQL checks and creates in two steps), the migrations, and two processes that insert the same answers in
different order, which would end in a deadlock. It costs little: writes are few, large, and commit in milliseconds.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import sqlalchemy as sa

from evalgate.errors import InputError

PATIENCE_SECONDS = 30.0  # how long a writer waits for another one, or for a server that restarts
_CONNECT_SECONDS = 10
_LOCK = 0x6576616C67617465  # "evalgate"; advisory locks of one database are told apart by number alone


def connect_to(url: sa.URL, shown: str) -> sa.Engine:
    """An engine whose commits survive power loss; connects to nothing yet.

    Raises `InputError` when nothing would be kept or the driver is missing, `OSError` when the folder cannot be made.
    """
    if url.get_backend_name() == "sqlite":
        if url.database in {None, "", ":memory:"}:
            raise InputError(f"store {shown}: expected a file, for SQLite; what is not kept would be bought again")
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(url)
        sa.event.listen(engine, "connect", _set_up_sqlite)
        return engine
    arguments = {"client_encoding": "utf8"}
    if "connect_timeout" not in url.query:
        arguments["connect_timeout"] = str(_CONNECT_SECONDS)
    try:
        # a connection is tried before it is used: after a restart of the server those in the pool are dead
        engine = sa.create_engine(url, connect_args=arguments, pool_pre_ping=True)
    except ImportError:
        advice = "pip install 'evalgate-harness[postgres]'"
        raise InputError(f"store {shown}: PostgreSQL needs psycopg, which is not installed: {advice}") from None
    sa.event.listen(engine, "connect", _set_up_postgresql)
    return engine


def be_the_only_writer(connection: sa.Connection) -> None:
    """Begin a transaction that writes: returns when no other one does, until this one ends."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver would begin later, and not at all for CREATE TABLE
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def insert_unknown(connection: sa.Connection, table: sa.Table) -> sa.Insert:
    """An INSERT that leaves rows alone whose primary key is there already."""
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table).on_conflict_do_nothing()


def may_pass(failure: sa.exc.DBAPIError) -> bool:
    """True when the same transaction may succeed in a moment: the server is gone, restarts, or gave another one way.

    Only PostgreSQL's failures carry such a state; SQLite waits on its own. A connection that was lost has none.
    """
    if not isinstance(failure, sa.exc.OperationalError):
        return False
    state: str | None = getattr(failure.orig, "sqlstate", "of SQLite")
    return state is None or state.startswith(("08", "40", "57P"))


def _set_up_sqlite(connection: object, record: object) -> None:
    """WAL with `synchronous=FULL`: a committed answer survives power loss, and readers never wait for the writer."""
    _run(connection, f"PRAGMA busy_timeout={PATIENCE_SECONDS * 1000:.0f}")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            _run(connection, "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL")
        except sqlite3.OperationalError as failure:
            # two who turn a new file into WAL at once would wait for each other, so SQLite tells one of them at once
            if "locked" not in str(failure) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _set_up_postgresql(connection: object, record: object) -> None:
    """The same promise: a server that was told not to wait for its disk does so for evalgate."""
    _run(
        connection,
        f"SET lock_timeout = {PATIENCE_SECONDS * 1000:.0f}",
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    )
    connection.commit()  # type: ignore[attr-defined]  # as below


def _run(connection: object, *statements: str) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]  # a DB-API connection, which has no common type
    for statement in statements:
        cursor.execute(statement)
    cursor.close()
