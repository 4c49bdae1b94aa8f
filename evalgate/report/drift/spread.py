"""How answers are spread beside the baseline's: length, latency, cost; and the shares of those that are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np

from evalgate import stats
from evalgate.exchange import AnswerKind
from evalgate.gate import BUILT_IN, PROMPT_TOKENS, Usage, Verdict

if TYPE_CHECKING:
    from evalgate.report.drift.evidence import FloatArray, Numbers

LEVEL = 0.95
TOLD_AS_RATES = {*BUILT_IN} - {PROMPT_TOKENS}  # metrics that say again what the rates say
_STEPS = 40  # of a curve
_RATES: Mapping[AnswerKind, str] = {
    "failed": "calls failed",
    "refused": "refused",
    "filtered": "filtered",
    "empty": "empty",
    "cut_in_reasoning": "cut off in reasoning",
    "tool_calls": "calls of tools only",
}


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile of `n` answers with its order-statistics interval at `LEVEL`."""

    value: float
    interval: tuple[float, float]
    n: int


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison; `curve` are the quantiles at 0, 1/40, …, 1. The mean is the mean over all answers."""

    n: int
    median: Quantile
    p90: Quantile
    mean: float
    curve: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """A quantity of both sides' answers to the same cases, in `unit`."""

    name: str
    unit: str
    baseline: Side
    variant: Side


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of answers on both sides, each with its n and Wilson interval at `LEVEL`."""

    name: str
    baseline: float
    baseline_interval: tuple[float, float]
    baseline_n: int
    variant: float
    variant_interval: tuple[float, float]
    variant_n: int


def spreads(baseline: Numbers, variant: Numbers) -> list[Spread]:
    """What is known of both sides; a quantity that one of them does not tell is left out."""
    told = (
        ("output length", "tokens", baseline.tokens, variant.tokens),
        ("latency", "ms", baseline.latency, variant.latency),
        ("cost", "USD / 1,000 answers", baseline.cost * 1000, variant.cost * 1000),
    )
    sides = ((name, unit, _side(ours), _side(theirs)) for name, unit, ours, theirs in told)
    return [Spread(name, unit, ours, theirs) for name, unit, ours, theirs in sides if ours and theirs]


def rates(verdict: Verdict) -> list[Rate]:
    """The shares of answers that are nothing on some side, and truncation always; validity is a metric of its own."""
    ours, base = verdict.usage, verdict.baseline_usage
    found = [rate("truncated", _truncated(base), base.answers, _truncated(ours), ours.answers)]
    for kind, name in _RATES.items():
        counts = [each.kinds.get(kind, 0) for each in (base, ours)]
        if any(counts):
            found.append(rate(name, counts[0], base.answers, counts[1], ours.answers))
    return [each for each in found if each is not None]


def _truncated(usage: Usage) -> int:
    return round(usage.truncated * (usage.answers - usage.failed))


def rate(name: str, baseline: int, baseline_n: int, variant: int, variant_n: int) -> Rate | None:
    """A share of both sides' answers; None where a side has none."""
    if not baseline_n or not variant_n:
        return None
    return Rate(
        name,
        baseline / baseline_n,
        stats.share_interval(baseline, baseline_n, LEVEL),
        baseline_n,
        variant / variant_n,
        stats.share_interval(variant, variant_n, LEVEL),
        variant_n,
    )


def _side(values: FloatArray) -> Side | None:
    known = np.sort(values[~np.isnan(values)])
    if not known.size:
        return None
    at = np.arange(_STEPS + 1) * (known.size - 1) // _STEPS
    curve = tuple(known[at].tolist())
    return Side(int(known.size), _quantile(known, 0.5), _quantile(known, 0.9), float(known.mean()), curve)


def _quantile(known: FloatArray, share: float) -> Quantile:
    """Ranks by the normal approximation of the binomial, rounded outwards (Conover 1999, §3.2); a sample of few
    answers has no such ranks inside, and the interval then ends at the smallest or largest of them.
    """
    n = int(known.size)
    reach = 1.959964 * sqrt(n * share * (1 - share))
    low, high = int(np.floor(n * share - reach)) - 1, int(np.ceil(n * share + reach))
    ends = float(known[max(low, 0)]), float(known[min(high, n - 1)])
    return Quantile(float(known[max(ceil(n * share) - 1, 0)]), ends, n)
