"""What the batch tier stands on: handed in by whoever puts the gateway together."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from evalgate.errors import InputError
from evalgate.gateway.caller import Caller, Doorkeeper, OpenDoor
from evalgate.gateway.settings import QueueSettings
from evalgate.gateway.translation import Translation
from evalgate.router import (
    CLOSED,
    Breaker,
    Call,
    Decision,
    RoutingTable,
    Standing,
    Standings,
    choose,
    when_failed,
    when_sent,
    when_succeeded,
)
from evalgate.store import Store
from evalgate.telemetry import Attempt

_DAY = 86_400.0
logger = logging.getLogger("evalgate.batches")

Between = Callable[[str, str], Translation | None]
"""From the OpenAI API to a provider's protocol, for a path such as `/chat/completions`; None: they speak the same."""


def _no_words(protocol: str, path: str) -> Translation | None:
    if protocol == "anthropic":
        message = f"nobody translates {path} to {protocol}"
        raise LookupError(message)
    return None


@dataclass(slots=True)
class BatchTier:
    """The batch tier of one process.

    `table` gives the routes of the signal that is believed now, `live` the calls under way in this process that are
    not batch work. `affords`: whether a key may still spend; what it may not is failed, and not asked. `figures`: the
    success in [0, 1] and p95 of variants on an operation, as telemetry knows them. `between` raises `LookupError` where
    there is no translation. `now` is in seconds since the epoch; `drain_seconds`: how long a process that is to end
    waits for its calls.
    """

    store: Store
    table: Callable[[], RoutingTable]
    environment: Mapping[str, str]
    settings: QueueSettings = field(default_factory=QueueSettings)
    doorkeeper: Doorkeeper = field(default_factory=OpenDoor)
    live: Callable[[], int] = lambda: 0
    record: Callable[[Attempt], None] = lambda attempt: None
    figures: Callable[[str], Mapping[str, tuple[float | None, float | None]]] = lambda operation: {}
    affords: Callable[[Caller], bool] = lambda caller: True
    between: Between = _no_words
    now: Callable[[], float] = time.time
    drain_seconds: float = 30.0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _bells: list[asyncio.Event] = field(default_factory=list)
    _breakers: dict[tuple[str | None, str], Breaker] = field(default_factory=dict)

    def decide(self, call: Call, *, patient: bool = False) -> Decision:
        """Who takes a call now; `patient`: also a variant that is failing at this moment, which may be waited for.

        No latency is asked for: nobody waits. Raises `InputError` where nobody can say who the baseline is.
        """
        table = self.table()
        standings = self._standings(table.route(call).operation, patient=patient)
        return choose(call, table, now=datetime.fromtimestamp(self.now(), UTC), standings=standings)

    def allows(self, operation: str | None, model: str, variant: str, config: str) -> bool:
        """Whether a variant that was chosen a moment ago may be used now."""
        table = self.table()
        try:
            route = table.route(Call(operation, model))
        except InputError:
            return False
        if variant == route.baseline.id:
            return config == route.baseline.endpoint.config
        now = self.now()
        return now >= table.not_before and any(
            each.id == variant and each.eligible_until > now and each.endpoint.config == config for each in route.greens
        )

    def breaker(self, operation: str | None, variant: str) -> Breaker:
        """How a variant is doing in this process' batch work on an operation."""
        return self._breakers.get((operation, variant), CLOSED)

    def sent(self, operation: str | None, variant: str) -> None:
        """A call goes out."""
        self._set(operation, variant, when_sent(self.breaker(operation, variant), self.now()))

    def succeeded(self, operation: str | None, variant: str) -> None:
        """A call was answered."""
        self._set(operation, variant, when_succeeded(self.breaker(operation, variant), self.now()))

    def failed(self, operation: str | None, variant: str, retry_after: float | None) -> None:
        """A call failed by the provider's fault."""
        breaker = when_failed(self.breaker(operation, variant), self.now(), retry_after=retry_after or 0.0)
        self._set(operation, variant, breaker)

    def ring(self) -> None:
        """There is news: let nobody sleep on it. To be called in the event loop's thread."""
        for bell in self._bells:
            bell.set()

    def bell(self) -> asyncio.Event:
        """What is set when there is news."""
        self._bells.append(bell := asyncio.Event())
        return bell

    def stop(self) -> None:
        """Let `work` return as soon as what is under way is durable."""
        self.stopping.set()
        self.ring()

    def keep_until(self) -> float:
        """Until when what ends now is kept."""
        return self.now() + self.settings.keep_days * _DAY

    def _set(self, operation: str | None, variant: str, breaker: Breaker) -> None:
        if breaker == CLOSED:
            self._breakers.pop((operation, variant), None)
        else:
            self._breakers[operation, variant] = breaker

    def _standings(self, operation: str | None, *, patient: bool) -> Standings:
        figures = self.figures(operation) if operation is not None else {}
        standings = {variant: Standing(success=success) for variant, (success, _) in figures.items()}
        if not patient:
            for (named, variant), breaker in self._breakers.items():
                if named == operation:
                    success = standings[variant].success if variant in standings else None
                    standings[variant] = Standing(success=success, breaker=breaker)
        return standings
