"""A process that works off clients' batches, to be killed. Arguments: the store, the catalogue."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from evalgate.catalog import load_catalog
from evalgate.gateway.batches import BatchTier, parcels, queue, work, working
from evalgate.router import RoutingTable
from evalgate.store import open_store
from tests.gateway.batches.conftest import CHEAP, QUICK
from tests.router.house import LATER, signal_of


def main(store: str, catalog: str) -> None:
    parcels.DOUBT_SECONDS, working.LOOK_SECONDS, queue.IDLE_SECONDS = 0.02, 0.05, 0.05
    known, began = load_catalog(Path(catalog)), time.monotonic()
    table = RoutingTable(signal_of(known, CHEAP), known)
    with open_store(store) as opened:
        tier = BatchTier(
            opened, lambda: table, {}, settings=QUICK, now=lambda: LATER.timestamp() + time.monotonic() - began
        )
        print("works", flush=True)
        asyncio.run(work(tier))


if __name__ == "__main__":
    main(*sys.argv[1:])
