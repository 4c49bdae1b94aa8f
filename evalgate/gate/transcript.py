"""What one side answered, as score arrays: the plain numbers that the statistics work on.

The unit of the statistics is the case, or the cluster of cases that share a source. Repeats and clusters are averaged
before anything is compared: pooling them would count one observation several times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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

    `answers[i]` and `grades[i]` are those of case i, one per repeat; a grade is a score in [0, 1] per metric. Repeats
    are numbered from `first_repeat`, so that the baseline can be asked again for answers of its own.
    """

    endpoint: Endpoint
    first_repeat: int = 0
    answers: list[Sequence[Answer]] = field(default_factory=list)
    grades: list[Sequence[Mapping[str, float]]] = field(default_factory=list)

    def add(self, answers: Sequence[Answer], grades: Sequence[Mapping[str, float]]) -> None:
        """Add the answers to the next case; what every answer is also graded on is put beside its own metrics."""
        self.answers.append(answers)
        self.grades.append([{**grade, **_built_in(answer)} for answer, grade in zip(answers, grades, strict=True)])

    def scores(self, metric: str) -> FloatArray:
        """Mean over the repeats, per case; shape (cases,)."""
        return np.array([sum(grade[metric] for grade in grades) / len(grades) for grades in self.grades])

    def answered(self) -> npt.NDArray[np.bool_]:
        """Whether every repeat of a case was answered; shape (cases,)."""
        return np.array([not any(answer.failed for answer in answers) for answers in self.answers], dtype=bool)

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
