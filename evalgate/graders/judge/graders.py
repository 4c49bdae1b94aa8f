"""The graders `judge` and `pairwise`: what they ask is bought like any other answer, and what they score is pure.

A reply that cannot be read says nothing, and whatever says nothing falls towards the baseline: it counts as the worst
for a variant and as the best for the baseline. A judge that is often unreadable then fails the baseline's own check.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evalgate.exchange import Answer, JsonValue, Request, as_text, split_reasoning
from evalgate.graders.expectations import anything, no_value
from evalgate.graders.judge.prompts import better_in, pair_request, rubric_request, score_in
from evalgate.graders.registry import Seen, grader

Judge = Annotated[str, Field(min_length=1, max_length=200)]
Rubric = Annotated[str, Field(min_length=1, max_length=20_000)]
Tokens = Annotated[int, Field(ge=16, le=1_000_000)]
Temperature = Annotated[float, Field(ge=0, le=2)] | None
Scale = Annotated[int, Field(ge=1, le=100)]


def _parameters(temperature: float | None, max_tokens: int) -> dict[str, JsonValue]:
    heat: dict[str, JsonValue] = {} if temperature is None else {"temperature": temperature}
    return {**heat, "max_tokens": max_tokens}


def _rubric_requests(
    text: str,
    expected: JsonValue,
    *,
    seen: Seen,
    rubric: Rubric,
    scale: Scale = 1,
    temperature: Temperature = 0.0,
    max_tokens: Tokens = 512,
    constrained: bool = True,
) -> list[Request]:
    reference = None if expected is None else as_text(expected)
    task, parameters = as_text(seen.case.input), _parameters(temperature, max_tokens)
    return [rubric_request(rubric, task, text, reference, scale=scale, parameters=parameters, constrained=constrained)]


@grader("judge", expects=anything, asks=_rubric_requests, role="asked")
def judge(
    text: str,
    expected: JsonValue,
    *,
    seen: Seen,
    judge: Judge,
    rubric: Rubric,
    scale: Scale = 1,
    temperature: Temperature = 0.0,
    max_tokens: Tokens = 512,
    constrained: bool = True,
) -> float:
    """What another model says of the answer by a `rubric`: a score from 0 to `scale`, divided by it.

    `judge` is the id of a variant in the catalogue, pinned as any variant is, and none of those that are judged. It is
    shown the case's input, the answer, and as reference the target, where there is one. `constrained` sends a JSON
    schema for the reply (leave it away from endpoints that know none). With `scale` 1 it says yes or no, on which
    judges agree more with people than on long scales. docs/judges.md says how far to trust it.
    """
    del text, expected, judge, rubric, temperature, max_tokens, constrained
    score = score_in(seen.replies[0], scale) if seen.replies else None
    return score if score is not None else float(seen.is_baseline)


def _pair_requests(
    text: str,
    expected: JsonValue,
    *,
    seen: Seen,
    rubric: Rubric,
    temperature: Temperature = 0.0,
    max_tokens: Tokens = 512,
    constrained: bool = True,
) -> list[Request]:
    del expected
    other = _rival(text, seen)
    if other is None:
        return []
    task, parameters = as_text(seen.case.input), _parameters(temperature, max_tokens)
    return [
        pair_request(rubric, task, first, second, parameters=parameters, constrained=constrained)
        for first, second in ((other, text), (text, other))
    ]


def _rival(text: str, seen: Seen) -> str | None:
    """The baseline's answer where there is something to compare: it is another text, and no failure."""
    other = seen.baseline
    if seen.is_baseline or other is None or other.failed:
        return None
    rival = split_reasoning(other.text)[1]
    return None if rival == text else rival


@grader("pairwise", expects=no_value, asks=_pair_requests, compares=True, role="asked")
def pairwise(
    text: str,
    expected: JsonValue,
    *,
    seen: Seen,
    judge: Judge,
    rubric: Rubric,
    temperature: Temperature = 0.0,
    max_tokens: Tokens = 512,
    constrained: bool = True,
) -> float:
    """How often another model finds the answer better than the baseline's to the same case: 1, 0, or 0.5 for neither.

    It is asked twice, with the two in either order and without saying whose they are; the score is the mean, so that a
    liking for the first place cancels. The baseline scores 0.5, and so does whoever says the very same, unasked. The
    difference to the baseline is therefore half of wins minus losses: a margin of 0.05 lets 10 in 100 more be lost than
    won. `judge` and the other options are as for `judge`.
    """
    del expected, judge, rubric, temperature, max_tokens, constrained
    if _rival(text, seen) is None:
        return 0.5
    return sum(map(_won, seen.replies, "BA")) / 2 if len(seen.replies) == 2 else 0.0


def _won(reply: Answer, ours: str) -> float:
    better = better_in(reply)
    return 0.5 if better == "tie" else float(better == ours)
