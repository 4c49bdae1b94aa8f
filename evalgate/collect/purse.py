"""A budget that several processes spend together, as this one sees it: a small lease, and what it spends of it."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from evalgate.collect.budget import Budget, BudgetSpentError
from evalgate.collect.stop import Stop
from evalgate.formats.canonical import digest
from evalgate.store.purses import Purse, PursesLedger, Terms
from evalgate.store.store import PICO

_PAUSE = 0.25  # seconds, while others hold what is left


class SharedPurse:
    """Lets a call go when the lease reaches for it.

    Calls are never exceeded, by all together; dollars by no more than the calls that all of them have under way.
    """

    def __init__(self, ledger: PursesLedger, budget: Budget) -> None:
        self._ledger, self._budget, self._name = ledger, budget, digest(budget.name)
        self._lease = Purse()
        self._turn, self._entered = asyncio.Lock(), False
        self._waiting = self._made_before = self._made_at_look = 0

    async def enter(self) -> None:
        """Be one of those who spend it, from before the first call on: what others spend meanwhile is spent."""
        if not self._entered:
            async with self._turn:
                if not self._entered:
                    await self._settle(0)
                self._entered = True

    async def permit(self, stop: Stop) -> None:
        """Return when one more call may be made, which is to be counted at once.

        Raises `BudgetSpentError` when all is spent, the reason when it is to end, and `StoreError`.
        """
        if self._reaches and not self._turn.locked():
            return
        self._waiting += 1
        try:
            async with self._turn:
                while not self._reaches:
                    stop.check()
                    if not await self._settle(self._waiting + self._budget.made - self._made_before):
                        await stop.sleep(_PAUSE)
        finally:
            self._waiting -= 1

    async def look(self) -> None:
        """Give back what nobody here has used since the last look."""
        idle = self._made_at_look == self._budget.made and not self._waiting
        self._made_at_look = self._budget.made
        if idle and self._lease != self._used:
            await self.close()

    async def close(self) -> None:
        """Say what was spent, and keep nothing of what was not."""
        if self._entered:
            async with self._turn:
                await self._settle(0)

    @property
    def _used(self) -> Purse:
        spent = int(self._budget.spent * PICO)
        return Purse(self._budget.made, self._budget.made, spent, spent)

    @property
    def _reaches(self) -> bool:
        budget, lease = self._budget, self._lease
        calls = budget.calls is None or budget.made < lease.calls_leased
        return calls and (budget.dollars is None or budget.spent * PICO < lease.picodollars_leased)

    async def _settle(self, calls: int) -> bool:
        """Lease enough for so many calls more; returns whether there is any, raises when nothing will be."""
        budget = self._budget
        price = budget.spent / budget.made if budget.made else Decimal(0)
        whole = None if budget.dollars is None else int(budget.dollars * PICO)
        terms = Terms(budget.calls, whole, calls, int(price * PICO) * calls)
        self._made_before = budget.made
        lent = await asyncio.to_thread(self._ledger.settle, self._name, terms, self._used)
        self._lease = lent.purse
        if calls and lent.spent and not self._reaches:
            raise BudgetSpentError
        return self._reaches
