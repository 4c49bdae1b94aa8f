"""How greens are kept proven: who is watched with what result, which days were asked, what happened, who is at it."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, String, Table, Text

from evalgate.store.schema.metadata import metadata

watched = Table(
    "watched",
    metadata,
    Column("operation", String(200), primary_key=True),
    Column("config", String(71), primary_key=True),  # of the variant
    Column("content", LargeBinary, nullable=False),  # JSON: its detectors' state, its standing, and what is ordered
)

rounds = Table(
    "rounds",
    metadata,
    Column("operation", String(200), primary_key=True),
    Column("round", Integer, primary_key=True, autoincrement=False),  # counts up, whatever clocks do
    Column("day", Integer, nullable=False),  # the period, by the clock at that time, in which it was asked
    Column("begun", Float, nullable=False),  # seconds since the epoch, UTC
    Column("closed", Integer, nullable=False),  # 1: nothing more is asked for it
    Column("draw", LargeBinary, nullable=False),  # JSON: which cases, with which weights
)

# What happened, in its order. Nothing here is changed or deleted.

events = Table(
    "events",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("key", String(32), nullable=False, unique=True),  # the same for the same event, told twice
    Column("at", Float, nullable=False),  # seconds since the epoch, UTC
    Column("operation", String(200), nullable=False),
    Column("variant", Text, nullable=False),
    Column("config", String(71), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("event", LargeBinary, nullable=False),  # JSON: the evidence
    Index("events_by_operation", "operation"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(250), primary_key=True),
    Column("worker", String(32), nullable=False),  # among the workers, whose beats tell whether it lives
)
