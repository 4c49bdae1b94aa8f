"""`evalgate show OPERATION VARIANT`: the cases on which a variant differs, the baseline's answer beside its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evalgate.cli.options import store_option

if TYPE_CHECKING:
    from rich.console import Console

    from evalgate.gate import OperationBoard, Verdict
    from evalgate.store import Store
    from evalgate.suite import Suite

_KNOWN = {"classification", "tool_calls", "tool_schema", "tool_trigger"}  # graders whose answers are of kinds


@click.command("show")
@click.argument("operation")
@click.argument("variant")
@click.option("--broke", "which", flag_value="broke", help="Cases that the variant scored lower on.")
@click.option("--fixed", "which", flag_value="fixed", help="Cases that the variant scored higher on.")
@click.option("--flipped", "which", flag_value="flipped", default=True, help="Both (the default).")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many cases.")
@store_option
def command(operation: str, variant: str, which: str, limit: int, store_name: str) -> int:
    """Show the cases on which VARIANT scored differently from the baseline in the last check of OPERATION."""
    from typing import cast

    from evalgate.cli.board_lookup import last_verdict, open_checked, suite_of
    from evalgate.report.layout import console_for_output
    from evalgate.report.side_by_side import Which, cases_that, render_pairs
    from evalgate.report.slices import render_slices

    with open_checked(store_name) as store:
        board, verdict = last_verdict(store, operation, variant)
        suite = suite_of(board)
        pairs = cases_that(cast("Which", which), board, verdict, suite, store)
        console = console_for_output()
        render_pairs(pairs, console, limit)
        render_slices(verdict.slices, console)
        if _KNOWN & {assertion.type for assertion in suite.assertions}:
            _show_kinds(suite, board, verdict, store, console)
    return 0


def _show_kinds(suite: Suite, board: OperationBoard, verdict: Verdict, store: Store, console: Console) -> None:
    """How answers differ in kind; what graders need may not be here any more, and then the cases are told alone."""
    from evalgate.errors import InputError
    from evalgate.graders import bind
    from evalgate.report.drift.evidence import Evidence
    from evalgate.report.kinds import render_kinds

    evidence = Evidence(board, suite, store)
    used = evidence.used(verdict)
    ours, theirs = (evidence.answers(facts, used) for facts in (board.baseline, verdict.variant))
    try:
        grading = bind(suite)
    except InputError as failure:
        click.echo(f"evalgate: what kinds of faults there are is not told: {failure}", err=True)
        return
    render_kinds(grading, suite, evidence.cases[:used], ours, theirs, console)
