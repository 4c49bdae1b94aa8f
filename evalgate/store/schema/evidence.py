"""What a verdict rests on. Scores and bodies stand apart: a verdict reads millions of scores and hardly any text."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from evalgate.store.schema.metadata import metadata

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
    Column("input_tokens", Integer),  # null: nobody counted
    Column("output_tokens", Integer),
    Column("latency_ms", Float, nullable=False),
    Column("picodollars", BigInteger, nullable=False),  # what was paid, or is estimated where nobody counted the tokens
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

# Who is asking what at this moment, so that two processes on one store share the work and buy nothing twice.

workers = Table(
    "workers",
    metadata,
    Column("worker", String(32), primary_key=True),
    Column("place", Text, nullable=False),  # machine and process: whether it lives can be told on the same machine
    Column("beat", Integer, nullable=False),  # counts up while it lives; no clocks are compared
)

claims = Table(
    "claims",
    metadata,
    Column("key", String(32), primary_key=True),  # of the answer that is being asked for
    Column("worker", String(32), nullable=False),
    Index("claims_by_worker", "worker"),
)

# What was handed to a provider's batch API and is not fetched yet: paid for, so it must not be forgotten.

batches = Table(
    "batches",
    metadata,
    Column("batch", String(200), primary_key=True),  # the provider's own id
    Column("provider", Text, nullable=False),
    Column("config", String(71), nullable=False),
    Column("submitted_at", Float, nullable=False),  # seconds since the epoch, UTC
)

batch_items = Table(
    "batch_items",
    metadata,
    Column("batch", String(200), primary_key=True),
    Column("key", String(32), primary_key=True),
    Column("request", String(71), nullable=False),
    Column("repeat", Integer, nullable=False),
)

# Every certification that was begun: who tries again is not given a fresh alpha.

attempts = Table(
    "attempts",
    metadata,
    Column("operation", String(200), primary_key=True),
    Column("baseline", String(71), primary_key=True),  # configuration of the baseline
    Column("key", String(71), primary_key=True),
    Column("at", Float, nullable=False),  # seconds since the epoch, UTC
    Column("attempt", LargeBinary, nullable=False),  # JSON
)

orders = Table(
    "orders",
    metadata,
    Column("operation", String(200), primary_key=True),
    Column("seed", String(20), primary_key=True),
    Column("cases", LargeBinary, nullable=False),  # digests of the cases, in the order asked
)

# Every signal document that was ever published. Nothing here is changed or deleted: what routers followed can be told.

signals = Table(
    "signals",
    metadata,
    Column("stream", String(200), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),  # seconds since the epoch, UTC
    Column("digest", String(71), nullable=False),  # of the document's bytes: what the next one names as `prev`
    Column("head", LargeBinary, nullable=False),  # JSON: the document without its entries
    Column("entries", String(71), nullable=False),  # digest of the entries, which a heartbeat does not change
    Column("signatures", LargeBinary),  # JSON, as in the envelope; null: published unsigned
)

signal_entries = Table(
    "signal_entries",
    metadata,
    Column("digest", String(71), primary_key=True),
    Column("entries", LargeBinary, nullable=False),  # JSON: every verdict with its evidence
)
