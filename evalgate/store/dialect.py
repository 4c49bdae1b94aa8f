"""All that SQLite and PostgreSQL do not do alike; whatever is not in here is the same statement on both.

On both a transaction that writes is the only one, from its first statement to its end. SQLite knows no other way;
PostgreSQL gets an advisory lock for it. One rule thus covers the creation of the tables, which `IF NOT EXISTS` does not
(PostgreSQL checks and creates in two steps), the migrations, and two processes that insert the same answers in
different order, which would end in a deadlock. It costs little: writes are few, large, and commit in milliseconds.
"""

from __future__ import annotations

import functools
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler

from evalgate.errors import InputError, MissingStoreError
from evalgate.store import bulk

PATIENCE_SECONDS = 30.0  # how long a writer waits for another one, or for a server that restarts
_CONNECT_SECONDS = 10
_LOCK = 0x6576616C67617465  # "evalgate"; advisory locks of one database are told apart by number alone


def connect_to(url: sa.URL, shown: str, *, make: bool = True) -> sa.Engine:
    """An engine whose commits survive power loss; connects to nothing yet.

    Raises `InputError` when nothing would be kept, the driver is missing, or (unless `make`) there is no such file;
    `OSError` when the folder cannot be made.
    """
    if url.get_backend_name() == "sqlite":
        if url.database in {None, "", ":memory:"}:
            raise InputError(f"store {shown}: expected a file, for SQLite; what is not kept would be bought again")
        if make:
            Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        else:
            _require_file(url, shown)
        engine = sa.create_engine(url)
        sa.event.listen(engine, "connect", lambda connection, _: _set_up_sqlite(connection, shown))
        return engine
    engine = _postgresql(url, shown)
    sa.event.listen(engine, "connect", lambda connection, _: _set_up_postgresql(connection))
    return engine


def connect_to_read(url: sa.URL, shown: str) -> sa.Engine:
    """An engine that can change nothing, on a store that is there; raises `InputError` when it is not.

    A store on a medium that cannot be written is read as well: SQLite needs to be told that nobody writes to it.
    """
    if url.get_backend_name() == "sqlite":
        path = _require_file(url, shown)
        engine = sa.create_engine(url, creator=lambda: _open_sqlite_to_read(path, shown))
        sa.event.listen(engine, "connect", lambda connection, _: _refuse_a_stranger(connection, shown))
        return engine
    engine = _postgresql(url, shown)
    sa.event.listen(engine, "connect", lambda connection, _: _set_up_postgresql_to_read(connection))
    return engine


def _require_file(url: sa.URL, shown: str) -> Path:
    path = Path(str(url.database))
    if not path.is_file():
        raise MissingStoreError(f"store {shown}: there is no such file")
    return path


def _postgresql(url: sa.URL, shown: str) -> sa.Engine:
    arguments = {"client_encoding": "utf8"}
    if "connect_timeout" not in url.query:
        arguments["connect_timeout"] = str(_CONNECT_SECONDS)
    try:
        # a connection is tried before it is used: after a restart of the server those in the pool are dead
        return sa.create_engine(url, connect_args=arguments, pool_pre_ping=True)
    except ImportError:
        advice = "pip install 'evalgate-harness[postgres]'"
        raise InputError(f"store {shown}: PostgreSQL needs psycopg, which is not installed: {advice}") from None


