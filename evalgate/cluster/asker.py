"""A process that asks: an actor with a collector of its own, on the store that all share."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from evalgate import __version__
from evalgate.cluster.messages import Done, Needs, Order, Terms
from evalgate.collect import Budget, BudgetSpentError, Collector, Stop, Trouble, require_ready
from evalgate.errors import EvalgateError, InputError
from evalgate.exchange import Answer
from evalgate.store import open_prepared

AT_ONCE = 64  # calls under way in one process: so many are lost, at most, when it is killed
MOST_TROUBLES = 100  # kept until somebody asks for them
STORE = "EVALGATE_RAY_STORE"  # names the store to processes that were started here, whose environment is ours


def store_of(name: str | None) -> str:
    """The store's name, from the job or from the environment."""
    return name if name is not None else os.environ[STORE]


class Asker:
    """Takes orders, as many at the same time as it is given."""

    def __init__(self, store: str | None) -> None:
        self._store = open_prepared(store_of(store))
        self._stops: dict[float, Stop] = {}  # by when a job was started
        self._collectors: dict[Terms, Collector] = {}
        self._budgets: dict[str, Budget] = {}
        self._troubles: list[Trouble] = []

    async def ready(self, version: str, needs: Needs) -> EvalgateError | None:
        """Why this process cannot do its part, such as a key that its environment does not have; None when it can."""
        if version != __version__:
            return InputError(f"a node of the cluster has evalgate {__version__}, and this is {version}; install one")
        try:
            for endpoints, request in needs:
                require_ready(endpoints, request, os.environ)
        except EvalgateError as failure:
            return InputError(f"on a node of the cluster: {failure}") if isinstance(failure, InputError) else failure
        return None

    async def process(self) -> int:
        """Its number on its machine."""
        return os.getpid()

    async def ask(self, order: Order) -> Done:
        """Carry out an order; when this returns, all that was answered is durable."""
        told: list[tuple[Answer, bool]] = []
        budget = self._budget(order).part()
        answers: Sequence[Answer] = ()
        failure: Exception | None = None
        try:
            collector = await self._collector(order.terms)
            answers = await collector.ask(
                order.endpoint,
                order.questions,
                lambda answer, known: told.append((answer, known)),
                budget,
                max_age=order.max_age,
            )
        except (EvalgateError, BudgetSpentError) as error:
            failure = error.with_traceback(None)
        return Done(answers, told, budget.made, budget.spent, failure)

    async def troubles(self) -> list[Trouble]:
        """Attempts that failed since somebody asked last."""
        told, self._troubles = self._troubles, []
        return told

    async def stop(self, started: float) -> None:
        """Ask nothing more for the job that was started then; what is under way is waited for, and kept."""
        self._stop(started).request()

    async def close(self, started: float) -> None:
        """The job that was started then is over: what was claimed and leased for it is others'."""
        self._stops.pop(started, None)
        for terms in [terms for terms in self._collectors if terms.started == started]:
            await self._collectors.pop(terms).__aexit__(None, None, None)

    def _stop(self, started: float) -> Stop:
        return self._stops.setdefault(started, Stop())

    def _budget(self, order: Order) -> Budget:
        return self._budgets.setdefault(order.purse, Budget(order.dollars, order.calls, order.purse))

    async def _collector(self, terms: Terms) -> Collector:
        if terms not in self._collectors:
            collector = self._collectors[terms] = Collector(
                self._store,
                os.environ,
                # no answer of this job is older than it, whatever the clock of this machine says
                now=lambda: max(time.time(), terms.started),
                since=terms.since,
                stop=self._stop(terms.started),
                retry_failed=terms.retry_failed,
                on_trouble=self._on_trouble,
                started=terms.started,
                at_once=AT_ONCE,
            )
            await collector.__aenter__()
        return self._collectors[terms]

    def _on_trouble(self, trouble: Trouble) -> None:
        if len(self._troubles) < MOST_TROUBLES:
            self._troubles.append(trouble)
