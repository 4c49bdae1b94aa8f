"""The tables. Scores and bodies stand apart: a verdict reads millions of scores and hardly any text.

Whoever changes one adds the step that leads there to `migrate.STEPS`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

meta = Table("meta", metadata, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))

answers = Table(
    "answers",
    metadata,
    Column("key", String(32), primary_key=True),  # hash of request, variant config and repeat
    Column("request", String(71), nullable=False),
    Column("config", String(71), nullable=False),
    Column("repeat", Integer, nullable=False),
    Column("variant", Text, nullable=False),
    Column("answered_at", Float, nullable=False),  # seconds since the epoch, UTC
    Column("finish_reason", String(20), nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("latency_ms", Float, nullable=False),
    Column("picodollars", BigInteger, nullable=False),  # what was paid; exact, and it adds up in SQL
    Index("answers_by_config", "config"),
)

bodies = Table(
    "bodies",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("body", LargeBinary, nullable=False),  # JSON: text, and error and details where there are any
)

scores = Table(
    "scores",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("grading", String(71), primary_key=True),
    Column("metric", String(200), primary_key=True),
    Column("score", Float, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("run", String(40), primary_key=True),
    Column("at", Float, nullable=False),
    Column("board", LargeBinary, nullable=False),  # JSON: every verdict with its evidence
)
