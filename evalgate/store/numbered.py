"""Rows that several processes write, each its own, and all read: numbered as they are written, so that news is found.

A transaction that writes is the only one (see `dialect`), so the numbers rise in the order in which the rows became
visible: whoever has seen a number has seen all before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from evalgate.store import dialect


def replace(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Write whole rows, all but their `seq`, in place of those with the same primary key."""
    if rows:
        seq = latest(connection, table) + 1
        same = [column == sa.bindparam(column.name) for column in table.primary_key.columns]
        dialect.execute_many(connection, table.delete().where(*same), rows)
        dialect.insert_unknown(connection, table, [{**row, "seq": seq} for row in rows])


def newer(connection: sa.Connection, table: sa.Table, seq: int, *conditions: sa.ColumnElement[bool]) -> Rows:
    """What was written after `seq` (0: ever), and up to which number that is.

    Where the table is behind `seq`, it is another one than was read before (a backup was restored): all is news.
    """
    last = latest(connection, table)
    since = seq if seq <= last else 0
    if since == last:
        return last, []
    return last, connection.execute(sa.select(table).where(table.c.seq > since, *conditions)).all()


def latest(connection: sa.Connection, table: sa.Table) -> int:
    """The highest number; 0 in an empty table. Whoever deletes rows leaves the one that has it."""
    return int(connection.scalar(sa.select(sa.func.coalesce(sa.func.max(table.c.seq), 0))) or 0)


Rows = tuple[int, Sequence[sa.Row[Any]]]
