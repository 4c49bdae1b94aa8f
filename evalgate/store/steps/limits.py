"""See `evalgate.store.steps`."""

from __future__ import annotations

import sqlalchemy as sa


def share_limits(connection: sa.Connection) -> None:
    """To version 10: limits per minute, places and budgets that all processes on the store keep together."""
    metadata = sa.MetaData()
    sa.Table(
        "grants",
        metadata,
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("worker", sa.String(32), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("amount", sa.Float, nullable=False),
    )
    sa.Table(
        "places",
        metadata,
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("worker", sa.String(32), primary_key=True),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.Column("held", sa.Integer, nullable=False),
    )
    sa.Table(
        "purses",
        metadata,
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("worker", sa.String(32), primary_key=True),
        sa.Column("calls_leased", sa.BigInteger, nullable=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("picodollars_leased", sa.BigInteger, nullable=False),
        sa.Column("picodollars", sa.BigInteger, nullable=False),
    )
    metadata.create_all(connection, checkfirst=False)
