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
    "failures": "why calls failed, and those again: evalgate run {suite} --variant {variant} --retry-failed",
    "unreachable": "mend the endpoint or its entry in the catalogue, then the same command asks what is missing",
    "identity": "find out who answers; if it is who you mean, say so with answers_as in the catalogue",
    "noise": "temperature 0 or more repeats in {suite}; after an incident of the baseline: the same with --refresh",
    "unchecked": "more cases in {suite}: these cannot show that the baseline equals itself",
    "scores": "mend graders, targets or prompt in {suite}: until then it can judge nobody",
}


def next_step(board: OperationBoard, verdict: Verdict) -> str:
    """One line, a command where there is one."""
    places = {"operation": board.operation, "variant": verdict.variant.id, "suite": board.suite}
    return _STEPS[verdict.cause].format(**{name: safe(value) for name, value in places.items()})
