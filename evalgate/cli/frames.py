"""`evalgate frames [RUN] -o FOLDER`: a run as tables that pandas, R, DuckDB and spreadsheets open."""

from __future__ import annotations

from pathlib import Path

import click

from evalgate.cli.options import PATH, store_option


@click.command("frames")
@click.argument("run", default="last")
@click.option("-o", "--output", "folder", type=PATH, metavar="FOLDER", help="Where the files are written.")
@click.option("--format", "form", type=click.Choice(["parquet", "csv"]), default="parquet", show_default=True)
@click.option("--no-answers", is_flag=True, help="Only what the board says; needs neither suites nor answers.")
@click.option("--suites", type=PATH, default="suites", show_default=True, help="The folder with the run's suites.")
@click.option("--columns", is_flag=True, help="Print the columns of every frame, and write nothing.")
@store_option
def command(
    run: str, folder: Path | None, form: str, no_answers: bool, suites: Path, columns: bool, store_name: str
) -> int:
    """Write RUN (default: the last one) as frames to FOLDER, a file each; without FOLDER, list the runs.

    verdicts, metrics, course and flips are what the board says; cases, answers and scores stand behind it. Parquet
    (extra [parquet]) keeps every dtype. In CSV, texts that a spreadsheet would calculate have an apostrophe before
    them.
    """
    from evalgate.errors import InputError
    from evalgate.frames import documentation, load_run, runs
    from evalgate.frames.run import ALL, OF_THE_BOARD
    from evalgate.report.wording import counted

    if columns:
        click.echo(documentation(), nl=False)
        return 0
    if folder is None and run != "last":
        raise InputError(f"frames {run}: name the folder to write to, with -o FOLDER")
    if folder is None:
        click.echo(runs(store_name).drop(columns="at").to_string(index=False))  # a run's id begins with its time
        return 0
    if form == "parquet":
        from evalgate.store.export import require_parquet

        require_parquet(instead="--format csv")
    loaded = load_run(run, store_name, suites=suites)
    names = OF_THE_BOARD if no_answers else ALL
    written = list(loaded.write(folder, form, names))
    click.echo(
        f"{folder}: run {loaded.name}, {counted(len(written), 'frame')}: {', '.join(path.name for path in written)}"
    )
    return 0
