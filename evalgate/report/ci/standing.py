"""What each verdict means to a job: it failed, could not be judged, was passed over, or passed."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console

from evalgate.gate import Before, Board, FailOn, OperationBoard, Verdict
from evalgate.report.terminal import render_failure

Role = Literal["error", "failure", "skipped", "passed"]
Route = Callable[[str], str]  # what an operation's traffic does, in a few words
WIDTH = 100  # characters of a line of what broke
_ORDER: tuple[Role, ...] = ("error", "failure", "skipped", "passed")
_WORDS = ("red", "worse", "inconclusive", "green")


@dataclass(frozen=True, slots=True)
class Case:
    """One variant on one operation. `known`: it does not fail because it was no better when it was last published.

    `before` is what was published of it, None where nothing was, or nobody asked.
    """

    board: OperationBoard
    verdict: Verdict
    role: Role
    known: bool
    before: Before | None

    def message(self, route: Route) -> str:
        """What broke and what to do, as the terminal says it, in lines of plain text; empty for green."""
        if self.verdict.outcome == "green":
            return ""
        console = Console(file=(file := io.StringIO()), width=WIDTH, color_system=None, force_terminal=False)
        render_failure(self.board, self.verdict, route(self.board.operation), console)
        return file.getvalue().rstrip()


def standing(board: Board, fail_on: FailOn) -> list[Case]:
    """Every verdict, in the order of the board."""
    return [_case(each, verdict, fail_on) for each in board.operations for verdict in each.verdicts]


def worst_first(cases: Sequence[Case]) -> list[Case]:
    """Who could not be asked, who fails, who does not fail for what is wrong with him, and the rest; reds by loss."""

    def key(case: Case) -> tuple[int, int, float]:
        return _ORDER.index(case.role), _WORDS.index(case.verdict.word), case.verdict.worst.delta

    return sorted(cases, key=key)


def _case(board: OperationBoard, verdict: Verdict, fail_on: FailOn) -> Case:
    role: Role = "passed" if verdict.outcome == "green" else "skipped"
    if verdict.cause == "unreachable":
        role = "error"
    elif fail_on.fails(board, verdict):
        role = "failure"
    before = (fail_on.before or {}).get((board.operation, verdict.variant.id))
    return Case(board, verdict, role, role == "skipped" and fail_on.is_known(board, verdict), before)
