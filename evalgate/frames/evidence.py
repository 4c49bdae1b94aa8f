"""What a board says, as rows: needs neither answers nor suites, so it works for every run that is remembered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evalgate.gate import Board, MetricEvidence, OperationBoard, Verdict

Row = Mapping[str, object]


def verdicts(board: Board) -> Iterator[Row]:
    """A row for each verdict."""
    for operation, verdict in _verdicts(board):
        variant, check = verdict.variant, operation.baseline_check
        usage, baseline = verdict.usage, verdict.baseline_usage
        yield {
            "operation": operation.operation,
            "variant": variant.id,
            "outcome": verdict.outcome,
            "beyond_margin": verdict.beyond_margin,
            "cause": verdict.cause,
            "reason": verdict.reason,
            "note": verdict.note,
            "model": operation.model,
            "baseline": operation.baseline.id,
            "provider": variant.provider,
            "quantization": variant.quantization,
            "bits_per_weight": variant.bits_per_weight,
            **(_evidence(verdict.worst) if verdict.metrics else {"broke": 0, "fixed": 0}),
            "margin": operation.policy.margin,
            "claim": operation.analysis,
            "family": operation.family,
            "cases": verdict.cases,
            "available": operation.available,
            "e_value": verdict.e_value,
            "e_needed": verdict.e_needed,
            "answers": usage.answers,
            "failed": usage.failed,
            "truncated": usage.truncated,
            "baseline_truncated": baseline.truncated,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "tokens": usage.tokens,
            "cost_usd": usage.cost_usd,
            "baseline_cost_usd": baseline.cost_usd,
            "saving": verdict.saving,
            "price_basis": variant.price_basis,
            "latency_ms_p50": usage.latency_ms_p50 or None,
            "baseline_latency_ms_p50": baseline.latency_ms_p50 or None,
            "baseline_check": check.outcome if check is not None else None,
            "baseline_flip_rate": check.flip_rate if check is not None else None,
            "suspicions": "\n".join(verdict.suspicions),
        }


def metrics(board: Board) -> Iterator[Row]:
    """A row for each metric of each verdict: first those that decide, then those that are only shown."""
    for operation, verdict in _verdicts(board):
        whose = _whose(operation, verdict)
        for metric in verdict.metrics:
            told = {"absolute": metric.absolute, "e_green": metric.e_green, "e_red": metric.e_red}
            yield {**whose, "decides": True, **_evidence(metric), **told}
        for shown in verdict.diagnostics:
            scores = {"baseline_score": shown.baseline_score, "variant_score": shown.variant_score}
            told = {"decides": False, "absolute": False, "delta": shown.delta, "broke": 0, "fixed": 0}
            yield {**whose, "metric": shown.metric, **scores, **told}


def course(board: Board) -> Iterator[Row]:
    """A row for each point at which the evidence on a metric was kept."""
    for operation, verdict in _verdicts(board):
        whose = _whose(operation, verdict)
        for metric in verdict.metrics:
            for point in metric.course:
                bounds = {"delta": point.delta, "lower": point.lower, "upper": point.upper}
                yield {**whose, "metric": metric.metric, "cases": point.cases, **bounds}


def flips(board: Board) -> Iterator[Row]:
    """A row for each case that flipped."""
    for operation, verdict in _verdicts(board):
        whose = _whose(operation, verdict)
        for flip in verdict.flips:
            scores = {"baseline_score": flip.baseline_score, "variant_score": flip.variant_score}
            broke = flip.variant_score < flip.baseline_score
            yield {**whose, "case_id": flip.case_id, "metric": flip.metric, **scores, "broke": broke}


def _verdicts(board: Board) -> Iterator[tuple[OperationBoard, Verdict]]:
    return ((operation, verdict) for operation in board.operations for verdict in operation.verdicts)


def _whose(operation: OperationBoard, verdict: Verdict) -> Row:
    return {"operation": operation.operation, "variant": verdict.variant.id}


def _evidence(metric: MetricEvidence) -> Row:
    return {
        "metric": metric.metric,
        "baseline_score": metric.baseline_score,
        "variant_score": metric.variant_score,
        "delta": metric.delta,
        "lower": metric.interval[0],
        "upper": metric.interval[1],
        "level": metric.level,
        "broke": metric.broke,
        "fixed": metric.fixed,
    }
