"""See `evalgate.store.steps`."""

from __future__ import annotations

import sqlalchemy as sa


def keep_captures(connection: sa.Connection) -> None:
    """To version 8: traffic that was captured with consent, and what shadow traffic has cost."""
    metadata = sa.MetaData()
    sa.Table(
        "captures",
        metadata,
        sa.Column("capture", sa.String(32), primary_key=True),
        sa.Column("response", sa.String(200), nullable=False),
        sa.Column("shadow_of", sa.String(32)),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("caller", sa.String(200), nullable=False),
        sa.Column("operation", sa.String(200), nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("variant", sa.Text, nullable=False),
        sa.Column("path", sa.String(40), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sa.Column("correction", sa.LargeBinary),
        sa.Column("decided_at", sa.Float),
        sa.Index("captures_by_operation", "operation", "at"),
        sa.Index("captures_by_response", "response"),
    )
    sa.Table(
        "shadow_spending",
        metadata,
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("picodollars", sa.BigInteger, nullable=False),
    )
    metadata.create_all(connection, checkfirst=False)
