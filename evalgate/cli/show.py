"""`evalgate show OPERATION VARIANT`: the cases on which a variant differs, the baseline's answer beside its own."""

from __future__ import annotations

import click

from evalgate.cli.options import store_option


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
        pairs = cases_that(cast("Which", which), board, verdict, suite_of(board), store)
        console = console_for_output()
        render_pairs(pairs, console, limit)
        render_slices(verdict.slices, console)
    return 0
