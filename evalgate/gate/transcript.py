"""What one side answered, as score arrays: the plain numbers that the statistics work on.

The unit of the statistics is the case, or the cluster of cases that share a source. Repeats and clusters are averaged
before anything is compared: pooling them would count one observation several times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from evalgate.catalog import Endpoint
from evalgate.exchange import Answer

FloatArray = npt.NDArray[np.float64]
AVAILABILITY = "availability"
UNTRUNCATED = "untruncated"
BUILT_IN = (AVAILABILITY, UNTRUNCATED)


@dataclass
class Transcript:
    """The answers of one endpoint and their grades, in the order asked; grows wave by wave.

    `answers[i]` are those to case i, one per repeat. Repeats are numbered from `first_repeat`, so that the baseline can
    be asked again for answers of its own. Texts are not kept: what is graded is only counted.
    """

    endpoint: Endpoint
    first_repeat: int = 0
    answers: list[Sequence[Answer]] = field(default_factory=list)
    _means: dict[str, list[float]] = field(default_factory=dict)

    def add(self, answers: Sequence[Answer], grades: Sequence[Mapping[str, float]]) -> None:
        """Add the answers to the next case with their grades: per repeat, a score in [0, 1] for each metric."""
        self.answers.append([replace(answer, text="", details={}) for answer in answers])  # the store has the rest
        whole = [{**grade, **_built_in(answer)} for answer, grade in zip(answers, grades, strict=True)]
        for metric in whole[0]:
            self._means.setdefault(metric, []).append(sum(grade[metric] for grade in whole) / len(whole))

    def scores(self, metric: str) -> FloatArray:
        """Mean over the repeats, per case; shape (cases,)."""
        return np.array(self._means.get(metric, ()), dtype=np.float64)

    def answered(self) -> npt.NDArray[np.bool_]:
        """Whether every repeat of a case was answered; shape (cases,)."""
        return np.array([not any(answer.failed for answer in answers) for answers in self.answers], dtype=bool)

    @property
    def cases(self) -> int:
        """How many cases have been answered."""
        return len(self.answers)

    def flat(self, cases: int) -> list[Answer]:
        """All answers to the first `cases` cases."""
        return [answer for answers in self.answers[:cases] for answer in answers]


def unit_means(values: FloatArray, units: Sequence[int]) -> FloatArray:
    """Means over consecutive groups of cases; `units[j]` cases belong to unit j. As many units as `values` fills."""
    ends = np.cumsum(units)
    whole = int(np.searchsorted(ends, values.size, side="right"))
    if whole == 0:
        return np.zeros(0)
    starts = np.concatenate(([0], ends[: whole - 1]))
    means: FloatArray = np.add.reduceat(values[: ends[whole - 1]], starts) / np.asarray(units[:whole])
    return means


def _built_in(answer: Answer) -> dict[str, float]:
    return {AVAILABILITY: float(not answer.failed), UNTRUNCATED: float(not answer.truncated)}
