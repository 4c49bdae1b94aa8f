"""Opens a store by its name. All that can be wrong with the name, the driver, the server or the file is told here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import sqlalchemy as sa

from evalgate.errors import EvalgateError, StoreError
from evalgate.store import dialect, migrate, url
from evalgate.store.store import Store


def open_store(name: str, *, make: bool = True) -> Store:
    """Open (or make) the store at `name`: a path for SQLite, or `postgresql://user:password@host/database`.

    Raises `StoreError` when it cannot be opened, `InputError` when the name cannot be meant, the driver is not
    installed, a newer evalgate wrote the store, it is another program's database, or (unless `make`) is not there.
    """
    return _open(name, partial(dialect.connect_to, make=make), partial(migrate.prepare, make=make))


def open_to_read(name: str) -> Store:
    """Open a store that is there to look at it: it is neither made nor migrated, and cannot be written to.

    Raises as `open_store` does.
    """
    return _open(name, dialect.connect_to_read, migrate.require_readable)


def open_prepared(name: str) -> Store:
    """The store at `name`, which `open_store` in another process has made ready; it connects when it is first used.

    So a process can begin while the server is away. Raises `InputError` when the name cannot be meant, or the driver is
    not installed.
    """
    return _open(name, dialect.connect_to, lambda engine, shown: None)


def _open(name: str, connect: Callable[[sa.URL, str], sa.Engine], prepare: Callable[[sa.Engine, str], None]) -> Store:
    where, shown = url.parse(name)
    engine = None
    try:
        engine = connect(where, shown)
        prepare(engine, shown)
    except EvalgateError:
        _close(engine)
        raise
    except (sa.exc.DBAPIError, OSError, ValueError) as failure:  # ValueError: a NUL character in the name
        _close(engine)
        raise StoreError(f"store {shown}: cannot be opened: {url.reason(failure, where)}") from None
    return Store(engine, shown)


def _close(engine: sa.Engine | None) -> None:
    if engine is not None:
        engine.dispose()
