"""Makes the tables of a new store, and brings those of an older evalgate up to date.

`STEPS[n - 1]` leads from schema version n to n + 1; `schema.py` describes the tables after the last step. All steps
that a store lacks, and its new version number, are one transaction: a step that fails changes nothing.
"""

from __future__ import annotations

import sqlalchemy as sa

from evalgate.errors import InputError, MissingStoreError
from evalgate.store import dialect, schema
from evalgate.store.steps import STEPS

_NONE = "not an evalgate store: it has none of the tables"
READABLE = 4  # since this version all that is only read is as it is; a step that changes any of it raises it


def prepare(engine: sa.Engine, name: str, *, make: bool = True) -> None:
    """Make or migrate the tables; a store that is up to date is only read.

    Raises `InputError` when a newer evalgate wrote the store, which is then left as it was, or when there is none and
    none is to be made.
    """
    latest = 1 + len(STEPS)
    with engine.connect() as connection:
        version = _version(connection, name, latest)
    if version == latest:
        return
    if version is None and not make:
        raise MissingStoreError(f"store {name}: {_NONE}")
    with engine.begin() as connection:
        dialect.be_the_only_writer(connection)
        version = _version(connection, name, latest)  # again: another process may have been quicker
        if version is None:
            schema.metadata.create_all(connection, checkfirst=False)
            connection.execute(schema.meta.insert(), {"name": "schema", "value": str(latest)})
        elif version < latest:
            for step in STEPS[version - 1 :]:
                step(connection)
            connection.execute(schema.meta.update().where(schema.meta.c.name == "schema").values(value=str(latest)))


def require_readable(engine: sa.Engine, name: str) -> None:
    """Raise `InputError` unless this evalgate can read what is there, without a migration: nothing is written."""
    with engine.connect() as connection:
        version = _version(connection, name, 1 + len(STEPS))
    if version is None:
        raise MissingStoreError(f"store {name}: {_NONE}")
    if version < READABLE:
        advice = "this brings it up to date and deletes nothing: evalgate store gc --store …"
        raise InputError(f"store {name}: written by an older evalgate (schema {version}); {advice}")


def _version(connection: sa.Connection, name: str, latest: int) -> int | None:
    """The schema version of the store; None when it has no tables yet."""
    if not sa.inspect(connection).has_table(schema.meta.name):
        return None
    written = connection.scalar(sa.select(schema.meta.c.value).where(schema.meta.c.name == "schema"))
    if written is None:
        return None
    known = {str(number): number for number in range(1, latest + 1)}
    if written not in known:
        message = f"store {name}: written by a newer evalgate (schema {written}; this one knows {latest})"
        raise InputError(f"{message}; nothing was changed. Upgrade evalgate, or name another store with --store")
    return known[written]
