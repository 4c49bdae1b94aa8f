"""`evalgate intelligence`: what is said of each model's intelligence, and the benchmark reports that it rests on."""

from __future__ import annotations

from pathlib import Path

import click

from evalgate.cli.default_command import DefaultGroup
from evalgate.cli.options import PATH, catalog_option
from evalgate.cli.sources import read_source
from evalgate.errors import InputError


class _Commands(DefaultGroup):
    default = "board"
    bare = True


@click.group("intelligence", cls=_Commands)
def command() -> None:
    """Show how intelligent each model is said to be, and file benchmark reports.

    `evalgate intelligence [MODEL]` prints the leaderboard of the catalogue, or where one model's value comes from.
    Nothing of it is used for routing.
    """


@command.command("board", hidden=True)
@click.argument("model", required=False)
@catalog_option
@click.option("--reports", multiple=True, type=PATH, metavar="FILE", help="Default: those beside the catalogue.")
@click.option("--json", "json_target", metavar="FILE", help="Write it as JSON; - is stdout.")
def board(model: str | None, catalog_path: Path, reports: tuple[Path, ...], json_target: str | None) -> int:
    """Print the leaderboard, or one model with all that its value rests on."""
    from datetime import UTC, datetime

    from rich.console import Console

    from evalgate.catalog import load_catalog
    from evalgate.cli.output import write_json
    from evalgate.intelligence import files_beside, load_collection, standing
    from evalgate.report.intelligence import board_json, render_board, render_model

    catalog = load_catalog(catalog_path)
    if model is not None:
        catalog.endpoints(model)  # or it says what there is
    collection = load_collection(reports or files_beside(catalog_path))
    found = standing(catalog, collection, datetime.now(UTC).date())
    if model is not None:
        found = {model: found[model]}
    if json_target is not None:
        write_json(board_json(found), json_target)
    if json_target == "-":
        return 0
    if model is not None:
        render_model(model, found[model], Console())
    else:
        render_board(found, Console())
    return 0


@command.command("add")
@click.argument("reports", nargs=-1, required=True, type=PATH, metavar="REPORT.yaml…")
@click.option(
    "--into", type=PATH, default="intelligence.yaml", show_default=True, help="The collection; made if missing."
)
def add(reports: tuple[Path, ...], into: Path) -> int:
    """Check benchmark reports and add them to the collection; one that it has already is refused by name."""
    from evalgate.formats.documents import parse_yaml
    from evalgate.formats.files import write_atomically
    from evalgate.intelligence.collection import files_beside, load_collection, with_reports
    from evalgate.intelligence.reports import load_reports, read_reports, require_new

    new = load_collection(reports)
    if not new:
        raise InputError(f"{reports[0]}: no reports in it")
    require_new(load_collection(files_beside(into)), new, ", ".join(map(str, reports)))
    if into.exists():
        load_reports(into)
    text = with_reports(into.read_bytes().decode() if into.exists() else "", new, into)
    read_reports(parse_yaml(text, into))
    try:
        write_atomically(into, text.encode())
    except OSError as failure:
        raise InputError(f"{into}: cannot be written: {failure.strerror}") from None
    click.echo(f"evalgate: {len(new)} reports added to {into}", err=True)
    return 0


@command.command("import")
@click.argument("source", required=False, metavar="[FILE|URL]")
@click.option(
    "--output", type=PATH, default="intelligence/openrouter.yaml", show_default=True, help="Replaced as a whole."
)
def import_(source: str | None, output: Path) -> int:
    """Take over OpenRouter's own benchmark runs from its public daily export (CC BY 4.0). Default: the latest."""
    from evalgate.formats.files import write_atomically
    from evalgate.formats.rewriting import as_yaml
    from evalgate.integrations.openrouter_benchmarks import EXPORT, read_benchmarks
    from evalgate.intelligence.collection import BY_IMPORT, HEAD, plain
    from evalgate.report.wording import safe

    data = read_source(source or EXPORT)
    read = read_benchmarks(data.decoded(), data.name)
    for reason in read.skipped:
        click.echo(f"evalgate: left out {safe(reason, 300)}", err=True)
    if not read.reports:
        raise InputError(f"{data.name}: no benchmark in it is a part of the composite")
    licence = "# Source: OpenRouter (openrouter.ai), licensed under CC BY 4.0.\n"
    text = HEAD + BY_IMPORT + licence + as_yaml({"version": 1, "reports": [plain(each) for each in read.reports]})
    try:
        if output.exists() and BY_IMPORT not in output.read_text(errors="replace"):
            raise InputError(f"{output}: was not written by an import, and would be replaced; name another one")
        write_atomically(output, text.encode())
    except OSError as failure:
        raise InputError(f"{output}: cannot be written: {failure.strerror}") from None
    click.echo(f"evalgate: {len(read.reports)} reports written to {output}", err=True)
    return 0
