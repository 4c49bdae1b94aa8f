"""Which verdicts fail a check: those that somebody named, and where it is asked for, only those that are new.

A pull request should fail for what it broke, not for what was broken before: what was published before is passed in,
and a verdict that is no worse than it was then is known. Whatever is not known to have been so before is new.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Literal

from evalgate.gate.board import Board, OperationBoard, Verdict, Word

Kind = Literal["red", "worse", "inconclusive"]
KINDS: tuple[Kind, ...] = ("red", "worse", "inconclusive")
_BADNESS: Mapping[Word, int] = {"green": 0, "inconclusive": 1, "worse": 2, "red": 3}


@dataclass(frozen=True, slots=True)
class Before:
    """What was concluded of a variant with this configuration before: `green`, `inconclusive`, `worse` or `red`."""

    config: str
    word: Word


@dataclass(frozen=True, slots=True)
class FailOn:
    """When a check fails. `kinds` None: on red, on worse, and on inconclusive where the suite says so.

    `red` is proven worse by more than the margin, `worse` by any amount, so it includes red. `before` is what was
    published, by operation and variant; None: nobody asked what is new.
    """

    kinds: Set[Kind] | None = None
    before: Mapping[tuple[str, str], Before] | None = None

    def fails(self, board: OperationBoard, verdict: Verdict) -> bool:
        """Whether it fails the check."""
        return self._counts(board, verdict) and not self.is_known(board, verdict)

    def is_known(self, board: OperationBoard, verdict: Verdict) -> bool:
        """Whether it was published before that this very configuration is no better than now."""
        if verdict.outcome == "green" or self.before is None:
            return False
        then = self.before.get((board.operation, verdict.variant.id))
        if then is None or then.config != verdict.variant.config:
            return False
        return _BADNESS[verdict.word] <= _BADNESS[then.word]

    def exit_code(self, board: Board) -> int:
        """4 somebody could not be asked, whatever is named; else 1 a red fails; else 3 an open one fails; else 0."""
        pairs = [(each, verdict) for each in board.operations for verdict in each.verdicts]
        if any(verdict.cause == "unreachable" for _, verdict in pairs):
            return 4
        failing = {verdict.outcome for each, verdict in pairs if self.fails(each, verdict)}
        return 1 if "red" in failing else 3 if failing else 0

    def _counts(self, board: OperationBoard, verdict: Verdict) -> bool:
        if verdict.outcome == "green":
            return False
        if self.kinds is None:
            return verdict.outcome == "red" or board.policy.on_inconclusive == "fail"
        named = verdict.word
        return named in self.kinds or (named == "red" and "worse" in self.kinds)
