"""The tables, as they are after the last step.

Whoever changes one adds the step that leads there to `migrate.STEPS`, with tables of its own (see `steps`).
"""

from evalgate.store.schema.evidence import (
    answers,
    attempts,
    batch_items,
    batches,
    bodies,
    claims,
    meta,
    orders,
    runs,
    scores,
    signal_entries,
    signals,
    workers,
)
from evalgate.store.schema.metadata import metadata
from evalgate.store.schema.queue import file_chunks, files, jobs, lines, parcels

__all__ = [
    "answers",
    "attempts",
    "batch_items",
    "batches",
    "bodies",
    "claims",
    "file_chunks",
    "files",
    "jobs",
    "lines",
    "meta",
    "metadata",
    "orders",
    "parcels",
    "runs",
    "scores",
    "signal_entries",
    "signals",
    "workers",
]
