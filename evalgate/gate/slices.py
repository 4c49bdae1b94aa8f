"""Scores by the values of a metadata key: where a variant loses, for people to look at. Decides nothing.

A slice is small and was not asked for in advance by the proof, so there is no interval and no verdict on it: of twenty
slices one looks bad by chance alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalgate.gate.transcript import Transcript
from evalgate.suite import Suite

MOST = 50  # values of one key; the rarest of more are put together
OTHERS = "…"


@dataclass(frozen=True, slots=True)
class SliceScore:
    """Mean scores of both sides over the cases whose `key` has this `value`, among those that the proof took."""

    key: str
    value: str
    metric: str
    cases: int
    baseline_score: float
    variant_score: float

    @property
    def delta(self) -> float:
        """Variant minus baseline."""
        return self.variant_score - self.baseline_score


def slice_scores(
    suite: Suite, count: int, side: Transcript, baseline: Transcript, metrics: Sequence[str]
) -> tuple[SliceScore, ...]:
    """The slices that the suite asks for, over its first `count` cases; large ones first."""
    if not suite.file.slices or not count:
        return ()
    names = [name.removeprefix("metadata.") for name in suite.file.slices]
    places: list[dict[str, list[int]]] = [{} for _ in names]
    for position, case in enumerate(suite.cases[:count]):
        for found, name in zip(places, names, strict=True):
            found.setdefault(str(case.metadata.get(name)), []).append(position)
    scores = [(metric, side.scores(metric), baseline.scores(metric)) for metric in metrics]
    return tuple(
        SliceScore(key, value, metric, len(at), float(theirs[at].mean()), float(ours[at].mean()))
        for key, found in zip(suite.file.slices, places, strict=True)
        for value, at in _largest(found)
        for metric, ours, theirs in scores
    )


def _largest(found: dict[str, list[int]]) -> list[tuple[str, list[int]]]:
    ordered = sorted(found.items(), key=lambda each: (-len(each[1]), each[0]))
    rest = [position for _, at in ordered[MOST:] for position in at]
    return ordered[:MOST] + ([(OTHERS, sorted(rest))] if rest else [])
