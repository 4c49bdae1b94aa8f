"""Divides the answers of a PostgreSQL store into 16 partitions, while others go on working with it.

By the first digit of the key, not by operation: an answer belongs to whoever asks the same, in however many operations,
and all that looks for one knows its key and nothing else. A key is a hash, so the parts are equally large, and whoever
goes through the store in the order of keys (export, merge, gc) is in one of them at a time. Server and administrators
tend, dump and restore each of them on its own. The statements are the same with partitions and without, so this is no
step of the schema: a store may have them, or not.

Triggers write to both tables while known rows are copied in small transactions; then names are exchanged in a moment.
Whoever is stopped in the middle has a store that works as before, and writes everything twice; the same call goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import sqlalchemy as sa

from evalgate.errors import InputError, StoreError
from evalgate.store import schema
from evalgate.store.store import Store

DIGITS = "0123456789abcdef"
PAGE = 5_000  # rows in one transaction, for which other writers wait
_SWAP_SECONDS = 2.0  # whoever reads for long is not waited for: all others would wait behind us
_TABLES = (schema.answers, schema.bodies, schema.scores)
_SUFFIX = "_parts"
_COPIED = "parts of "  # what `meta` calls the key up to which a table was copied


def is_partitioned(connection: sa.Connection) -> bool:
    """Whether the answers are divided."""
    if connection.dialect.name == "sqlite":
        return False
    query = "SELECT relkind = 'p' FROM pg_class WHERE oid = 'answers'::regclass"
    return bool(connection.exec_driver_sql(query).scalar_one())


def partition(store: Store) -> Iterator[int]:
    """Divide the answers; yields how many rows were copied since it last did, and ends at once when they are divided.

    Raises `InputError` for SQLite, which has no partitions; `StoreError` when somebody reads the store for too long,
    or the copies are not as many as the originals. Then nothing is lost, and another call goes on.
    """
    if not store.write(partial(_begin, name=store.name)):
        return
    for table in _TABLES:
        while copied := store.write(partial(_copy, table=table)):
            yield copied
    with store.snapshot() as connection:
        for table in _TABLES:
            _require_equal(connection, store.name, table)
    store.write(_exchange)
    # nobody waits for it; the server itself never analyses a whole that is made of parts
    store.write_beside(lambda connection: connection.exec_driver_sql(f"ANALYZE {', '.join(it.name for it in _TABLES)}"))


def _begin(connection: sa.Connection, name: str) -> bool:
    """Make the tables and the triggers, unless an earlier call did; returns False when all is done already."""
    if connection.dialect.name == "sqlite":
        advice = f"bring a store of that size into PostgreSQL: evalgate merge {name} --store postgresql://…"
        raise InputError(f"store {name}: SQLite has no partitions; {advice}")
    if is_partitioned(connection):
        return False
    look = sa.inspect(connection)
    there = {table.name: table.name + _SUFFIX in look.get_table_names() for table in _TABLES}
    if all(there.values()) and all(_columns(look, table, "") == _columns(look, table, _SUFFIX) for table in _TABLES):
        return True
    _forget(connection)  # half of them, or those of another version of the schema
    for table in _TABLES:
        _make(connection, table)
        _mirror(connection, table)
    return True


def _columns(look: sa.Inspector, table: sa.Table, suffix: str) -> list[str]:
    return sorted(column["name"] for column in look.get_columns(table.name + suffix))


def _forget(connection: sa.Connection) -> None:
    for table in _TABLES:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table.name}{_SUFFIX}")
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table.name}_mirror ON {table.name}")
        connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {table.name}_mirror()")
        connection.execute(schema.meta.delete().where(schema.meta.c.name == _COPIED + table.name))


def _make(connection: sa.Connection, table: sa.Table) -> None:
    """The same table, with the order of bytes for its key: that of a language may change with the system's library."""
    name = table.name + _SUFFIX
    new = table.to_metadata(sa.MetaData(), name=name)
    new.c.key.type = sa.String(32, collation="C")
    new.dialect_options["postgresql"]["partition_by"] = "RANGE (key)"
    for index in new.indexes:
        index.name = sa.quoted_name(f"{index.name}{_SUFFIX}", None)
    new.create(connection, checkfirst=False)
    bounds = ["MINVALUE", *(f"'{digit}'" for digit in DIGITS[1:]), "MAXVALUE"]
    for digit, low, high in zip(DIGITS, bounds, bounds[1:], strict=False):
        part = f"{table.name}_{digit}"
        connection.exec_driver_sql(f"CREATE TABLE {part} PARTITION OF {name} FOR VALUES FROM ({low}) TO ({high})")


