"""See `evalgate.store.steps`."""

from __future__ import annotations

import sqlalchemy as sa


def keep_books(connection: sa.Connection) -> None:
    """To version 6: virtual keys, what was spent, and telemetry."""
    metadata = sa.MetaData()
    sa.Table(
        "virtual_keys",
        metadata,
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float),
        sa.Column("revoked_at", sa.Float),
        sa.Column("operation", sa.String(200)),
        sa.Column("tier", sa.String(20)),
        sa.Column("requests_per_minute", sa.BigInteger),
        sa.Column("tokens_per_minute", sa.BigInteger),
        sa.Column("picodollars", sa.BigInteger),
        sa.Column("period", sa.String(10)),
        sa.Column("capture", sa.String(10), nullable=False),
        sa.Index("virtual_keys_by_seq", "seq"),
    )
    sa.Table(
        "spending",
        metadata,
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("span", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("start", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("worker", sa.String(32), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("picodollars", sa.BigInteger, nullable=False),
        sa.Index("spending_by_seq", "seq"),
    )
    sa.Table(
        "telemetry",
        metadata,
        sa.Column("worker", sa.String(32), primary_key=True),
        sa.Column("span", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("start", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("variant", sa.String(200), primary_key=True),
        sa.Column("operation", sa.String(200), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("cell", sa.LargeBinary, nullable=False),
        sa.Index("telemetry_by_seq", "seq"),
    )
    metadata.create_all(connection, checkfirst=False)