def be_the_only_writer(connection: sa.Connection) -> None:
    """Begin a transaction that writes: returns when no other one does, until this one ends."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver would begin later, and not at all for CREATE TABLE
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def be_a_writer(connection: sa.Connection) -> None:
    """Begin a transaction that writes and locks its rows itself, which SQLite cannot: there it is the only one."""
    if connection.dialect.name == "sqlite":
        be_the_only_writer(connection)


def take_turn(connection: sa.Connection, name: str) -> None:
    """Within `Store.write_beside`: return when nobody else has this turn, until the transaction ends."""
    if connection.dialect.name != "sqlite":  # there it is the only writer already
        numbers = sa.text("SELECT pg_advisory_xact_lock(hashtext('evalgate'), hashtext(:name))")
        connection.execute(numbers, {"name": name})


def clock(connection: sa.Connection) -> float:
    """Seconds by a clock that all who share the store share, whatever their own clocks say.

    That of the database; for SQLite, whose processes share a machine, the one that counts since it was started.
    """
    if connection.dialect.name == "sqlite":
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
    return float(connection.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())").scalar_one())


def stand_still(connection: sa.Connection) -> None:
    """Begin a transaction that only reads, and to which the store is at its end what it was at its start."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # whoever goes through all rows wants the last one soon: in the order of keys, each lies elsewhere on the disk
        connection.exec_driver_sql("SET LOCAL cursor_tuple_fraction = 1.0")


def identity(connection: sa.Connection) -> tuple[object, ...]:
    """What two connections have in common exactly when they lead to the same store, however it was named."""
    if connection.dialect.name == "sqlite":
        file = _file(connection).stat()
        return file.st_dev, file.st_ino
    query = "SELECT pg_postmaster_start_time(), current_database(), 'meta'::regclass::oid"
    return tuple(connection.exec_driver_sql(query).one())


def size(connection: sa.Connection, tables: Iterable[str]) -> int:
    """Bytes on disk, indexes and SQLite's write-ahead log included."""
    if connection.dialect.name == "sqlite":
        file = _file(connection)
        return sum(each.stat().st_size for each in (file, Path(f"{file}-wal")) if each.exists())
    query = sa.text(  # a table that is partitioned has nothing itself; one that is not, is in no tree
        "SELECT coalesce(pg_total_relation_size(to_regclass(:table)), 0)"
        " + coalesce(sum(pg_total_relation_size(relid)), 0)::bigint FROM pg_partition_tree(to_regclass(:table))"
    )
    return sum(connection.execute(query, {"table": table}).scalar_one() for table in tables)


def give_back(engine: sa.Engine) -> str:
    """Give the room of deleted rows back to the disk; returns why not, if not.

    Raises `sqlalchemy.exc.OperationalError` when others write for too long, or there is no room for a copy.
    """
    if engine.dialect.name != "sqlite":
        return "PostgreSQL keeps the room for what comes next"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM")
        busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
    return "others are reading the store at this moment; the file shrinks when they are done" if busy else ""


