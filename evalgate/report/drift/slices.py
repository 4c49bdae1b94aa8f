"""The same verdict by slices of the cases: by each key of their metadata that tells a few groups apart.

What broke is often one kind of case. Slices are looked at after the fact and there are many of them, so they prove
nothing and decide nothing: they say where to look. Their intervals hold at whatever case the run stopped, for one
slice; they are not corrected for how many are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from evalgate import stats
from evalgate.exchange import as_text
from evalgate.gate import OperationBoard, Verdict
from evalgate.suite import Case

KEYS, VALUES = 3, 8  # of the metadata that are shown, and values that each may have
_LEAST = 10  # cases on average in a slice: fewer are names, not groups


@dataclass(frozen=True, slots=True)
class Slice:
    """Some of the cases. `delta` is the mean difference on the suite's first metric, with its sequence at `level`.

    `interval` is None where cases share sources, because then they are not independent. `broke` and `fixed` count the
    cases that changed on any metric.
    """

    key: str
    value: str
    cases: int
    broke: int
    fixed: int
    delta: float
    interval: tuple[float, float] | None
    level: float

    @property
    def name(self) -> str:
        """`kind=contrast`, as it is typed into a filter."""
        return f"{self.key}={self.value}"


def groups(cases: Sequence[Case]) -> dict[str, dict[str, list[str]]]:
    """Case ids by key and value of their metadata, of keys that make groups; the same for every variant."""
    found: dict[str, dict[str, list[str]]] = {}
    for case in cases:
        for key, value in case.metadata.items():
            if isinstance(value, str | int | float | bool):
                found.setdefault(key, {}).setdefault(as_text(value), []).append(case.id)
    useful = {
        key: dict(sorted(values.items()))
        for key, values in found.items()
        if 2 <= len(values) <= VALUES and sum(map(len, values.values())) >= _LEAST * len(values)
    }
    return dict(list(useful.items())[:KEYS])


def slices(
    board: OperationBoard, verdict: Verdict, cases: Sequence[Case], groups: Mapping[str, Mapping[str, Sequence[str]]]
) -> list[Slice]:
    """The slices of one verdict, which rests on `cases`; those of a key that have none of them are left out."""
    metric, asked = board.policy.metrics[0], {case.id for case in cases}
    changed = {flip.case_id: flip for flip in verdict.flips}
    found = []
    for key, values in groups.items():
        for value, ids in values.items():
            mine = [each for each in ids if each in asked]
            if not mine:
                continue
            flips = [changed[each] for each in mine if each in changed]
            moves = [flip.variant_score - flip.baseline_score for flip in flips if flip.metric == metric]
            level = 1 - 2 * board.policy.alpha
            differences = np.zeros(len(mine))
            position = {each: at for at, each in enumerate(mine)}
            for flip in flips:
                if flip.metric == metric:
                    differences[position[flip.case_id]] = flip.variant_score - flip.baseline_score
            independent = board.policy.unit == "case"
            found.append(
                Slice(
                    key=key,
                    value=value,
                    cases=len(mine),
                    broke=sum(flip.variant_score < flip.baseline_score for flip in flips),
                    fixed=sum(flip.variant_score > flip.baseline_score for flip in flips),
                    delta=sum(moves) / len(mine),
                    interval=_interval(differences.tobytes(), level, board.policy.margin) if independent else None,
                    level=level,
                )
            )
    return found


@lru_cache(maxsize=4096)  # most slices of most variants never differ at all
def _interval(differences: bytes, level: float, margin: float) -> tuple[float, float]:
    return stats.confidence_interval(np.frombuffer(differences), level=level, margin=margin)
