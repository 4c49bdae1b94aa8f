"""See `evalgate.store.steps`."""

from __future__ import annotations

import sqlalchemy as sa


def queue_work(connection: sa.Connection) -> None:
    """To version 7: files and batches of clients, and work that waits for spare capacity."""
    del connection
