"""The parts of a verdict: what was measured, what it proves, which cases flipped, and why in one line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalgate import stats
from evalgate.gate.board import Flip, MetricEvidence, Point
from evalgate.gate.contest import Ruling
from evalgate.gate.transcript import FloatArray, Transcript
from evalgate.suite import Case, Gate

COURSE_POINTS = 120  # more would not show in the picture


def evidence(
    metric: str, differences: FloatArray, baseline: FloatArray, gate: Gate, design: stats.Design
) -> MetricEvidence:
    """What the statistics say of one metric; `differences` and `baseline` (units,) in the order asked."""
    level = 1 - 2 * gate.alpha
    if not differences.size:
        return MetricEvidence(metric, 0.0, 0.0, 0.0, (-1.0, 1.0), level, 1.0, 1.0, 0, 0, ())
    path = stats.evidence_path(differences, margin=gate.margin, **design)
    lower, upper = stats.confidence_sequence(differences, level=level, margin=gate.margin, **design)
    means = np.cumsum(differences) / np.arange(1, differences.size + 1)
    shown = sorted({*range(0, differences.size, max(1, differences.size // COURSE_POINTS)), differences.size - 1})
    return MetricEvidence(
        metric=metric,
        baseline_score=float(baseline.mean()),
        variant_score=float((baseline + differences).mean()),
        delta=float(means[-1]),
        interval=(float(lower[-1]), float(upper[-1])),
        level=level,
        e_green=float(path.max_e_green[-1]),
        e_red=float(path.max_e_red[-1]),
        broke=int((differences < 0).sum()),
        fixed=int((differences > 0).sum()),
        course=tuple(Point(i + 1, float(means[i]), float(lower[i]), float(upper[i])) for i in shown),
    )


def flips(cases: Sequence[Case], side: Transcript, baseline: Transcript, metrics: Sequence[str]) -> tuple[Flip, ...]:
    """The cases that changed, in the order asked, each by the first metric on which it did."""
    first: dict[int, tuple[str, float, float]] = {}
    for metric in metrics if cases else ():
        ours, theirs = (one.scores(metric)[: len(cases)] for one in (baseline, side))
        for index in np.flatnonzero(ours != theirs).tolist():
            first.setdefault(index, (metric, float(ours[index]), float(theirs[index])))
    return tuple(Flip(cases[index].id, *first[index]) for index in sorted(first))


def reason(ruling: Ruling, metrics: Sequence[MetricEvidence], gate: Gate, note: str) -> str:
    """Why the verdict is what it is, in one line; `note` is what ended the asking early."""
    weakest = min(metrics, key=lambda metric: metric.e_green)
    if ruling.outcome == "green":
        return f"not worse than {gate.margin:g} (e-value {weakest.e_green:.3g} at n={ruling.units})"
    worst = max(metrics, key=lambda metric: metric.e_red)
    if ruling.outcome == "red":
        return f"{worst.metric} proven worse (e-value {worst.e_red:.3g} at n={ruling.units})"
    ended = f"{note}: neither proven after {ruling.units}" if note else f"neither proven after all {ruling.units} cases"
    return f"{ended} (e-value for green {weakest.e_green:.3g}, {ruling.e_needed:.3g} needed)"
