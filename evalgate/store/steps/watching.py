"""See `evalgate.store.steps`."""

from __future__ import annotations

import sqlalchemy as sa


def remember_watching(connection: sa.Connection) -> None:
    """To version 9: detectors that keep a green proven, and the events of its history."""
    del connection
