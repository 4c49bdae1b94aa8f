"""What is not as it was: verdicts that changed, variants that came and went, differences that moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from evalgate.gate import Board, Flip, OperationBoard, Verdict
from evalgate.report import wording
from evalgate.report.drift.past import Before

Kind = Literal["verdict", "new", "gone", "moved", "configured"]
_WEIGHT = {"red": 3, "worse": 2, "inconclusive": 1, "green": 0}
_NOTABLE = 0.5  # of the margin: nobody is told of a difference that moved by less, or within what was not known


@dataclass(frozen=True, slots=True)
class Change:
    """One variant on one operation; `was` is None of a new one, `now` of one that is gone.

    `anew` are the cases that are broken now and were not then, `healed` counts those that were broken then only.
    """

    kind: Kind
    operation: str
    variant: str
    was: Verdict | None
    now: Verdict | None
    anew: tuple[Flip, ...] = ()
    healed: int = 0

    @property
    def for_worse(self) -> bool:
        """Whether somebody has to look: a verdict that fell, or a difference that did."""
        if self.was is None or self.now is None:
            return self.now is not None and self.now.outcome == "red"
        before, after = (_WEIGHT[wording.outcome(each)] for each in (self.was, self.now))
        return after > before or (after == before and self.moved < 0)

    @property
    def moved(self) -> float:
        """By how much the difference to the baseline moved, as a share of the score."""
        if self.was is None or self.now is None:
            return 0.0
        return self.now.worst.delta - self.was.worst.delta


@dataclass(frozen=True, slots=True)
class OperationChanges:
    """What changed of one operation; `terms` are what makes the two runs less comparable: another suite, say."""

    operation: str
    run: str
    at: float
    terms: tuple[str, ...]
    changes: tuple[Change, ...]


def changes(board: Board, before: Mapping[str, Before]) -> list[OperationChanges]:
    """By operation, in the order of the board; one that was never judged before is left out. The worst change first."""
    return [_of(each, before[each.operation]) for each in board.operations if each.operation in before]


def _of(now: OperationBoard, before: Before) -> OperationChanges:
    found = sorted(_changes(now, before.operation), key=lambda each: (not each.for_worse, each.kind, each.moved))
    return OperationChanges(now.operation, before.run, before.at, tuple(_terms(now, before.operation)), tuple(found))


def _terms(now: OperationBoard, was: OperationBoard) -> Iterator[str]:
    if now.suite_hash != was.suite_hash:
        yield "the suite was changed"
    elif now.grading_hash != was.grading_hash:
        yield "the graders were changed"
    if now.baseline.config != was.baseline.config:
        yield f"the baseline was {wording.safe(was.baseline.id)}, configured otherwise"
    if now.policy.margin != was.policy.margin:
        yield f"the margin was {wording.margin(was)}"
    if now.analysis != was.analysis:
        yield f"the claim was {wording.safe(was.analysis)}"


def _changes(now: OperationBoard, was: OperationBoard) -> Iterator[Change]:
    earlier = {verdict.variant.id: verdict for verdict in was.verdicts if verdict.metrics}
    current = {verdict.variant.id: verdict for verdict in now.verdicts if verdict.metrics}
    for name, verdict in current.items():
        if (old := earlier.get(name)) is None:
            yield Change("new", now.operation, name, None, verdict)
        elif kind := _kind(now, old, verdict):
            broke = {flip.case_id for flip in old.flips if flip.variant_score < flip.baseline_score}
            breaks = [flip for flip in verdict.flips if flip.variant_score < flip.baseline_score]
            anew = tuple(flip for flip in breaks if flip.case_id not in broke)
            healed = len(broke - {flip.case_id for flip in breaks})
            yield Change(kind, now.operation, name, old, verdict, anew, healed)
    for name, verdict in earlier.items():
        if name not in current:
            yield Change("gone", now.operation, name, verdict, None)


def _kind(board: OperationBoard, was: Verdict, now: Verdict) -> Kind | None:
    if wording.outcome(was) != wording.outcome(now):
        return "verdict"
    if was.variant.config != now.variant.config:
        return "configured"
    moved = abs(now.worst.delta - was.worst.delta) >= _NOTABLE * board.policy.margin
    return "moved" if moved and not (_within(was, now) and _within(now, was)) else None


def _within(one: Verdict, other: Verdict) -> bool:
    """Whether what one run measured is what the other one leaves possible."""
    return other.worst.interval[0] <= one.worst.delta <= other.worst.interval[1]
