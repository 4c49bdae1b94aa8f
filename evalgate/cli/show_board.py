"""Where a finished board goes: the terminal, the HTML report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from evalgate.gate import Board, OperationBoard, Verdict
from evalgate.report.layout import console_for_output
from evalgate.report.side_by_side import Pair, cases_that
from evalgate.report.terminal import render_board, render_failures
from evalgate.report.traffic import Traffic
from evalgate.report.wording import safe
from evalgate.store import Store
from evalgate.suite import Suite


def show_board(board: Board, traffic: Traffic) -> None:
    """Print the board, and for each verdict that is not green what broke, what routers do, and what to do."""
    console = console_for_output()
    render_board(board, console)
    render_failures(board, console, traffic.of)


def tell_unreachable(board: Board) -> None:
    """Say why somebody could not be asked, on stderr; each reason once."""
    verdicts = [verdict for operation in board.operations for verdict in operation.verdicts]
    for reason in dict.fromkeys(verdict.reason for verdict in verdicts if verdict.cause == "unreachable"):
        click.echo(f"evalgate: {safe(reason, 500)}", err=True)


def write_report(board: Board, path: Path, suites: Sequence[Suite], store: Store) -> None:
    """Write the HTML report, with the answers that differ side by side."""
    from evalgate.report.html import write_report as write_html  # lazily: it draws

    by_operation = {suite.operation: suite for suite in suites}

    def pairs(operation: OperationBoard, verdict: Verdict) -> list[Pair]:
        suite = by_operation.get(operation.operation)
        return cases_that("flipped", operation, verdict, suite, store) if suite is not None else []

    write_html(board, path, pairs)
