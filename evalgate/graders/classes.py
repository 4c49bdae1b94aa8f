"""How well each label of a classification was told: a diagnostic beside the scores, which decides nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass

from evalgate.exchange import JsonValue


@dataclass(frozen=True, slots=True)
class OfClass:
    """One label: how many cases have it as target, how often it was said, and how often rightly.

    `precision` is None where it was never said, `recall` where no case has it: a share of nothing is no zero.
    """

    label: str
    cases: int
    said: int
    right: int

    @property
    def precision(self) -> float | None:
        """Share of those that were said to be this which are."""
        return self.right / self.said if self.said else None

    @property
    def recall(self) -> float | None:
        """Share of those that are this which were said to be."""
        return self.right / self.cases if self.cases else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both; None where neither was a target nor said."""
        return 2 * self.right / (self.said + self.cases) if self.said + self.cases else None


class Classes:
    """Counts pairs of the target and what was said; None for an answer that gives no label, or several."""

    def __init__(self) -> None:
        self._pairs: Counter[tuple[str, str | None]] = Counter()

    def add(self, target: str, said: str | None) -> None:
        """Count one answer."""
        self._pairs[target, said] += 1

    def report(self) -> list[OfClass]:
        """Each label that was a target or was said, the most frequent target first."""
        cases, said, right = Counter[str](), Counter[str](), Counter[str]()
        for (target, given), count in self._pairs.items():
            cases[target] += count
            if given is not None:
                said[given] += count
                right[target] += count if given == target else 0
        labels = sorted(cases.keys() | said.keys(), key=lambda label: (-cases[label], label))
        return [OfClass(label, cases[label], said[label], right[label]) for label in labels]

    def rows(self) -> list[dict[str, JsonValue]]:
        """The report as JSON."""
        return [
            asdict(each) | {"precision": each.precision, "recall": each.recall, "f1": each.f1} for each in self.report()
        ]

    @property
    def unlabelled(self) -> int:
        """Answers that gave no label, or several."""
        return sum(count for (_, said), count in self._pairs.items() if said is None)
