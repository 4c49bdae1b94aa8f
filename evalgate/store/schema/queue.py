"""What clients hand in to be done by and by: their files, their batches line by line, and what went to providers.

A client's batch is called a *job* here, so that it is not taken for a provider's batch; a *parcel* is what of a job
went to a provider's batch API together.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, String, Table, Text

from evalgate.store.schema.metadata import metadata

files = Table(
    "queue_files",
    metadata,
    Column("file", String(40), primary_key=True),
    Column("owner", String(200), nullable=False),  # the key's name; empty where callers need none
    Column("name", Text, nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),  # seconds since the epoch, UTC
    Column("expires_at", Float, nullable=False),
    Column("job", String(40)),  # of results: whose lines it consists of; null: it has chunks of its own
    Column("state", String(12)),  # of results: which lines; uploading; null once it is whole
    Index("queue_files_by_expiry", "expires_at"),
)

file_chunks = Table(
    "queue_chunks",
    metadata,
    Column("file", String(40), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

jobs = Table(
    "queue_jobs",
    metadata,
    Column("job", String(40), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("operation", String(200)),  # of lines that name none
    Column("tier", String(12), nullable=False),
    Column(
        "fixed", Integer, nullable=False
    ),  # bits, of what the key says, whatever the lines do: 1 the operation, 2 the tier
    Column("endpoint", String(40), nullable=False),  # such as /v1/chat/completions
    Column("input_file", String(40), nullable=False),
    Column("metadata", LargeBinary),  # JSON, as the client gave it
    Column("status", String(12), nullable=False),
    Column("errors", LargeBinary),  # JSON: why it could not begin
    Column("total", Integer),  # of the lines, as soon as it is over
    Column("completed", Integer),
    Column("failed", Integer),
    Column("output_file", String(40)),
    Column("error_file", String(40)),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("in_progress_at", Float),
    Column("finalizing_at", Float),
    Column("completed_at", Float),
    Column("failed_at", Float),
    Column("expired_at", Float),
    Column("cancelling_at", Float),
    Column("cancelled_at", Float),
    Column("keep_until", Float),  # null while something is still to be done
    Column("worker", String(32)),  # who is reading or sorting its lines
    Index("queue_jobs_by_status", "status"),
    Index("queue_jobs_by_keep", "keep_until"),
)

lines = Table(
    "queue_lines",
    metadata,
    Column("job", String(40), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # of the line in the input file, from 1
    Column("custom_id", Text, nullable=False),
    Column("state", String(12), nullable=False),  # new, waiting, taken, handed_in; done, failed
    Column("content", LargeBinary, nullable=False),  # JSON: the request's body, and the result's line in the end
    Column("not_before", Float, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("worker", String(32)),  # who took it
    Column("parcel", String(40)),
    Column("variant", Text),  # who answered
    Column("input_tokens", Integer),  # null: nobody counted
    Column("output_tokens", Integer),
    Column("picodollars", BigInteger),  # what was paid for the answer
    Index("queue_lines_by_state", "state", "number"),
    Index("queue_lines_by_job", "job", "state"),
    Index("queue_lines_by_parcel", "parcel"),
)

parcels = Table(
    "queue_parcels",
    metadata,
    Column("parcel", String(40), primary_key=True),  # the token that goes along to the provider
    Column("job", String(40), nullable=False),
    Column("provider", Text, nullable=False),
    Column("operation", String(200)),
    Column("model", Text, nullable=False),
    Column("variant", Text, nullable=False),
    Column("config", String(71), nullable=False),
    Column("batch", String(200)),  # the provider's own id; null: nobody knows yet whether it was taken
    Column("worker", String(32), nullable=False),  # who looks after it
    Column("submitted_at", Float, nullable=False),
    Column("withdrawn", Integer, nullable=False),  # 1: its variant may not be used, so what it brings is thrown away
    Column("seq", BigInteger),  # of the signal that it was chosen by
)
