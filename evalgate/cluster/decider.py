"""The process that decides on one operation: an actor with its hearing, which is as it is on one machine.

When it is lost, another one begins anew, and finds all that was answered in the store.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from evalgate.catalog import load_catalog
from evalgate.check import Heard, Hearing
from evalgate.cluster.asker import store_of
from evalgate.cluster.crew import RemoteCrew
from evalgate.cluster.messages import Charge, News
from evalgate.collect import BudgetSpentError, Stop, Trouble
from evalgate.errors import EvalgateError, InputError
from evalgate.gate import Ruling
from evalgate.plan import Contest, StoreMemory, plan
from evalgate.store import Store, open_prepared
from evalgate.suite import load_suites

_PATIENCE = 0.5  # seconds until there is an answer also when there is no news


class Decider:
    """Holds one hearing; whoever wants to know asks for news."""

    def __init__(self, store: str | None, askers: Sequence[Any], charge: Charge, cores: float) -> None:
        self._store, self._askers, self._charge, self._cores = store_of(store), askers, charge, cores
        self._progress, self._stop = _Told(), Stop()
        self._hearing: asyncio.Task[Heard] | None = None

    async def news(self) -> News:
        """What happened since the last time; the first time, it begins."""
        if self._hearing is None:
            self._hearing = asyncio.create_task(self._hold())
        await asyncio.wait([self._hearing], timeout=_PATIENCE)
        told = self._progress.take()
        if not self._hearing.done():
            return News(told, None, None)
        failure = self._hearing.exception()
        if isinstance(failure, EvalgateError | BudgetSpentError):
            return News(told, None, failure.with_traceback(None))
        return News(told, self._hearing.result(), None)

    async def process(self) -> int:
        """Its number on its machine."""
        return os.getpid()

    async def stop(self) -> None:
        """Ask nothing more."""
        self._stop.request()

    async def _hold(self) -> Heard:
        charge = self._charge
        with open_prepared(self._store) as store:
            contest = await asyncio.to_thread(_found, charge, store)
            crew = RemoteCrew(self._askers, store, charge.terms, charge.run, charge.source, self._stop, self._cores)
            async with crew:
                return await Hearing(contest, crew, store, self._progress, charge.run, time.time).hold()


def _found(charge: Charge, store: Store) -> Contest:
    """The contest as this process finds it; raises `InputError` when it is another one than was asked for."""
    source = charge.source
    suites = load_suites([source.suite])
    (contest,) = plan(suites, load_catalog(source.catalog), only=charge.variants, max_cases=charge.max_cases)
    configs = tuple(endpoint.config for endpoint in contest.endpoints)
    if (contest.suite.hash, configs) != (charge.suite_hash, charge.configs):
        message = f"{source.suite} or {source.catalog}: another file on a node of the cluster than here"
        raise InputError(f"{message}; see docs/cluster.md for how files get there")
    return contest.recalling(StoreMemory(store))


class _Told:
    """Keeps what is to be told of a hearing (see `evalgate.check.Progress`)."""

    def __init__(self) -> None:
        self._told: list[tuple[str, tuple[Any, ...]]] = []

    def take(self) -> list[tuple[str, tuple[Any, ...]]]:
        told, self._told = self._told, []
        return told

    def answered(self, operation: str, variant: str, *, known: bool) -> None:
        self._told.append(("answered", (operation, variant, known)))

    def spent(self, operation: str, dollars: Decimal) -> None:
        if self._told and self._told[-1][0] == "spent":
            self._told.pop()
        self._told.append(("spent", (operation, dollars)))

    def troubled(self, trouble: Trouble) -> None:
        del trouble  # those are of the askers

    def ruled(self, operation: str, rulings: Mapping[str, Ruling], cases: int) -> None:
        self._told.append(("ruled", (operation, dict(rulings), cases)))
