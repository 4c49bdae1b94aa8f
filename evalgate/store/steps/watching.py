"""See `evalgate.store.steps`."""

from __future__ import annotations

import sqlalchemy as sa


def remember_watching(connection: sa.Connection) -> None:
    """To version 9: detectors that keep a green proven, and the events of its history."""
    metadata = sa.MetaData()
    sa.Table(
        "watched",
        metadata,
        sa.Column("operation", sa.String(200), primary_key=True),
        sa.Column("config", sa.String(71), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    sa.Table(
        "rounds",
        metadata,
        sa.Column("operation", sa.String(200), primary_key=True),
        sa.Column("round", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("begun", sa.Float, nullable=False),
        sa.Column("closed", sa.Integer, nullable=False),
        sa.Column("draw", sa.LargeBinary, nullable=False),
    )
    sa.Table(
        "events",
        metadata,
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(32), nullable=False, unique=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("operation", sa.String(200), nullable=False),
        sa.Column("variant", sa.Text, nullable=False),
        sa.Column("config", sa.String(71), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("event", sa.LargeBinary, nullable=False),
        sa.Index("events_by_operation", "operation"),
    )
    sa.Table(
        "leases",
        metadata,
        sa.Column("name", sa.String(250), primary_key=True),
        sa.Column("worker", sa.String(32), nullable=False),
    )
    metadata.create_all(connection, checkfirst=False)
