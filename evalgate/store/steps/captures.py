"""See `evalgate.store.steps`."""

from __future__ import annotations

import sqlalchemy as sa


def keep_captures(connection: sa.Connection) -> None:
    """To version 8: traffic that was captured with consent."""
    del connection
