"""The table that calls are chosen by: made anew, off the hot path, when the signal or the catalogue changed.

The reader's own rules hold: what it refused never gets here, what it no longer believes is gone at the next look, and
entries are judged by its clock, which cannot be set back.

Tables are made in a thread of this room's own. In the one that asyncio shares, whoever waits there for a store that is
away would keep a withdrawal from being obeyed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from evalgate.catalog import Catalog, load_catalog
from evalgate.errors import EvalgateError
from evalgate.router import Call, Option, RoutingTable
from evalgate.signal.reader import ReadDocument, SignalReader

log = logging.getLogger("evalgate.gateway")
EVERY = 0.1  # seconds between two looks at the signal: a comparison of two pointers
CATALOG_EVERY = 10  # of those


class Routing:
    """`reader` None: there is no signal, and everything goes to the baseline."""

    def __init__(self, catalog: Catalog, reader: SignalReader | None) -> None:
        self.reader = reader
        self.catalog_trouble: str | None = None
        self._catalog = catalog
        self._mark = _mark(catalog.path)
        self._document: ReadDocument | None = reader.held() if reader is not None else None
        self.table = RoutingTable(self._document, catalog)
        self._thread = ThreadPoolExecutor(1, "routing")

    @property
    def catalog(self) -> Catalog:
        """The last good one."""
        return self._catalog

    def now(self) -> float:
        """The time by which entries are judged, in seconds since 1970."""
        return self.reader.now() if self.reader is not None else time.time()

    def allows(self, option: Option, call: Call) -> bool:
        """Whether a variant that was chosen a while ago may still be asked."""
        try:
            route = self.table.route(call)
        except EvalgateError:
            return False
        if option.id == route.baseline.id:
            return True
        now = self.now()
        return now >= self.table.not_before and any(
            each.id == option.id and each.eligible_until > now and each.endpoint.config == option.endpoint.config
            for each in route.greens
        )

    async def follow(self) -> None:
        """Look for news, for ever."""
        turn = 0
        while True:
            await asyncio.sleep(EVERY)
            turn += 1
            if turn % CATALOG_EVERY == 0 and _mark(self._catalog.path) != self._mark:
                await self.reload()
            document = self.reader.held() if self.reader is not None else None
            if document is not self._document:
                await self._renew(document, self._catalog)

    async def reload(self) -> None:
        """Read the catalogue again; one that is broken changes nothing, and is told once."""
        self._mark = _mark(self._catalog.path)
        try:
            catalog = await asyncio.get_running_loop().run_in_executor(self._thread, load_catalog, self._catalog.path)
        except EvalgateError as failure:
            self.catalog_trouble = str(failure)
            log.error("the catalogue that was changed is not used: %s", failure)  # noqa: TRY400  # the user's mistake
            return
        self.catalog_trouble = None
        await self._renew(self._document, catalog)
        log.warning("the catalogue was read again: %s", catalog.path)

    async def _renew(self, document: ReadDocument | None, catalog: Catalog) -> None:
        if document is None:  # nothing is believed any more: not a moment longer
            self.table = RoutingTable(None, catalog)
        else:
            make = asyncio.get_running_loop().run_in_executor
            self.table = await make(self._thread, RoutingTable, document, catalog)
        self._document, self._catalog = document, catalog


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
