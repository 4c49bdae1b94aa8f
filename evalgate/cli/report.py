"""`evalgate report`: the drift report of a run, and what changed since the one before it."""

from __future__ import annotations

import gc
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.ci_outputs import Outputs, ci_options
from evalgate.cli.exit_policy import failing_options
from evalgate.cli.options import PATH, a_time, catalog_option, store_option
from evalgate.cli.signers import keyring, stream_option, trust_option
from evalgate.errors import InputError

if TYPE_CHECKING:
    from evalgate.gate import Kind
    from evalgate.report.drift.report import Report

DEFAULT = ".evalgate/report.html"


@click.command("report")
@click.argument("path", type=PATH, required=False)
@click.option(
    "-o", "--output", type=PATH, metavar="FILE|FOLDER", help=f"A file .html, or a folder (default: {DEFAULT})."
)
@click.option("--run", metavar="ID", help="The run to report on, or how its id begins; default: the last one.")
@click.option(
    "--since",
    callback=a_time,
    metavar="DATE",
    help="Compare with how things stood then (ISO 8601), not just before.",
)
@click.option("--compare", nargs=2, metavar="RUN RUN", help="Report on the newer of two runs, compared with the other.")
@click.option("--note", default="", metavar="TEXT", help="What its readers should know; stands below the answers.")
@click.option("--pdf", type=PATH, metavar="FILE", help="Also write the board as a PDF.")
@click.option("--picture", type=PATH, metavar="FILE", help="Also write the overview as a picture (.svg or .png).")
@ci_options
@failing_options
@trust_option
@catalog_option
@stream_option
@store_option
def command(
    path: Path | None,
    output: Path | None,
    run: str | None,
    since: float | None,
    compare: tuple[str, str] | None,
    note: str,
    pdf: Path | None,
    picture: Path | None,
    junit_path: Path | None,
    summary_path: Path | None,
    comment_path: Path | None,
    github: bool,
    kinds: frozenset[Kind] | None,
    baseline_run: str | None,
    trusted: tuple[Path, ...],
    catalog_path: Path,
    stream: str,
    store_name: str,
) -> int:
    """Write the drift report of the last check: which variants are safe, how sure that is, what broke, what changed.

    A file that ends in .html holds all of it, unless the board is large: then the other pages lie in a folder beside
    it. Every other name is a folder with an index.html. PATH is the same as --output. The files for continuous
    integration are those that the check would have written; nothing is asked again. Exit code 0 whatever was concluded,
    but with --fail-on or --baseline-run that of the check.
    """
    from evalgate.cli.board_lookup import open_checked
    from evalgate.cli.exit_policy import published_before
    from evalgate.cli.show_board import drift_report
    from evalgate.gate import FailOn
    from evalgate.report.drift.past import choose, in_order

    if path is not None and output is not None:
        raise InputError(f"two places for one report: {path} and --output {output}; give one of them")
    if sum(each is not None for each in (run, since, compare)) > 1 and not (run and since is not None and not compare):
        raise InputError("--compare names both runs already; leave out --run and --since")
    form = picture.suffix.removeprefix(".") if picture is not None else ""
    if picture is not None and form not in ("svg", "png"):
        raise InputError(f"--picture {picture}: expected a name that ends in .svg or .png")
    outputs = Outputs.to(junit_path, summary_path, comment_path, github=github, stdout_is_taken=False)
    fail_on = FailOn(kinds, published_before(baseline_run, stream, keyring(trusted)))
    with open_checked(store_name) as store, outputs.quoted():
        against = None
        if compare is not None:
            with closing(store.boards()) as boards:
                against, run = in_order(boards, store.name, compare)
        with closing(store.boards()) as boards:
            chosen = choose(boards, store.name, run=run, since=since, against=against)
        report = replace(drift_report(chosen, catalog_path, stream, store), note=note)
        gc.freeze()  # a large board is a million objects, none of which is garbage: looking for it takes a tenth more
        _write(report, output or path or Path(DEFAULT), pdf)
        outputs.write(chosen.board, fail_on, report.consequences.route, report.changes)
        outputs.tell()
    if picture is not None:
        from evalgate.report.plots import overview_figure

        _put(picture, overview_figure(chosen.board, "svg" if form == "svg" else "png"), "picture")
    return fail_on.exit_code(chosen.board) if kinds is not None or baseline_run is not None else 0


def _write(report: Report, path: Path, pdf: Path | None) -> None:
    from evalgate.report.drift.report import write_report

    click.echo(f"report: {write_report(report, path).root}")
    if pdf is not None:
        from evalgate.report.drift.pdf import document

        _put(pdf, document(report), "pdf")


def _put(path: Path, data: bytes, what: str) -> None:
    from evalgate.errors import InfrastructureError
    from evalgate.formats.files import write_atomically

    try:
        write_atomically(path, data)
    except OSError as failure:
        raise InfrastructureError(f"{path}: the {what} cannot be written: {failure.strerror}") from None
    click.echo(f"{what}: {path}")
