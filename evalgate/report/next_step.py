"""What to do next, by what stands in the way of a verdict."""

from __future__ import annotations

from evalgate.gate import OperationBoard, Verdict
from evalgate.report.wording import safe

_AGAIN = "then the same command; what is known is not asked again"


def next_step(board: OperationBoard, verdict: Verdict) -> str:
    """One line, a command where there is one."""
    operation, variant, suite = safe(board.operation), safe(verdict.variant.id), safe(board.suite)
    if verdict.outcome == "red":
        return f"evalgate show {operation} {variant} --broke"
    match verdict.cause:
        case "budget":
            return f"a larger budget, {_AGAIN}"
        case "limited":
            return f"a larger --max-cases (or gate.max_cases), {_AGAIN}: the suite has more"
        case "failures":
            return f"evalgate run {suite} --variant {variant} --retry-failed   (says why calls failed, and asks them again)"
        case "unreachable":
            return "mend the endpoint or its entry in the catalogue, then the same command asks what is missing"
        case "identity":
            return "find out who answers; if it is who you mean, say so with answers_as in the catalogue"
        case "noise":
            return f"temperature 0 or more repeats in {suite}; after an incident of the baseline: the same with --refresh"
        case "unchecked":
            return f"more cases in {suite}: these cannot show that the baseline equals itself"
        case "scores":
            return f"mend graders, targets or prompt in {suite}: until then it can judge nobody"
        case _:
            return f"more cases in {suite}, or a margin that they can certify"
