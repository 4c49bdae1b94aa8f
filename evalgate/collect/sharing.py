"""What a collection keeps together with all other processes on the store: places, limits per minute, and budgets.

Where the catalogue or the suite sets no limit, nothing is asked of the store. Places are always limited; whoever is
alone takes all of them at once and then only reads, twice a second, whether somebody else has come.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from evalgate.collect.allotment import Allotment
from evalgate.collect.budget import Budget
from evalgate.collect.limit import AdaptiveLimit
from evalgate.collect.purse import SharedPurse
from evalgate.collect.share import Workbench
from evalgate.errors import StoreError
from evalgate.formats.canonical import digest
from evalgate.store.grants import Grants
from evalgate.store.places import Need, PlacesLedger
from evalgate.store.purses import PursesLedger

if TYPE_CHECKING:
    from evalgate.catalog import Provider

LOOK_SECONDS = 0.5  # between two looks at what others want
CONTESTED_SECONDS = 0.1
_AT_ONCE = 0.005  # calls that begin together ask for their places together


class Sharing:
    """The part of one collection; to be closed before its workbench is left."""

    def __init__(self, bench: Workbench) -> None:
        store, claims = bench.store, bench.claims
        self._bench = bench
        self._grants, self._ledger = Grants(store, claims.worker), PlacesLedger(store, claims)
        self._purses_ledger = PursesLedger(store, claims)
        self._limits: dict[str, tuple[AdaptiveLimit, int]] = {}
        self._held: dict[str, int] = {}
        self._allotments: list[Allotment] = []
        self._purses: dict[str, SharedPurse] = {}
        self._lacking, self._contested, self._over = asyncio.Event(), True, False
        self._closing = False
        self._looking: asyncio.Task[None] | None = None

    def places(self, provider: Provider) -> AdaptiveLimit:
        """The places for calls to a provider: none until the store was asked, and then this process's part."""
        if provider.protocol == "replay":  # recorded answers are nobody's limit
            return AdaptiveLimit(provider.concurrency)
        limit = AdaptiveLimit(provider.concurrency, self._lack)
        self._limits[_name(provider)] = limit, provider.concurrency
        if not self._over:
            limit.allow(0)
        return limit

    def allotment(self, provider: Provider) -> Allotment | None:
        """The part of a provider's limits per minute; None where it has none."""
        requests, tokens = provider.requests_per_minute, provider.tokens_per_minute
        if (requests is None and tokens is None) or provider.protocol == "replay":
            return None
        self._allotments.append(Allotment(self._grants, _name(provider), requests, tokens))
        return self._allotments[-1]

    def purse(self, budget: Budget) -> SharedPurse:
        """The part of a budget."""
        if budget.name not in self._purses:
            self._purses[budget.name] = SharedPurse(self._purses_ledger, budget)
            self._lack()
        return self._purses[budget.name]

    def release(self) -> None:
        """It is to end: nobody waits for a place any more, for nobody will use one."""
        self._over = True
        for limit, most in self._limits.values():
            limit.allow(most)

    async def close(self) -> None:
        """Give back what was leased."""
        if self._looking is not None:  # not cut off: a look that comes after the leave would make us known again
            self._closing = True
            self._lacking.set()
            await asyncio.shield(self._looking)
        if not isinstance(self._bench.stop.reason, StoreError):
            for allotment in self._allotments:
                await allotment.close()
            for purse in self._purses.values():
                await purse.close()

    def _lack(self) -> None:
        if self._looking is None:
            self._bench.enter()
            self._looking = asyncio.create_task(self._look_on())
        self._lacking.set()

    async def _look_on(self) -> None:
        try:
            while await self._time_to_look():
                self._lacking.clear()
                await self._look()
                for purse in list(self._purses.values()):
                    await purse.look()
        except StoreError as failure:
            self._bench.stop.request(failure)
        finally:
            self.release()

    async def _time_to_look(self) -> bool:
        """Wait until somebody lacks something, or for a while; returns whether there is anything to look for."""
        try:
            async with asyncio.timeout(CONTESTED_SECONDS if self._contested else LOOK_SECONDS):
                await self._lacking.wait()
            await asyncio.sleep(CONTESTED_SECONDS if self._contested and self._held else _AT_ONCE)
        except TimeoutError:
            pass
        return not self._closing

    async def _look(self) -> None:
        names = list(self._limits)
        content = not self._contested and all(self._held.get(name) == most for name, (_, most) in self._limits.items())
        if self._over or not names or (content and await asyncio.to_thread(self._ledger.alone, names)):
            return
        needs = []
        for name, (limit, most) in self._limits.items():
            limit.allow(limit.busy)  # what is about to be somebody else's is not taken meanwhile
            needs.append(Need(name, most, limit.busy, limit.wanted, self._held.get(name, 0)))
        found = await asyncio.to_thread(self._ledger.settle, needs)
        self._contested = any(places.contested for places in found.values())
        for name, places in found.items():
            self._held[name] = places.held
            if not self._over:
                self._limits[name][0].allow(places.held)


def _name(provider: Provider) -> str:
    """The same for whoever has the provider in his catalogue by the same name and address."""
    return digest([provider.id, provider.base_url])
