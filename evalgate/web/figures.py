"""What pages show and do not work out themselves: figures of live traffic, of others, and of public benchmarks.

Plain values, so that a page can be rendered from a gateway's memory, a store or a test alike. Wherever a number may be
missing it is None, and is shown as a dash; how many calls it rests on is known even then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Percentiles:
    """`p50`, `p95` of `n` calls; None where `n` is too small to say."""

    p50: float | None = None
    p95: float | None = None
    n: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """A share in [0, 1] of `n` attempts; None where `n` is too small to say."""

    value: float | None = None
    n: int = 0


NO_PERCENTILES, NO_SHARE = Percentiles(), Share()


@dataclass(frozen=True, slots=True)
class Live:
    """How a variant does on our own traffic of the last 30 minutes, on one operation or on all together.

    `first_ms`: milliseconds to the first token, of streams; `duration_ms`: of whole answers; `tokens_per_second` of the
    output. `success`: successful ÷ all attempts; `uptime_…`: successful ÷ (successful + provider's errors). `at`: when
    the newest attempt ended, seconds since 1970; None: there was none.
    """

    at: float | None = None
    first_ms: Percentiles = NO_PERCENTILES
    duration_ms: Percentiles = NO_PERCENTILES
    tokens_per_second: Percentiles = NO_PERCENTILES
    success: Share = NO_SHARE
    uptime_5m: Share = NO_SHARE
    uptime_30m: Share = NO_SHARE
    uptime_1d: Share = NO_SHARE


NOT_SEEN = Live()
LiveFigures = Mapping[tuple[str, str], Live]  # by (variant, operation); "" for all operations together


@dataclass(frozen=True, slots=True)
class Observed:
    """What somebody else saw on their own traffic: shown with their name, never used to route by.

    Shares in [0, 1]; `requests`: how many their figures rest on, None where they do not tell.
    """

    source: str
    as_of: date | None = None
    requests: int | None = None
    first_ms_p50: float | None = None
    first_ms_p90: float | None = None
    tokens_per_second_p50: float | None = None
    tokens_per_second_p90: float | None = None
    uptime_30m: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One public benchmark behind a composite; `score` in [0, 100], `n`: questions, None where nobody tells."""

    name: str
    score: float
    n: int | None = None
    as_of: date | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Intelligence:
    """A composite of public benchmarks in [0, 100]; `label`: measured, estimated or unknown; `reason` in words."""

    value: float | None = None
    interval: tuple[float, float] | None = None
    label: str = "unknown"
    reason: str = ""
    parts: Sequence[Part] = ()


UNKNOWN_INTELLIGENCE = Intelligence()


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a catalogue says of a model itself; None: it does not say. `context` in tokens."""

    name: str
    author: str | None = None
    open_weights: bool | None = None
    context: int | None = None
    released: str | None = None
