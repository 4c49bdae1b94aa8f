"""Policy + evidence → verdict: what was measured, what it proves, and why in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, median

import numpy as np

from evalgate import stats
from evalgate.catalog import Endpoint
from evalgate.exchange import Answer
from evalgate.gate.board import Flip, MetricEvidence, Point, Usage, VariantFacts, Verdict
from evalgate.gate.contest import Differences, FloatArray, Ruling
from evalgate.suite import Gate

COURSE_POINTS = 120  # more would not show in the picture


def verdict(
    endpoint: Endpoint,
    ruling: Ruling,
    differences: Differences,
    *,
    case_ids: Sequence[str],
    baseline_scores: Mapping[str, FloatArray],
    usage: Usage,
    baseline_usage: Usage,
) -> Verdict:
    """Put together the verdict on one variant; `baseline_scores` by metric, `case_ids` in the order asked."""
    used = ruling.cases
    gate = differences.gate
    metrics = tuple(
        _evidence(name, values[:used], baseline_scores[name][:used], gate)
        for name, values in differences.metrics.items()
    )
    note = "measurably worse, within margin" if ruling.measurably_worse else ""
    if ruling.outcome == "inconclusive" and all(metric.e_green >= 1 / gate.alpha for metric in metrics):
        note = f"proven on its own (e-value ≥ {1 / gate.alpha:g}), but not among so many variants (Holm)"
    return Verdict(
        variant=VariantFacts.of(endpoint),
        outcome=ruling.outcome,
        reason=_reason(ruling, metrics, gate),
        note=note,
        cases=used,
        e_needed=ruling.e_needed,
        metrics=metrics,
        usage=usage,
        baseline_usage=baseline_usage,
        flips=_flips(differences, case_ids[:used], baseline_scores),
    )


def usage(endpoint: Endpoint, answers: Sequence[Answer]) -> Usage:
    """What `answers` were like; at least one."""
    served = [answer for answer in answers if not answer.failed]
    tokens_in, tokens_out = (
        fmean([answer.input_tokens for answer in served] or [0]),
        fmean([answer.output_tokens for answer in served] or [0]),
    )
    return Usage(
        answers=len(answers),
        failed=len(answers) - len(served),
        truncated=fmean([answer.truncated for answer in served] or [0]),
        input_tokens=round(tokens_in, 3),
        output_tokens=round(tokens_out, 3),
        cost_usd=float(endpoint.cost(tokens_in, tokens_out)),
        latency_ms_p50=round(median([answer.latency_ms for answer in served] or [0]), 1),
        oldest=min(answer.answered_at for answer in answers),
    )


def _evidence(metric: str, differences: FloatArray, baseline: FloatArray, gate: Gate) -> MetricEvidence:
    path = stats.evidence_path(differences, margin=gate.margin)
    level = 1 - 2 * gate.alpha
    lower, upper = stats.confidence_sequence(differences, level=level)
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


def _flips(
    differences: Differences, case_ids: Sequence[str], baseline_scores: Mapping[str, FloatArray]
) -> tuple[Flip, ...]:
    flips = []
    for index, case_id in enumerate(case_ids):
        for metric, values in differences.metrics.items():
            if values[index] != 0:
                score = float(baseline_scores[metric][index])
                flips.append(Flip(case_id, metric, score, round(score + float(values[index]), 12)))
                break
    return tuple(flips)


def _reason(ruling: Ruling, metrics: Sequence[MetricEvidence], gate: Gate) -> str:
    if ruling.outcome == "green":
        weakest = min(metrics, key=lambda metric: metric.e_green)
        return f"not worse than {gate.margin:g} (e-value {weakest.e_green:.3g} at n={ruling.cases})"
    worst = max(metrics, key=lambda metric: metric.e_red)
    if ruling.outcome == "red":
        return f"{worst.metric} proven worse (e-value {worst.e_red:.3g} at n={ruling.cases})"
    weakest = min(metrics, key=lambda metric: metric.e_green)
    asked = f"{ruling.e_needed:.3g} needed"
    return f"neither proven after all {ruling.cases} cases (e-value for green {weakest.e_green:.3g}, {asked})"
