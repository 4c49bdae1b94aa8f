"""How a variant is doing on an operation right now: what telemetry hands to the choice, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evalgate.router.breaker import CLOSED, Breaker

BACK_BELOW = 0.8  # of the target: between the two a variant stays as it was


@dataclass(frozen=True, slots=True)
class Standing:
    """One variant on one operation. A figure is None where too few calls were seen to say anything.

    `success`: successful ÷ all attempts, in [0, 1]. `p95_ms`: milliseconds. `slow`: whether it was out for its latency
    at the last look (the router keeps what `is_slow` said).
    """

    success: float | None = None
    p95_ms: float | None = None
    slow: bool = False
    breaker: Breaker = CLOSED


UNKNOWN = Standing()
Standings = Mapping[str, Standing]  # by variant id, of one operation
NOBODY: Standings = {}


def is_slow(standing: Standing, target_ms: float | None) -> bool:
    """Whether a variant is out for its p95: out above the target, back below 0.8 of it, in between as it was.

    Where nothing was measured of late nobody says that it is slow, so who was out gets another try.
    """
    p95 = standing.p95_ms
    if target_ms is None or p95 is None:
        return False
    return p95 > target_ms or (standing.slow and p95 >= BACK_BELOW * target_ms)
