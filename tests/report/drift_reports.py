"""Drift reports of the factory's boards: evidence from thin air in the form in which the store would give it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import numpy as np

from evalgate.gate import Board, Flip, OperationBoard, VariantFacts, Verdict
from evalgate.report.drift.consequences import Consequences
from evalgate.report.drift.evidence import Evidence, Numbers
from evalgate.report.drift.past import Before, Past
from evalgate.report.drift.report import Report
from evalgate.report.side_by_side import Pair
from evalgate.signal import issue
from evalgate.suite import Case
from tests.report import board_factory


class Factory:
    """What `Evidence` gives, made up: two kinds of cases, and the factory's answers."""

    has_logprobs = False
    grading = None  # of a suite without tools

    def __init__(self, board: OperationBoard) -> None:
        self.board = board
        self.cases = [
            Case(f"case-{n:04d}", "?", None, {"kind": ("plain", "contrast")[n % 2]}) for n in range(board.available)
        ]

    def used(self, verdict: Verdict) -> int:
        return verdict.cases

    def baseline(self, cases: int) -> Numbers:
        return self.numbers(self.board.baseline, cases)

    def numbers(self, facts: VariantFacts, cases: int) -> Numbers:
        ramp = np.arange(cases, dtype=float)
        return Numbers(ramp % 9, 80 + ramp, np.full(cases, float(facts.price_input) / 1e4), ["stop"] * cases)

    def pairs(self, verdict: Verdict, flips: Sequence[Flip]) -> list[Pair]:
        return board_factory.pairs(self.board, replace(verdict, flips=tuple(flips)))


def look(board: OperationBoard) -> Evidence | str:
    return cast("Evidence", Factory(board))


def report_of(board: Board, *, before: Board | None = None, route: str = "traffic goes to lab-q4_k_m") -> Report:
    """A report of `board`, compared with `before`."""
    now = datetime.fromtimestamp(board.at, UTC)
    # only operations that a signal can name are in a document
    document = issue(replace(board, operations=()), None, stream="test/report", now=now)
    earlier = {each.operation: Before(before.run, before.at, each) for each in before.operations} if before else {}
    history = {
        (each.operation, verdict.variant.id): [_past(one, verdict) for one in (before, board)]
        for each in (board.operations if before else ())
        for verdict in each.verdicts
    }
    return Report(board, Consequences(document, lambda operation: route), look, earlier, history)


def _past(board: Board | None, verdict: Verdict) -> Past:
    assert board is not None
    return Past(board.run, board.at, verdict.outcome, verdict.worst.delta, verdict.worst.interval, verdict.cases)
