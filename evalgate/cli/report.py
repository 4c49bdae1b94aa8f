"""`evalgate report`: the HTML report of the last run."""

from __future__ import annotations

from pathlib import Path

import click

from evalgate.cli.options import PATH, store_option


@click.command("report")
@click.argument("path", type=PATH, default=".evalgate/report.html")
@click.option("--picture", type=PATH, metavar="FILE", help="Also write the overview as a picture (.svg or .png).")
@store_option
def command(path: Path, picture: Path | None, store_name: str) -> int:
    """Write the report of the last check to PATH (default: .evalgate/report.html)."""
    from evalgate.cli.board_lookup import last_board, open_checked, suite_of
    from evalgate.cli.show_board import write_report
    from evalgate.errors import InfrastructureError, InputError

    form = picture.suffix.removeprefix(".") if picture is not None else ""
    if picture is not None and form not in ("svg", "png"):
        raise InputError(f"--picture {picture}: expected a name that ends in .svg or .png")
    with open_checked(store_name) as store:
        board = last_board(store)
        suites = [suite_of(operation) for operation in board.operations]
        write_report(board, path, suites, store)
    click.echo(f"report: {path}")
    if picture is not None:
        from evalgate.formats.files import write_atomically
        from evalgate.report.plots import overview_figure

        try:
            write_atomically(picture, overview_figure(board, "svg" if form == "svg" else "png"))
        except OSError as failure:
            raise InfrastructureError(f"{picture}: the picture cannot be written: {failure.strerror}") from None
        click.echo(f"picture: {picture}")
    return 0
