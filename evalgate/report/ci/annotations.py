"""GitHub annotations, as workflow commands: ten a step, for it drops what is beyond that without a word."""

from __future__ import annotations

from collections.abc import Sequence

from evalgate.gate import Board, FailOn
from evalgate.report import wording
from evalgate.report.ci.standing import Case, standing, worst_first
from evalgate.report.next_step import next_step
from evalgate.report.wording import counted, safe

MOST = 10


def annotation_lines(board: Board, fail_on: FailOn) -> list[str]:
    """The lines to print, the worst first: errors for what fails, warnings for what else is not green."""
    told = [case for case in worst_first(standing(board, fail_on)) if case.role != "passed"]
    shown = told if len(told) <= MOST else told[: MOST - 1]
    lines = [_line(case) for case in shown]
    if rest := told[len(shown) :]:
        lines.append(_more(rest))
    return lines


def broken_annotation(reason: str) -> str:
    """The line of a check that ended without a board."""
    return _command("error", safe(reason, 500), "evalgate: nobody was judged")


def _line(case: Case) -> str:
    board, verdict = case.board, case.verdict
    metric = verdict.worst
    known = ", as published before" if case.known else ""
    title = f"{verdict.word}{known}: {safe(board.operation)} · {safe(verdict.variant.id)}"
    said = [safe(verdict.reason, 300)]
    if verdict.outcome == "red":
        scores = f"{wording.score(metric.baseline_score)} → {wording.score(metric.variant_score)}"
        sequence = f"Δ {wording.points(metric.delta)} pp, {wording.percent(metric.level)} sequence"
        said.append(f"{safe(metric.metric)} {scores}, {sequence} {wording.interval(metric.interval)}")
    said.append(f"next: {next_step(board, verdict)}")
    return _command(_level(case), "\n".join(said), title, safe(board.suite, 300))


def _more(rest: Sequence[Case]) -> str:
    failing = any(_level(case) == "error" for case in rest)
    said = f"{counted(len(rest), 'more verdict')} not green; the step summary has them all"
    return _command("error" if failing else "warning", said, "evalgate")


def _level(case: Case) -> str:
    return "error" if case.role in ("error", "failure") else "warning"


def _command(level: str, message: str, title: str, file: str = "") -> str:
    """A workflow command; escaped as the runner's own toolkit does."""
    place = f"file={_property(file)}," if file else ""
    return f"::{level} {place}title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