def insert_unknown(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert `rows`, which have a value for each column, but for those whose primary key is there already."""
    if connection.dialect.name != "sqlite" and len(rows) >= bulk.LEAST and bulk.insert_unknown(connection, table, rows):
        return
    if rows:
        execute_many(connection, _insertion(connection.dialect.name, table), rows)


def among(
    connection: sa.Connection, column: sa.ColumnElement[str], keys: Sequence[str] | None = None
) -> sa.ColumnElement[bool]:
    """Whether a key is one of `keys` (on SQLite at most some hundreds), as one parameter.

    Without `keys` it is the parameter `keys` of the statement, which SQLAlchemy then prepares only once. In PostgreSQL
    each key is looked for where it can be; a list would be looked for as a whole in every partition: 500 keys in 16 of
    them took 460 ms instead of 25.
    """
    name = "keys" if keys is None else None
    if connection.dialect.name == "sqlite":
        return column.in_(sa.bindparam(name, keys, expanding=True, required=keys is None))
    array = sa.bindparam(name, None if keys is None else list(keys), type_=sa.ARRAY(sa.String), required=keys is None)
    return column.in_(sa.select(sa.func.unnest(sa.cast(array, sa.ARRAY(sa.String)))))


def execute_many(connection: sa.Connection, statement: sa.ClauseElement, rows: Sequence[Mapping[str, object]]) -> None:
    """Execute `statement` for each of `rows`.

    It is compiled once and goes to the driver as it is: commits are many, and SQLAlchemy would prepare each row anew.
    """
    compiled = _compiled(statement, connection.dialect)
    if (names := compiled.positiontup) is not None:
        connection.exec_driver_sql(str(compiled), [tuple(row[name] for name in names) for row in rows])
    else:
        connection.exec_driver_sql(str(compiled), list(rows))


@functools.cache
def _insertion(name: str, table: sa.Table) -> sa.ClauseElement:
    if name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table).on_conflict_do_nothing()


@functools.lru_cache(maxsize=64)
def _compiled(statement: sa.ClauseElement, dialect: sa.Dialect) -> SQLCompiler:
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    return compiled


def may_pass(failure: sa.exc.DBAPIError) -> bool:
    """True when the same transaction may succeed in a moment: the server is gone, restarts, or gave another one way.

    Only PostgreSQL's failures carry such a state; SQLite waits on its own. A connection that was lost has none.
    """
    if not isinstance(failure, sa.exc.OperationalError):
        return False
    state: str | None = getattr(failure.orig, "sqlstate", "of SQLite")
    return state is None or state.startswith(("08", "40", "57P"))


def _file(connection: sa.Connection) -> Path:
    return Path(connection.exec_driver_sql("SELECT file FROM pragma_database_list WHERE name = 'main'").scalar_one())


def _set_up_sqlite(connection: object, shown: str) -> None:
    """WAL with `synchronous=FULL`: a committed answer survives power loss, and readers never wait for the writer."""
    _run(connection, f"PRAGMA busy_timeout={PATIENCE_SECONDS * 1000:.0f}")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            _refuse_a_stranger(connection, shown)
            _run(connection, "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL")
        except sqlite3.OperationalError as failure:
            # two who turn a new file into WAL at once would wait for each other, so SQLite tells one of them at once
            if "locked" not in str(failure) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _refuse_a_stranger(connection: object, shown: str) -> None:
    """Raise `InputError` for another program's database, before anything of it is changed.

    In PostgreSQL other programs' tables may live beside ours; an SQLite file belongs to one program.
    """
    cursor = connection.cursor()  # type: ignore[attr-defined]  # as below
    cursor.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'")
    (tables,) = cursor.fetchone()
    cursor.execute("SELECT count(*) FROM pragma_table_info('meta') WHERE name IN ('name', 'value')")
    (ours,) = cursor.fetchone()
    cursor.close()
    if tables and ours < 2:
        raise InputError(f"store {shown}: not an evalgate store, but another program's database; nothing was changed")


def _open_sqlite_to_read(path: Path, shown: str) -> sqlite3.Connection:
    try:
        return _connect_to_look(path, "mode=rw")
    except sqlite3.DatabaseError as failure:
        if failure.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise InputError(f"store {shown}: not an evalgate store, nor any other database") from None
        # where nothing can be written, SQLite can make no index of the write-ahead log; without a log it needs none
        log = Path(f"{path.resolve()}-wal")
        refused = failure.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
        if not refused or (log.exists() and log.stat().st_size):
            raise
        return _connect_to_look(path, "immutable=1")


def _connect_to_look(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, check_same_thread=False)
    try:
        _run(connection, f"PRAGMA busy_timeout={PATIENCE_SECONDS * 1000:.0f}", "PRAGMA query_only=ON")
        _run(connection, "SELECT count(*) FROM sqlite_master")
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up_postgresql(connection: object) -> None:
    """The same promise: a server that was told not to wait for its disk does so for evalgate."""
    _run(
        connection,
        f"SET lock_timeout = {PATIENCE_SECONDS * 1000:.0f}",
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    )
    connection.commit()  # type: ignore[attr-defined]  # as below


def _set_up_postgresql_to_read(connection: object) -> None:
    _run(connection, "SET default_transaction_read_only = on")
    connection.commit()  # type: ignore[attr-defined]  # as below


def _run(connection: object, *statements: str) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]  # a DB-API connection, which has no common type
    for statement in statements:
        cursor.execute(statement)
    cursor.close()
