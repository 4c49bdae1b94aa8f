"""Where a finished board goes: the terminal, the drift report."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.errors import InputError
from evalgate.gate import Board, OperationBoard
from evalgate.report.layout import console_for_output
from evalgate.report.terminal import render_board, render_failures
from evalgate.report.traffic import Traffic
from evalgate.report.wording import safe
from evalgate.store import Store
from evalgate.suite import Suite

if TYPE_CHECKING:
    from evalgate.report.drift.changes import OperationChanges
    from evalgate.report.drift.evidence import Evidence
    from evalgate.report.drift.past import Chosen
    from evalgate.report.drift.report import Report


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


def write_report(board: Board, path: Path, suites: Sequence[Suite], store: Store, catalog: Path, stream: str) -> Path:
    """Write the drift report of a check that just ended, of these `suites`; returns the file to open."""
    from evalgate.report.drift.past import choose  # lazily: whoever reads no report draws nothing
    from evalgate.report.drift.report import write_report as write_pages

    with closing(store.boards()) as boards:
        chosen = choose(boards, store.name, run=board.run)
    return write_pages(drift_report(chosen, catalog, stream, store, suites), path).root


def changed(board: Board, store: Store) -> Sequence[OperationChanges]:
    """What changed since the runs before `board`, which is in the store."""
    from evalgate.report.drift.changes import changes
    from evalgate.report.drift.past import choose

    with closing(store.boards()) as boards:
        return changes(board, choose(boards, store.name, run=board.run).before)


def drift_report(
    chosen: Chosen, catalog_path: Path, stream: str, store: Store, suites: Sequence[Suite] | None = None
) -> Report:
    """All that a report says of a board. Without `suites` they are looked for where the check found them.

    What is not here any more takes nothing else with it: without the catalogue nobody can tell where traffic goes, and
    without its suite no operation's answers can be found; the report says so in their place.
    """
    from evalgate.catalog import load_catalog
    from evalgate.cli.publication import Publication
    from evalgate.report.drift.consequences import Consequences
    from evalgate.report.drift.report import Report
    from evalgate.signal.publishing import Signers

    publication = Publication.to(stream, (), Signers())
    document, (published, note) = publication.publish(chosen.board, store), publication.current(store)
    try:
        traffic = Traffic(document, published, load_catalog(catalog_path), now=datetime.now(UTC), note=note)
        route = traffic.of
    except InputError as failure:
        reason = f"not known: {failure}"
        route = lambda operation: reason  # noqa: E731  # the same for each of them
    known = {suite.operation: suite for suite in suites} if suites is not None else None
    return Report(
        chosen.board,
        Consequences(document, route),
        partial(_look, store=store, suites=known),
        chosen.before,
        chosen.history,
    )


def _look(board: OperationBoard, *, store: Store, suites: dict[str, Suite] | None) -> Evidence | str:
    from evalgate.cli.board_lookup import suite_of
    from evalgate.report.drift.evidence import Evidence

    try:
        suite = suites[board.operation] if suites is not None else suite_of(board)
    except InputError as failure:
        return str(failure)
    return Evidence(board, suite, store)
