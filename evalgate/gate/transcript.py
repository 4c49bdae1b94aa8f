"""What one side answered, as score arrays: the plain numbers that the statistics work on.

The unit of the statistics is the case, or the cluster of cases that share a source. Repeats and clusters are averaged
before anything is compared: pooling them would count one observation several times.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evalgate.catalog import Endpoint
from evalgate.exchange import Answer
from evalgate.facts import Given

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
AVAILABILITY = "availability"
UNTRUNCATED = "untruncated"
CONTENT = "nonempty"
UNREFUSED = "unrefused"
UNFILTERED = "unfiltered"
PROMPT_TOKENS = "prompt_tokens"
BUILT_IN = (AVAILABILITY, UNTRUNCATED, CONTENT, UNREFUSED, UNFILTERED, PROMPT_TOKENS)
_CONTENT = {"text", "tool_calls"}


@dataclass
class Transcript:
    """The answers of one endpoint and their grades, in the order asked; grows wave by wave.

    `given[i]` are those to case i, one per repeat. Repeats are numbered from `first_repeat`, so that the baseline can
    be asked again for answers of its own. `tools`: some were offered, so that a call of one says something.
    """

    endpoint: Endpoint
    first_repeat: int = 0
    tools: bool = False
    given: list[Sequence[Given]] = field(default_factory=list)
    _means: dict[str, list[float]] = field(default_factory=dict)
    _columns: dict[str, array[float]] = field(default_factory=dict)

    def add(self, answers: Sequence[Answer], grades: Sequence[Mapping[str, float]], prompt_size: int = 0) -> None:
        """Add the answers to the next case with their grades: per repeat, a score in [0, 1] for each metric.

        `prompt_size` is that of what was asked, in bytes.
        """
        given = [
            Given.of(answer, self.endpoint, prompt_size, credited=self._says_something(answer, grade)).without_texts()
            for answer, grade in zip(answers, grades, strict=True)
        ]
        self.given.append(given)
        whole = [{**grade, **_built_in(each)} for each, grade in zip(given, grades, strict=True)]
        for metric in whole[0]:
            self._means.setdefault(metric, []).append(sum(grade[metric] for grade in whole) / len(whole))

    def _says_something(self, answer: Answer, grade: Mapping[str, float]) -> bool:
        return any(grade.values()) or (self.tools and bool(answer.details.get("tool_calls")))

    def called(self, cases: int) -> list[bool | None]:
        """Of each answer to the first `cases` cases, whether it calls a tool; None where there is no answer."""
        return [_calls(each) for each in self.flat(cases)]

    def scores(self, metric: str) -> FloatArray:
        """Mean over the repeats, per case; shape (cases,)."""
        return np.array(self._means.get(metric, ()), dtype=np.float64)

    def failed_share(self) -> FloatArray:
        """The share of each case's repeats that were not answered; shape (cases,)."""
        return self._column("failed", _failed_share)

    def answered(self) -> BoolArray:
        """Whether every repeat of a case was answered; shape (cases,)."""
        return np.asarray(self.failed_share() == 0)

    def silent_share(self) -> FloatArray:
        """The share of each case's repeats that came and say nothing that was scored; shape (cases,)."""
        return self._column("silent", _silent_share)

    def answered_at(self) -> FloatArray:
        """When each case was answered first, in seconds since the epoch; shape (cases,)."""
        return self._column("first", _answered_at)

    def last_answered_at(self, cases: int) -> FloatArray:
        """When each of the first `cases` cases was answered last; shape (cases,)."""
        return self._column("last", _last_answered_at)[:cases]

    def prompt_tokens(self) -> FloatArray:
        """How many tokens the server counted in each prompt, NaN where it did not say; shape (cases,)."""
        return self._column("prompt_tokens", _prompt_tokens)

    def _column(self, name: str, of: Callable[[Sequence[Given]], float]) -> FloatArray:
        """A number for each case, worked out once: at every look anew it would be quadratic in the cases."""
        column = self._columns.setdefault(name, array("d"))
        column.extend(of(group) for group in self.given[len(column) :])
        return np.array(column, dtype=np.float64)

    @property
    def cases(self) -> int:
        """How many cases have been answered."""
        return len(self.given)

    @property
    def oldest(self) -> float:
        """When the oldest answer was given that is one; infinity where there is none."""
        return float(self._column("oldest", _oldest).min(initial=float("inf")))

    def flat(self, cases: int) -> list[Given]:
        """All answers to the first `cases` cases."""
        return [each for group in self.given[:cases] for each in group]


def _calls(given: Given) -> bool | None:
    if given.answer.failed:
        return None
    return given.kind == "tool_calls" or given.answer.finish_reason == "tool_calls"


def _failed_share(group: Sequence[Given]) -> float:
    return sum(each.answer.failed for each in group) / len(group)


def _silent_share(group: Sequence[Given]) -> float:
    return sum(each.silent for each in group) / len(group)


def _answered_at(group: Sequence[Given]) -> float:
    return min(each.answer.answered_at for each in group)


def _last_answered_at(group: Sequence[Given]) -> float:
    return max(each.answer.answered_at for each in group)


def _oldest(group: Sequence[Given]) -> float:
    return min((each.answer.answered_at for each in group if not each.answer.failed), default=float("inf"))


def _prompt_tokens(group: Sequence[Given]) -> float:
    return next((float(each.answer.input_tokens) for each in group if each.answer.input_tokens), float("nan"))


def _built_in(given: Given) -> dict[str, float]:
    return {
        AVAILABILITY: float(not given.answer.failed),
        UNTRUNCATED: float(not given.answer.truncated),
        CONTENT: float(given.kind in _CONTENT),
        UNREFUSED: float(given.kind != "refused"),
        UNFILTERED: float(given.kind != "filtered"),
    }
