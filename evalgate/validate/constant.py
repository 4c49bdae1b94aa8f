"""The best that one and the same answer to everything can do: what a variant may score that is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from evalgate.exchange import Answer
from evalgate.graders import Grading, Seen
from evalgate.suite import Case
from evalgate.validate.trial import NONSENSE

MOST_CASES = 500
CANDIDATES = 5  # of the answers that most targets mean


@dataclass(frozen=True, slots=True)
class Constant:
    """An answer, and the mean score of giving it to every case, by metric; `least` is the lowest of them.

    Metrics that nobody can tell without asking are left out; `whole`: none was.
    """

    answer: str
    scores: Mapping[str, float]
    whole: bool

    @property
    def least(self) -> float:
        """What it scores on the metric that it does worst on."""
        return min(self.scores.values())


def best_constant(
    grading: Grading, gating: Sequence[str], cases: Sequence[Case], ideals: Sequence[Answer]
) -> Constant | None:
    """The best of the most frequent `ideals` and of nonsense; None where nothing can be graded without asking, or only
    slowly.
    """
    asked = {metric for metric, bound in grading.metrics.items() if any(each.grader.role == "asked" for each in bound)}
    asserted = [metric for metric in gating if metric in grading.metrics]  # whoever answers passes those built in
    metrics = [metric for metric in asserted if metric not in asked]
    if not metrics or grading.slow:
        return None
    looked_at = cases[:MOST_CASES]
    frequent = Counter(answer.text for answer in ideals if not answer.details)
    candidates = [text for text, _ in frequent.most_common(CANDIDATES)] + list(NONSENSE[:3])
    found = [
        Constant(text, _means(grading, metrics, looked_at, Answer(text, "stop")), whole=metrics == asserted)
        for text in dict.fromkeys(candidates)
    ]
    return max(found, key=lambda each: each.least)


def _means(grading: Grading, metrics: Sequence[str], cases: Sequence[Case], answer: Answer) -> dict[str, float]:
    scores: dict[str, list[float]] = {metric: [] for metric in metrics}
    for case in cases:
        seen = Seen(answer, case)
        for metric, found in scores.items():
            bound = grading.metrics[metric]
            weight = sum(each.assertion.weight for each in bound)
            found.append(sum(each.assertion.weight * each.grade(seen) for each in bound) / weight)
    return {metric: fmean(found) for metric, found in scores.items()}
