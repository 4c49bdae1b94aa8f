"""An endpoint by another name is the same endpoint: what was bought of it is not bought again.

The store remembers under which config each endpoint (its `kin`: all but the provider's id) was asked last. When it
comes with another config, it gets copies of the answers that it gave under that one. Copies cost nothing, and are as
old as what they were copied from.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from evalgate.catalog import Endpoint
from evalgate.store import dialect, schema
from evalgate.store.pages import PAGE
from evalgate.store.store import Store, answer_key


def take_over(store: Store, endpoint: Endpoint) -> int:
    """Copy the answers that `endpoint` gave under another name; returns how many there were."""
    name, a = "kin " + endpoint.kin[7:39], schema.answers.c

    def look(connection: sa.Connection) -> tuple[str | None, bool]:
        known = connection.scalar(sa.select(schema.meta.c.value).where(schema.meta.c.name == name))
        return known, connection.scalar(sa.select(a.key).where(a.config == endpoint.config).limit(1)) is not None

    known, has_answers = store.read(look)
    if known == endpoint.config:
        return 0
    sources = {known} if has_answers else {known, endpoint.former_config}
    copied = sum(_copy(store, source, endpoint) for source in sources if source not in (None, endpoint.config))
    store.write(lambda connection: _remember(connection, name, endpoint.config))
    return copied


def _copy(store: Store, source: str | None, endpoint: Endpoint) -> int:
    a, b, last, copied = schema.answers.c, schema.bodies.c, "", 0
    query = sa.select(schema.answers, b.body).join(schema.bodies, a.key == b.key).where(a.config == source)

    def page(connection: sa.Connection) -> list[dict[str, Any]]:
        rows = connection.execute(query.where(a.key > last).order_by(a.key).limit(PAGE)).all()
        return [row._asdict() for row in rows]

    while rows := store.read(page):
        last = rows[-1]["key"]
        for row in rows:
            row |= {"key": answer_key(row["request"], endpoint.config, row["repeat"]), "config": endpoint.config}
            row |= {"variant": endpoint.id, "picodollars": 0}
        store.write(lambda connection, rows=rows: _insert(connection, rows))  # type: ignore[misc]  # bound at once
        copied += len(rows)
    return copied


def _insert(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    for table in (schema.answers, schema.bodies):
        names = table.columns.keys()
        dialect.insert_unknown(connection, table, [{name: row[name] for name in names} for row in rows])


def _remember(connection: sa.Connection, name: str, config: str) -> None:
    dialect.insert_unknown(connection, schema.meta, [{"name": name, "value": config}])
    connection.execute(schema.meta.update().where(schema.meta.c.name == name).values(value=config))
