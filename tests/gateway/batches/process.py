"""A process that works off clients' batches, to be killed. Arguments: store, catalogue, signal, and its clock's start.

It imports nothing of the tests, so that it starts in a moment.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from evalgate.catalog import load_catalog
from evalgate.gateway.batches import BatchTier, parcels, queue, work, working
from evalgate.gateway.settings import QueueSettings
from evalgate.router import RoutingTable
from evalgate.signal.document import parse
from evalgate.store import open_store


def main(store: str, catalog: str, signal: str, now: str) -> None:
    parcels.DOUBT_SECONDS, working.LOOK_SECONDS, queue.IDLE_SECONDS = 0.02, 0.05, 0.05
    known, began = load_catalog(Path(catalog)), time.monotonic()
    table = RoutingTable(parse(Path(signal).read_bytes()), known)
    settings = QueueSettings(concurrency=4, busy_above=0, poll_seconds=0.02)
    with open_store(store) as opened:
        clock = lambda: float(now) + time.monotonic() - began  # noqa: E731
        tier = BatchTier(opened, lambda: table, {}, settings=settings, now=clock)
        print("works", flush=True)
        asyncio.run(work(tier))


if __name__ == "__main__":
    main(*sys.argv[1:])
