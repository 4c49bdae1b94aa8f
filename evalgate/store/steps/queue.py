"""See `evalgate.store.steps`."""

from __future__ import annotations

import sqlalchemy as sa


def queue_work(connection: sa.Connection) -> None:
    """To version 7: files and batches of clients, and work that waits for spare capacity."""
    metadata = sa.MetaData()
    sa.Table(
        "queue_files",
        metadata,
        sa.Column("file", sa.String(40), primary_key=True),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("job", sa.String(40)),
        sa.Column("state", sa.String(12)),
        sa.Index("queue_files_by_expiry", "expires_at"),
    )
    sa.Table(
        "queue_chunks",
        metadata,
        sa.Column("file", sa.String(40), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    sa.Table(
        "queue_jobs",
        metadata,
        sa.Column("job", sa.String(40), primary_key=True),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("operation", sa.String(200)),
        sa.Column("tier", sa.String(12), nullable=False),
        sa.Column("fixed", sa.Integer, nullable=False),
        sa.Column("endpoint", sa.String(40), nullable=False),
        sa.Column("input_file", sa.String(40), nullable=False),
        sa.Column("metadata", sa.LargeBinary),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("errors", sa.LargeBinary),
        sa.Column("total", sa.Integer),
        sa.Column("completed", sa.Integer),
        sa.Column("failed", sa.Integer),
        sa.Column("output_file", sa.String(40)),
        sa.Column("error_file", sa.String(40)),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("in_progress_at", sa.Float),
        sa.Column("finalizing_at", sa.Float),
        sa.Column("completed_at", sa.Float),
        sa.Column("failed_at", sa.Float),
        sa.Column("expired_at", sa.Float),
        sa.Column("cancelling_at", sa.Float),
        sa.Column("cancelled_at", sa.Float),
        sa.Column("keep_until", sa.Float),
        sa.Column("worker", sa.String(32)),
        sa.Index("queue_jobs_by_status", "status"),
        sa.Index("queue_jobs_by_keep", "keep_until"),
    )
    sa.Table(
        "queue_lines",
        metadata,
        sa.Column("job", sa.String(40), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("custom_id", sa.Text, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("not_before", sa.Float, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("worker", sa.String(32)),
        sa.Column("parcel", sa.String(40)),
        sa.Column("variant", sa.Text),
        sa.Column("input_tokens", sa.Integer),
        sa.Column("output_tokens", sa.Integer),
        sa.Column("picodollars", sa.BigInteger),
        sa.Index("queue_lines_by_state", "state", "number"),
        sa.Index("queue_lines_by_job", "job", "state"),
        sa.Index("queue_lines_by_parcel", "parcel"),
    )
    sa.Table(
        "queue_parcels",
        metadata,
        sa.Column("parcel", sa.String(40), primary_key=True),
        sa.Column("job", sa.String(40), nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("operation", sa.String(200)),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("variant", sa.Text, nullable=False),
        sa.Column("config", sa.String(71), nullable=False),
        sa.Column("batch", sa.String(200)),
        sa.Column("worker", sa.String(32), nullable=False),
        sa.Column("submitted_at", sa.Float, nullable=False),
        sa.Column("withdrawn", sa.Integer, nullable=False),
        sa.Column("seq", sa.BigInteger),
    )
    metadata.create_all(connection, checkfirst=False)
