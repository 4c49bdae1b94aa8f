"""See `evalgate.store.steps`."""

from __future__ import annotations

import sqlalchemy as sa


def keep_books(connection: sa.Connection) -> None:
    """To version 6: virtual keys, what was spent, and telemetry."""
    del connection
