"""The figures that people and routers look at, each with its n, and None where too few calls were seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evalgate.telemetry import sketch
from evalgate.telemetry.cell import Cell
from evalgate.telemetry.sketch import Sketch

FLOOR = 20  # calls; with fewer, one failure more or less moves a share by more than five points
TAIL_FLOOR = (
    60  # for a p95: from 59 values on, one of them is above the true one in 95 of 100 cases, since 0.95⁵⁹ < 0.05
)


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles of `n` measurements, within 2 %."""

    p50: float | None = None
    p95: float | None = None
    n: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """A share in [0, 1] of `n` attempts."""

    value: float | None = None
    n: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """How a variant does: the last 30 minutes, but for the other two uptimes.

    `latency`: ms to the first content, of streams; `duration`: ms of whole answers; `wait`: ms until a caller had
    something (the first content of a stream, else the whole answer), by which the router filters; `throughput`: output
    tokens per second over the whole duration. Of attempts that were ok alone.

    `success`: ok ÷ all attempts. `uptime_…`: ok ÷ (ok + failed), without 429s, callers' faults and clients that left,
    as OpenRouter defines it. `age`: seconds since the last attempt of the day, None where there was none.
    """

    latency: Spread
    duration: Spread
    wait: Spread
    throughput: Spread
    success: Share
    uptime_5m: Share
    uptime_30m: Share
    uptime_1d: Share
    attempts: int
    attempts_1d: int
    input_tokens: int
    output_tokens: int
    age: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All figures at one moment; `at` in seconds since 1970."""

    at: float
    by_operation: Mapping[tuple[str, str], Figures]  # (variant, operation); "" is what was not tagged
    by_variant: Mapping[str, Figures]


def figures_of(recent: Cell, five_minutes: Cell, day: Cell, now: float) -> Figures:
    """The figures of what was counted in the last 30 minutes, five minutes and day."""
    latest = max(recent.latest, day.latest)
    return Figures(
        latency=spread(recent.first),
        duration=spread(_both(recent.streamed, recent.whole)),
        wait=wait(recent),
        throughput=spread(recent.speed),
        success=success(recent),
        uptime_5m=uptime(five_minutes),
        uptime_30m=uptime(recent),
        uptime_1d=uptime(day),
        attempts=recent.attempts,
        attempts_1d=day.attempts,
        input_tokens=recent.input_tokens,
        output_tokens=recent.output_tokens,
        age=max(0.0, now - latest) if latest else None,
    )


def spread(measured: Sketch) -> Spread:
    """p50 and p95, each where there are enough for it."""
    n = sketch.size(measured)
    if n < FLOOR:
        return Spread(n=n)
    p50, p95 = sketch.quantiles(measured, 0.5, 0.95)
    return Spread(p50, p95 if n >= TAIL_FLOOR else None, n)


def wait(cell: Cell) -> Spread:
    """How long callers waited until they had something."""
    return spread(_both(cell.first, cell.whole))


def success(cell: Cell) -> Share:
    """Successful ÷ all attempts."""
    return _share(cell.count("ok"), cell.attempts)


def uptime(cell: Cell) -> Share:
    """Successful ÷ (successful + the provider's errors)."""
    ok = cell.count("ok")
    return _share(ok, ok + cell.count("failed"))


def _share(part: int, whole: int) -> Share:
    return Share(part / whole if whole >= FLOOR else None, whole)


def _both(one: Sketch, other: Sketch) -> Sketch:
    if not one or not other:
        return one or other
    both = dict(one)
    sketch.merge(both, other)
    return both
