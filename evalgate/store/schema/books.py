"""What a gateway books: who may call, what was used and spent, and how variants did.

Several processes write, each its own rows, and read the others'. `seq` rises with every write, so that what is new is
found without looking at the rest. The rows of a process say all that it has counted so far, never a difference: writing
one twice changes nothing.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, String, Table

from evalgate.store.schema.metadata import metadata

virtual_keys = Table(
    "virtual_keys",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),  # SHA-256 of the key, which is kept nowhere
    Column("seq", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),  # seconds since the epoch, UTC, as are the next two
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Column("operation", String(200)),
    Column("tier", String(20)),
    Column("requests_per_minute", BigInteger),
    Column("tokens_per_minute", BigInteger),
    Column("picodollars", BigInteger),  # that may be spent in one `period`
    Column("period", String(10)),  # day, month or total
    Column("capture", String(10), nullable=False),
    Index("virtual_keys_by_seq", "seq"),
)

spending = Table(
    "spending",
    metadata,
    Column("name", String(100), primary_key=True),  # of the virtual key
    Column("span", Integer, primary_key=True, autoincrement=False),  # seconds that the row is about: a minute, or a day
    Column("start", BigInteger, primary_key=True, autoincrement=False),  # seconds since the epoch, UTC
    Column("worker", String(32), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("picodollars", BigInteger, nullable=False),
    Index("spending_by_seq", "seq"),
)

telemetry = Table(
    "telemetry",
    metadata,
    Column("worker", String(32), primary_key=True),
    Column("span", Integer, primary_key=True, autoincrement=False),  # minutes that the row is about: 1 or 10
    Column("start", BigInteger, primary_key=True, autoincrement=False),  # minutes since the epoch, UTC
    Column("variant", String(200), primary_key=True),
    Column("operation", String(200), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("cell", LargeBinary, nullable=False),  # counts and histograms, as telemetry encodes them
    Index("telemetry_by_seq", "seq"),
)
