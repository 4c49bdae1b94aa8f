"""Opens a store by its name. All that can be wrong with the name, the driver, the server or the file is told here."""

from __future__ import annotations

import sqlalchemy as sa

from evalgate.errors import EvalgateError, StoreError
from evalgate.store import dialect, migrate, url
from evalgate.store.store import Store


def open_store(name: str) -> Store:
    """Open (or make) the store at `name`: a path for SQLite, or `postgresql://user:password@host/database`.

    Raises `StoreError` when it cannot be opened, `InputError` when the name cannot be meant, the driver is not
    installed, or a newer evalgate wrote the store.
    """
    where, shown = url.parse(name)
    engine = None
    try:
        engine = dialect.connect_to(where, shown)
        migrate.prepare(engine, shown)
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
