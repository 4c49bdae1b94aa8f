"""What pages show and do not work out themselves: figures of live traffic, of others, and of public benchmarks.

Plain values, so that a page can be rendered from a gateway's memory, a store or a test alike. Wherever a number may be
missing it is None, and is shown as a dash; how many calls it rests on is known even then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles of `n` measurements; None where `n` is too small to say."""

    p50: float | None = None
    p95: float | None = None
    n: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """A share in [0, 1] of `n` attempts; None where `n` is too small to say."""

    value: float | None = None
    n: int = 0


NO_SPREAD, NO_SHARE = Spread(), Share()


@dataclass(frozen=True, slots=True)
class Figures:
    """How a variant does on our own traffic of the last 30 minutes, but for the other two uptimes.

    `latency`: ms to the first content, of streams; `duration`: ms of whole answers; `throughput`: output tokens per
    second. `success`: ok ÷ all attempts; `uptime_…`: ok ÷ (ok + failed). `age`: seconds since the last attempt, None
    where there was none.
    """

    latency: Spread = NO_SPREAD
    duration: Spread = NO_SPREAD
    throughput: Spread = NO_SPREAD
    success: Share = NO_SHARE
    uptime_5m: Share = NO_SHARE
    uptime_30m: Share = NO_SHARE
    uptime_1d: Share = NO_SHARE
    age: float | None = None


NOT_SEEN = Figures()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All figures at one moment; `at` in seconds since 1970, `by_operation` by (variant, operation)."""

    at: float
    by_operation: Mapping[tuple[str, str], Figures]
    by_variant: Mapping[str, Figures]


@dataclass(frozen=True, slots=True)
class Observed:
    """What somebody else saw on their own traffic: shown with their name, never used to route by.

    `at`: when it was looked up; `requests`: how many their figures rest on, None where they do not tell. Percentiles by
    name (`p50`), uptimes in percent by span (`30m`).
    """

    source: str
    at: str = ""
    requests: int | None = None
    first_token_ms: Mapping[str, float] | None = None
    tokens_per_second: Mapping[str, float] | None = None
    uptime: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One public benchmark behind a composite; `score` and `error` in percent, `n`: questions, None: nobody tells."""

    name: str
    benchmark: str
    score: float
    error: float
    n: int | None
    date: date
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Intelligence:
    """A composite of public benchmarks in [0, 100]; `label`: measured, estimated or unknown; `reason` in words."""

    value: float | None = None
    interval: tuple[float, float] | None = None
    label: str = "unknown"
    parts: Sequence[Part] = ()
    reason: str = ""


UNKNOWN_INTELLIGENCE = Intelligence()


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a catalogue says of a model itself; None: it does not say. `context` in tokens."""

    name: str
    author: str | None = None
    open_weights: bool | None = None
    context: int | None = None
    released: str | None = None
