"""What to do next, by what stands in the way of a verdict."""

from __future__ import annotations

from evalgate.gate import Cause, OperationBoard, Verdict
from evalgate.report.wording import safe

_AGAIN = "then the same command; what is known is not asked again"
_STEPS: dict[Cause, str] = {
    "proven": "evalgate show {operation} {variant} --broke",
    "open": "more cases in {suite}, or a margin that they can certify",
    "limited": f"a larger --max-cases (or gate.max_cases): the suite has more; {_AGAIN}",
    "budget": f"a larger budget, {_AGAIN}",
    "failures": "find out why calls failed, then ask those again: evalgate check {suite} --retry-failed",
    "unreachable": "mend the endpoint or its entry in the catalogue, then: evalgate check {suite} --retry-failed",
    "identity": "find out who answers; if it is who you mean, say so with answers_as in the catalogue; after a "
    "change of the model, the same command with --refresh",
    "noise": "temperature 0 or more repeats in {suite}; after an incident of the baseline: the same with --refresh",
    "unchecked": "more cases in {suite}: these cannot show that the baseline equals itself",
    "scores": "mend graders, targets or prompt in {suite}: until then it can judge nobody",
}
_SILENT = "see why {who} holds no text (max_tokens, reasoning, template), then the same with --refresh"


def next_step(board: OperationBoard, verdict: Verdict) -> str:
    """One line, a command where there is one."""
    places = {"operation": board.operation, "variant": verdict.variant.id, "suite": board.suite}
    step = _STEPS[verdict.cause]
    if verdict.cause == "scores" and verdict.baseline_usage.share("text") < 1 / 2:
        step = _SILENT.format(who="the baseline")
    elif verdict.cause == "failures" and not verdict.usage.failed + verdict.baseline_usage.failed:
        step = _SILENT.format(who="an answer")
    return step.format(**{name: safe(value) for name, value in places.items()})
