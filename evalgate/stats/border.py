"""Border prompts: which to ask, whether an endpoint is steady enough for them, and what their alarm looks like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from evalgate.errors import StatisticsError
from evalgate.stats._input import whole
from evalgate.stats.moved import Label, Observation

__all__ = ["UNSTABLE", "Named", "border_prompts", "name_movement", "self_disagreement"]

Named: TypeAlias = Literal["steady", "changed", "unstable"]

#: The chance that two answers to one prompt differ, beyond which a change of answers says nothing about a change.
UNSTABLE = 0.25
_PURE = 0.9  # the share of the most frequent label that makes a prompt's reference clear
_BACK = 0.2  # of the answers of prompts that moved: who gives so many old ones still serves the old model, too


def border_prompts(
    answers: Mapping[str, Sequence[Label]], count: int, *, gaps: Mapping[str, float] | None = None
) -> list[str]:
    """The `count` candidates whose first token is the easiest to turn over, the most telling first.

    `answers`: what each candidate gave at temperature 0, once or more often. `gaps`: the log-probability by which the
    best token leads, where the endpoint tells it. The narrowest leads come first; without gaps, candidates that gave
    two different tokens; then the others, in the order given: also an ordinary prompt turns over under a coarse
    quantization, and 200 different ones beat 20 asked ten times. Candidates that disagree with themselves more than
    `UNSTABLE` come last: they say least. Raises `StatisticsError` if there are fewer than `count` candidates.
    """
    whole(count, "count", at_least=1)
    if len(answers) < count:
        raise StatisticsError(f"answers: {len(answers)} candidates, expected at least {count}; ask more of them")
    known = {} if gaps is None else gaps

    def ease(prompt: str) -> tuple[bool, float, bool]:
        disagreement = self_disagreement({prompt: answers[prompt]})
        return disagreement > UNSTABLE, known.get(prompt, float("inf")), disagreement == 0.0

    return sorted(answers, key=ease)[:count]


def self_disagreement(reference: Mapping[str, Sequence[Label]]) -> float:
    """The chance that two answers to one prompt differ, in [0, 1]: mean over the prompts asked at least twice.

    Above `UNSTABLE` an endpoint is a mix (replicas that differ, sampling although temperature is 0): call it unstable,
    and do not watch it by border prompts. 0 if nothing was asked twice.
    """
    shares = []
    for labels in reference.values():
        asked = len(labels)
        if asked > 1:
            same = sum(n * (n - 1) for n in _counted(labels).values())
            shares.append(1.0 - same / (asked * (asked - 1)))
    return sum(shares) / len(shares) if shares else 0.0


def name_movement(before: Mapping[str, Mapping[Label, int]], since: Iterable[Observation]) -> Named:
    """What a movement looks like: 'changed' as a whole, or 'unstable', old and new answers side by side (replicas).

    `before`: `MovementState.seen` of the day before; `since`: observations after it, best a burst of ten calls to
    each of some twenty prompts. Of the prompts whose answer used to be clear, those are looked at that gave a new one
    at least twice; if a fifth of their answers are still the old ones, both are being served.
    """
    asked: dict[str, list[Label]] = {}
    for stratum, label in since:
        asked.setdefault(stratum, []).append(label)
    old = new = 0
    for stratum, labels in asked.items():
        counts = before.get(stratum, {})
        total = sum(counts.values())
        usual = max(counts, key=lambda label: counts[label], default=None)
        if usual is None or counts[usual] < _PURE * total:
            continue
        same = labels.count(usual)
        if len(labels) - same > 1:
            old, new = old + same, new + len(labels) - same
    if new == 0:
        return "steady"
    return "unstable" if old >= _BACK * (old + new) else "changed"


def _counted(labels: Sequence[Label]) -> dict[Label, int]:
    counts: dict[Label, int] = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    return counts
