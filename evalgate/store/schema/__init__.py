"""The tables, as they are after the last step.

Whoever changes one adds the step that leads there to `migrate.STEPS`, with tables of its own (see `steps`).
"""

from evalgate.store.schema.books import spending, telemetry, virtual_keys
from evalgate.store.schema.captures import captures, shadow_spending
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
from evalgate.store.schema.limits import grants, places, purses
from evalgate.store.schema.metadata import metadata
from evalgate.store.schema.queue import file_chunks, files, jobs, lines, parcels
from evalgate.store.schema.watching import events, leases, rounds, watched

__all__ = [
    "answers",
    "attempts",
    "batch_items",
    "batches",
    "bodies",
    "captures",
    "claims",
    "events",
    "file_chunks",
    "files",
    "grants",
    "jobs",
    "leases",
    "lines",
    "meta",
    "metadata",
    "orders",
    "parcels",
    "places",
    "purses",
    "rounds",
    "runs",
    "scores",
    "shadow_spending",
    "signal_entries",
    "signals",
    "spending",
    "telemetry",
    "virtual_keys",
    "watched",
    "workers",
]
