"""The signal's tests keep their history in the same stores as those of the store."""

from __future__ import annotations

from tests.store.conftest import database, postgresql, store

__all__ = ["database", "postgresql", "store"]
