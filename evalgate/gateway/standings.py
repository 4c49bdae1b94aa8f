"""How variants are doing, as this process sees it: breakers in its memory, and what telemetry measured.

What is kept is bounded by the catalogue and the signal: an operation that no suite judges shares one place with all
others of its kind, whatever its callers call it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from evalgate.router import (
    CLOSED,
    Breaker,
    Standing,
    Standings,
    is_slow,
    when_failed,
    when_left,
    when_sent,
    when_succeeded,
)
from evalgate.telemetry import Attempt

FRESH = 1.0  # seconds for which figures count
_UNKNOWN = Standing()


class Telemetry(Protocol):
    """Where attempts are counted; both methods are on the hot path."""

    def record(self, attempt: Attempt) -> None:
        """Count one."""

    def figures(self, operation: str) -> Mapping[str, tuple[float | None, float | None]]:
        """By variant: success in [0, 1] and p95 in milliseconds, None where too few calls were seen."""


class Uncounted:
    """No telemetry: nothing is known."""

    def record(self, attempt: Attempt) -> None:
        """Nobody counts."""
        del attempt

    def figures(self, operation: str) -> Mapping[str, tuple[float | None, float | None]]:
        """Nothing."""
        del operation
        return {}


class Health:
    """Standings by operation. What was handed out is never changed, so that a decision can be explained later."""

    def __init__(self, telemetry: Telemetry, p95_target_ms: float | None) -> None:
        self._telemetry, self._target = telemetry, p95_target_ms
        self._known: dict[str, dict[str, Standing]] = {}
        self._looked: dict[str, float] = {}

    def of(self, operation: str) -> Standings:
        """How the variants do on an operation."""
        now = time.monotonic()
        if now - self._looked.get(operation, -FRESH) >= FRESH:
            self._looked[operation] = now
            self._look(operation)
        return self._known.get(operation) or {}

    def known(self, operation: str) -> Standings:
        """As `of` said last; for other threads, which must not look themselves."""
        return self._known.get(operation) or {}

    def breaker(self, variant: str, operation: str) -> Breaker:
        """The breaker of a variant on an operation."""
        return self._known.get(operation, {}).get(variant, _UNKNOWN).breaker

    def sent(self, variant: str, operation: str, at: float) -> float:
        """A call goes out. Returns what `left` asks for: until when it is the probe of its breaker, 0.0: it is none."""
        breaker = self.breaker(variant, operation)
        if breaker.closed:
            return 0.0
        breaker = when_sent(breaker, at)
        self._keep(variant, operation, breaker)
        return breaker.probe_until

    def left(self, variant: str, operation: str, probe_until: float) -> None:
        """It ended without having told how the variant does: its client left, or it could not be sent."""
        breaker = self.breaker(variant, operation)
        if (after := when_left(breaker, probe_until)) is not breaker:
            self._keep(variant, operation, after)

    def succeeded(self, variant: str, operation: str, at: float) -> None:
        """It was answered."""
        breaker = self.breaker(variant, operation)
        if breaker is not CLOSED:
            self._keep(variant, operation, when_succeeded(breaker, at))

    def failed(self, variant: str, operation: str, at: float, retry_after: float | None) -> None:
        """It was not."""
        breaker = self.breaker(variant, operation)
        self._keep(variant, operation, when_failed(breaker, at, retry_after=retry_after or 0.0))

    def open_breakers(self) -> dict[tuple[str, str], Breaker]:
        """Those that are not closed, by variant and operation; for metrics."""
        return {
            (variant, operation): standing.breaker
            for operation, known in self._known.items()
            for variant, standing in known.items()
            if not standing.breaker.closed
        }

    def _keep(self, variant: str, operation: str, breaker: Breaker) -> None:
        known = self._known.get(operation, {})
        self._known[operation] = {**known, variant: replace(known.get(variant, _UNKNOWN), breaker=breaker)}

    def _look(self, operation: str) -> None:
        figures = self._telemetry.figures(operation)
        known = self._known.get(operation, {})
        if not figures and not known:
            return
        looked = {}
        for variant in {*figures, *known}:
            before = known.get(variant, _UNKNOWN)
            success, p95 = figures.get(variant, (None, None))
            measured = replace(before, success=success, p95_ms=p95)
            looked[variant] = replace(measured, slow=is_slow(measured, self._target))
        self._known[operation] = looked
