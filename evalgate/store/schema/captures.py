"""Traffic that was captured with its owner's consent, to become cases; and what sending some of it again has cost."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, LargeBinary, String, Table, Text

from evalgate.store.schema.metadata import metadata

captures = Table(
    "captures",
    metadata,
    Column("capture", String(32), primary_key=True),
    Column("response", String(200), nullable=False),  # the id that the client was given, by which corrections come
    Column("shadow_of", String(32)),  # the capture whose call was sent again
    Column("at", Float, nullable=False),  # seconds since the epoch, UTC
    Column("caller", String(200), nullable=False),
    Column("operation", String(200), nullable=False),
    Column("model", Text, nullable=False),
    Column("variant", Text, nullable=False),
    Column("path", String(40), nullable=False),
    Column("body", LargeBinary, nullable=False),  # JSON, redacted
    Column("answer", LargeBinary, nullable=False),  # JSON of the whole response, redacted
    Column("correction", LargeBinary),  # JSON: what the answer should have been, redacted
    Column("decided_at", Float),  # when it became a case, or was turned down
    Index("captures_by_operation", "operation", "at"),
    Index("captures_by_response", "response"),
)

shadow_spending = Table(
    "shadow_spending",
    metadata,
    Column("day", String(10), primary_key=True),  # UTC
    Column("picodollars", BigInteger, nullable=False),
)