def _mirror(connection: sa.Connection, table: sa.Table) -> None:
    """Let whatever is written to a table, by whomever, be written to its successor as well."""
    name, columns = table.name, table.columns.keys()
    listed, given = ", ".join(columns), ", ".join(f"NEW.{column}" for column in columns)
    same = " AND ".join(f"{column.name} = OLD.{column.name}" for column in table.primary_key)
    connection.exec_driver_sql(f"""
        CREATE FUNCTION {name}_mirror() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF TG_OP <> 'INSERT' THEN DELETE FROM {name}{_SUFFIX} WHERE {same}; END IF;
            IF TG_OP <> 'DELETE' THEN
                INSERT INTO {name}{_SUFFIX} ({listed}) VALUES ({given}) ON CONFLICT DO NOTHING;
            END IF;
            RETURN NULL;
        END $$""")  # noqa: S608  # names of ours
    event = f"AFTER INSERT OR UPDATE OR DELETE ON {name} FOR EACH ROW"
    connection.exec_driver_sql(f"CREATE TRIGGER {name}_mirror {event} EXECUTE FUNCTION {name}_mirror()")


def _copy(connection: sa.Connection, table: sa.Table) -> int:
    """Copy the rows of the next page of keys; returns how many they are."""
    m, mark = schema.meta.c, _COPIED + table.name
    last = connection.scalar(sa.select(m.value).where(m.name == mark)) or ""
    names = ", ".join(table.columns.keys())
    page = sa.select(table.c.key).where(table.c.key > last).order_by(table.c.key).limit(PAGE).subquery()
    up_to = connection.scalar(sa.select(sa.func.max(page.c.key)))  # whole keys: a page may end amid the scores of one
    if up_to is None:
        return 0
    moved = sa.text(
        f"INSERT INTO {table.name}{_SUFFIX} ({names}) SELECT {names} FROM {table.name}"  # noqa: S608  # names of ours
        " WHERE key > :last AND key <= :up_to ORDER BY key ON CONFLICT DO NOTHING"
    )
    connection.execute(moved, {"last": last, "up_to": up_to})
    rows = connection.scalar(sa.select(sa.func.count()).where(table.c.key > last, table.c.key <= up_to))
    connection.execute(schema.meta.delete().where(m.name == mark))
    connection.execute(schema.meta.insert(), {"name": mark, "value": up_to})
    return int(rows or 0)


def _require_equal(connection: sa.Connection, store: str, table: sa.Table) -> None:
    """Triggers write both tables in one transaction, so that at any moment they have the same rows."""
    counts = [
        connection.exec_driver_sql(f"SELECT count(*) FROM {table.name}{suffix}").scalar_one()  # noqa: S608
        for suffix in ("", _SUFFIX)
    ]
    if counts[0] != counts[1]:
        message = f"{table.name} has {counts[0]:,} rows, and its partitions {counts[1]:,}; nothing was exchanged"
        raise StoreError(f"store {store}: {message}")


def _exchange(connection: sa.Connection) -> None:
    """Let the new tables have the names of the old ones, which go."""
    if is_partitioned(connection):  # tried again, after the server went away with its answer
        return
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_SWAP_SECONDS * 1000:.0f}")
    connection.exec_driver_sql("LOCK TABLE " + ", ".join(table.name for table in _TABLES))
    for table in _TABLES:
        names = _names(connection, table)
        connection.exec_driver_sql(f"DROP TABLE {table.name}")
        connection.exec_driver_sql(f"DROP FUNCTION {table.name}_mirror()")
        connection.exec_driver_sql(f"ALTER TABLE {table.name}{_SUFFIX} RENAME TO {table.name}")
        for old, new in names.items():
            connection.exec_driver_sql(f'ALTER INDEX "{old}" RENAME TO "{new}"')
        connection.execute(schema.meta.delete().where(schema.meta.c.name == _COPIED + table.name))


def _names(connection: sa.Connection, table: sa.Table) -> Mapping[str, str]:
    """What the indexes of the new table are called, and what they will be."""
    query = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = to_regclass(:table)"
    found = connection.scalars(sa.text(query), {"table": table.name + _SUFFIX})
    return {name: name.replace(_SUFFIX, "") for name in (each.strip('"').rpartition(".")[2] for each in found)}
