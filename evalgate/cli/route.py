"""`evalgate route OPERATION`: which variant the standard tier would take now, and why not the others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from evalgate.cli.options import PATH, catalog_option


@click.command("route")
@click.argument("operations", nargs=-1, metavar="[OPERATION]…")
@click.option("--signal", "signal_path", type=PATH, default="signal.json", show_default=True, help="The signal.")
@catalog_option
@click.option("--json", "as_json", is_flag=True, help="Print the decisions as JSON.")
def command(operations: tuple[str, ...], signal_path: Path, catalog_path: Path, as_json: bool) -> int:
    """Say which variant the standard tier would take for each OPERATION (default: all in the signal), and why."""
    from evalgate.catalog import load_catalog
    from evalgate.report.layout import console_for_output
    from evalgate.report.route import decision_json, render_decision
    from evalgate.router import select
    from evalgate.signal import read_file

    document, catalog = read_file(signal_path), load_catalog(catalog_path)
    wanted = operations or tuple(sorted({entry.operation for entry in document.entries}))
    now = datetime.now(UTC)
    decisions = [select(operation, document, catalog, now=now) for operation in wanted]
    if as_json:
        click.echo(decision_json(decisions))
        return 0
    console = console_for_output()
    for decision in decisions:
        render_decision(decision, console)
    return 0
