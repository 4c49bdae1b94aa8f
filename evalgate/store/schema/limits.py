"""What limits of a provider or of a run are used up, so that all processes on the store keep them together."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, String, Table

from evalgate.store.schema.metadata import metadata

# Amounts of a limit per minute that a worker may use, or has used, until they leave the window.

grants = Table(
    "grants",
    metadata,
    Column("name", String(100), primary_key=True),  # of the limit
    Column("worker", String(32), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("until", Float, nullable=False),  # seconds, by the store's clock (see `dialect.clock`)
    Column("amount", Float, nullable=False),
)

# How many calls to a provider each worker may have under way, and how many it would like to have.

places = Table(
    "places",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("worker", String(32), primary_key=True),
    Column("wanted", Integer, nullable=False),
    Column("held", Integer, nullable=False),
)

# What each worker may spend of a budget, and has spent. Rows go when nobody who lives has one of that name.

purses = Table(
    "purses",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("worker", String(32), primary_key=True),
    Column("calls_leased", BigInteger, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("picodollars_leased", BigInteger, nullable=False),
    Column("picodollars", BigInteger, nullable=False),
)
