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
from evalgate.store.schema.watching import events, leases, rounds, watched

__all__ = [
    "answers",
    "attempts",
    "batch_items",
    "batches",
    "bodies",
    "claims",
    "events",
    "leases",
    "meta",
    "metadata",
    "orders",
    "rounds",
    "runs",
    "scores",
    "signal_entries",
    "signals",
    "watched",
    "workers",
]
