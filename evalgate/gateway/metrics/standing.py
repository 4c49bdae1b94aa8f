"""How the router stands, as gauges: breakers, the signal, calls under way."""

from __future__ import annotations

from collections.abc import Mapping

from evalgate.gateway.metrics.gauge import Gauge
from evalgate.router import Breaker, admits

_STATES = "0 closed, 1 open but one call may try, 2 open; closed ones that never failed are left out"


def standing(
    *, breakers: Mapping[tuple[str, str], Breaker], seq: int | None, issued_at: float | None, in_flight: int, now: float
) -> list[Gauge]:
    """`breakers` by variant and operation; `issued_at` of the signal and `now` in seconds since 1970."""
    told = [Gauge("evalgate_in_flight", "Calls under way", in_flight)]
    if seq is not None:
        told.append(Gauge("evalgate_signal_seq", "Of the signal that is followed", seq))
    if issued_at is not None:
        told.append(Gauge("evalgate_signal_age_seconds", "Since the signal was issued", max(0.0, now - issued_at)))
    for (variant, operation), breaker in breakers.items():
        state = 0 if breaker.closed else 1 if admits(breaker, now) else 2
        labels = {"variant": variant, "operation": operation}
        told.append(Gauge("evalgate_breaker_state", _STATES, state, labels))
    return told
