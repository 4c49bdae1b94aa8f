"""The composite: 30 % MMLU-Pro, 25 % code, 25 % maths, 20 % GPQA, of the parts that were measured.

Its interval has two sources. The parts' own errors are independent, for each has its own questions. What a part that
nobody measured would have changed is learnt from the models of which all four are known: how far their composite of
only these parts was off the whole one. While there are too few of those, a missing part may be anything from 0 to 100.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist, fmean, stdev
from typing import Literal, get_args

from evalgate.intelligence.reports import Benchmark, Report

PartName = Literal["mmlu_pro", "code", "maths", "gpqa"]
PARTS: tuple[PartName, ...] = get_args(PartName)
WEIGHTS: dict[PartName, float] = {"mmlu_pro": 0.30, "code": 0.25, "maths": 0.25, "gpqa": 0.20}

# by part, what it may be measured by. Only what is within one pair of brackets compares (MATH-500 is a sample of MATH):
# 85 % of HumanEval+ is less than 40 % of LiveCodeBench, so all models of a collection are held to the same yardstick
Yardstick = tuple[Benchmark, ...]
YARDSTICKS: dict[PartName, tuple[Yardstick, ...]] = {
    "mmlu_pro": (("mmlu_pro",),),
    "code": (("humaneval_plus",), ("livecodebench",), ("humaneval",)),
    "maths": (("math500", "math"), ("aime",)),
    "gpqa": (("gpqa",),),
}
LEVEL = 0.90  # of every interval of this room
ENOUGH_COMPLETE = 8  # models with all parts, before the error of a missing one is learnt from them


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a composite. `score` and `error` (its standard error) in percent; `n`: distinct questions."""

    name: PartName
    benchmark: Benchmark
    score: float
    error: float
    n: int | None
    date: date
    measured_by: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Composite:
    """A weighted mean in [0, 100], its interval, and the share of the weight that was measured."""

    value: float
    interval: tuple[float, float]
    weight: float


def yardsticks(reports: Iterable[Report]) -> dict[PartName, Yardstick]:
    """By part, the yardstick by which most models of a collection were measured; of equally many, the first above."""
    measured: dict[Benchmark, set[str]] = {}
    for report in reports:
        measured.setdefault(report.benchmark, set()).add(report.model)

    def models(yardstick: Yardstick) -> int:
        return len(set().union(*(measured.get(each, set()) for each in yardstick)))

    return {name: max(choices, key=models) for name, choices in YARDSTICKS.items()}


def parts_of(reports: Iterable[Report], by: Mapping[PartName, Yardstick]) -> tuple[Part, ...]:
    """The parts that the reports of one model give, in the order of `PARTS`, each by its yardstick.

    Of each party only the newest report of a benchmark counts; several parties are averaged, and where they differ by
    more than their errors explain, the difference is the error.
    """
    newest: dict[tuple[Benchmark, str], Report] = {}
    for report in sorted(reports, key=lambda each: each.date):
        newest[report.benchmark, report.measured_by] = report
    by_benchmark: dict[Benchmark, list[Report]] = {}
    for (benchmark, _), report in sorted(newest.items()):
        by_benchmark.setdefault(benchmark, []).append(report)
    found = []
    for name in PARTS:
        there = [each for each in by[name] if each in by_benchmark]
        if there:
            found.append(_part(name, by_benchmark[there[0]]))
    return tuple(found)


def composite(parts: Sequence[Part], complete: Sequence[Mapping[PartName, float]] = ()) -> Composite:
    """The composite of some parts; `complete`: the scores of the models of which all parts are known.

    Raises `ValueError` without any part.
    """
    scores = {part.name: part.score for part in parts}
    value = weighted(scores)
    weight = sum(WEIGHTS[name] for name in scores)
    error = math.sqrt(sum((WEIGHTS[part.name] / weight * part.error) ** 2 for part in parts))
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    missing = 1 - weight
    if len(scores) == len(PARTS):
        low, high = value - z * error, value + z * error
    elif len(complete) < ENOUGH_COMPLETE:
        # whatever the missing parts are: the measured ones keep their share of the whole composite
        low, high = weight * (value - z * error), weight * (value + z * error) + 100 * missing
    else:
        from scipy.special import stdtrit  # Student's quantile

        off = fmean((weighted(each) - weighted({name: each[name] for name in scores})) ** 2 for each in complete)
        count = len(complete)
        half = float(stdtrit(count, (1 + LEVEL) / 2)) * math.sqrt(off * (1 + 1 / count) + error**2)
        low, high = value - half, value + half
    return Composite(value, (max(0.0, min(low, value)), min(100.0, max(high, value))), weight)


def weighted(scores: Mapping[PartName, float]) -> float:
    """The weighted mean of the parts that there are; raises `ValueError` without any."""
    if not scores:
        raise ValueError("no part")
    mean = sum(WEIGHTS[name] * score for name, score in scores.items()) / sum(WEIGHTS[name] for name in scores)
    return min(max(mean, min(scores.values())), max(scores.values()))  # sums of floats may leave the range by an ulp


def _part(name: PartName, reports: Sequence[Report]) -> Part:
    count = len(reports)
    error = math.sqrt(sum(report.error**2 for report in reports)) / count
    if count > 1:
        error = max(error, stdev(report.score for report in reports) / math.sqrt(count))
    known = [report.n for report in reports if report.n is not None]
    return Part(
        name=name,
        benchmark=reports[0].benchmark,
        score=fmean(report.score for report in reports),
        error=error,
        n=max(known) if known else None,
        date=max(report.date for report in reports),
        measured_by=tuple(report.measured_by for report in reports),
        sources=tuple(dict.fromkeys(report.source for report in reports)),
    )
