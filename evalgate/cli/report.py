"""`evalgate report`: the HTML report of the last run."""

from __future__ import annotations

from pathlib import Path

import click

from evalgate.cli.options import PATH, store_option


@click.command("report")
@click.argument("path", type=PATH, default=".evalgate/report.html")
@store_option
def command(path: Path, store_name: str) -> int:
    """Write the report of the last check to PATH (default: .evalgate/report.html)."""
    from evalgate.cli.board_lookup import last_board
    from evalgate.cli.show_board import write_report
    from evalgate.store import open_store
    from evalgate.suite import load_suites

    with open_store(store_name) as store:
        board = last_board(store)
        suites = load_suites([Path(operation.suite) for operation in board.operations])
        write_report(board, path, suites, store)
    click.echo(f"report: {path}")
    return 0
