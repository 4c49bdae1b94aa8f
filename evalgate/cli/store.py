"""`evalgate store stats|gc|export|partition`: look at, tidy up, export or divide the answers that were bought."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.options import catalog_option, store_option

if TYPE_CHECKING:
    from evalgate.store import Store
    from evalgate.store.export import Format


@click.group("store")
def command() -> None:
    """Look at, tidy up, export or divide the answers that were bought."""


@command.command("stats", short_help="Say what was bought from whom, and what it cost.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
@store_option
def stats(as_json: bool, store_name: str) -> int:
    """Say what was bought from whom, what it cost, and how large the store is."""
    import orjson

    from evalgate.report.layout import console_for_output
    from evalgate.report.store import render_statistics
    from evalgate.store import open_to_read
    from evalgate.store.statistics import statistics

    with open_to_read(store_name) as store:
        found = statistics(store)
    if as_json:
        click.echo(orjson.dumps({"store": store.name} | found.to_json(), option=orjson.OPT_INDENT_2).decode())
    else:
        render_statistics(found, store.name, console_for_output())
    return 0


def _duration(context: click.Context, parameter: click.Parameter, value: str | None) -> timedelta | None:
    from evalgate.suite.models import parse_duration

    if value is None:
        return None
    try:
        return parse_duration(value)
    except ValueError as failure:
        raise click.BadParameter(str(failure), context, parameter) from None


@command.command("gc")
@click.option("--older-than", callback=_duration, metavar="DURATION", help="Answers older than this, such as 90d.")
@click.option("--unused", is_flag=True, help="Answers of no variant in the catalogue; with --older-than: old ones.")
@catalog_option
@click.option("--keep-runs", type=click.IntRange(min=1), metavar="N", help="The verdicts of all but the newest N runs.")
@click.option("--yes", is_flag=True, help="Delete it; without this, only say what would go.")
@store_option
def gc(
    older_than: timedelta | None,
    unused: bool,
    catalog_path: Path,
    keep_runs: int | None,
    yes: bool,
    store_name: str,
) -> int:
    """Say what may go, and with --yes delete it.

    Answers were paid for, so none goes unless it is selected by age, by being out of use, or (both given) by both.
    Scores and texts that belong to no answer, claims of processes that died, and files and batches of the gateway's
    clients whose time is over, go always.
    """
    import time

    from evalgate.catalog import load_catalog
    from evalgate.report.layout import console_for_output
    from evalgate.report.store import render_waste
    from evalgate.store import open_store
    from evalgate.store.gc import Selection, find_waste, tidy_up

    models = load_catalog(catalog_path).models.values() if unused else []
    selection = Selection(
        before=None if older_than is None else time.time() - older_than.total_seconds(),
        unless_of=frozenset(endpoint.config for model in models for endpoint in model.values()) if unused else None,
        keep_runs=keep_runs,
        at=time.time(),
    )
    with open_store(store_name, make=False) as store:
        if yes:
            tidied = tidy_up(store, selection)
            render_waste(tidied.waste, selection, store.name, console_for_output(), tidied)
        else:
            render_waste(find_waste(store, selection), selection, store.name, console_for_output())
    return 0


@command.command("partition", short_help="Divide a large PostgreSQL store into parts.")
@store_option
def partition(store_name: str) -> int:
    """Divide the answers of a PostgreSQL store into 16 partitions, for stores of some tens of millions of answers.

    Others may go on working with the store: they wait some milliseconds at a time. For as long as it takes, the disk
    holds the answers twice. It may be interrupted; the same command goes on.
    """
    from evalgate.report.wording import counted
    from evalgate.store import open_store
    from evalgate.store.partition import partition as divide

    rows = 0
    with open_store(store_name, make=False) as store:
        for number, copied in enumerate(divide(store), 1):
            rows += copied
            if number % 100 == 0:
                click.echo(f"evalgate: {rows:,} rows copied", err=True)
        click.echo(f"{store.name}: 16 partitions, {counted(rows, 'row')} copied")
    return 0


@command.command("export", short_help="Write one row for each answer to a file.")
@click.argument("path", metavar="PATH|-")
@click.option("--format", "form", type=click.Choice(["jsonl", "parquet"]), help="Default: what PATH ends in.")
@click.option("--variant", metavar="ID", help="Only the answers of this variant.")
@click.option("--no-text", is_flag=True, help="Without what was said: the columns text, error and details.")
@store_option
def export(path: str, form: str | None, variant: str | None, no_text: bool, store_name: str) -> int:
    """Write one row for each answer to PATH (.jsonl, .jsonl.gz or .parquet), or as JSON Lines to stdout for `-`.

    A row says what was asked and answered, what it took and cost, and how it was scored. Costs are exact: decimal text
    in JSON, decimal(38, 12) in Parquet (extra [parquet]).
    """
    import sys

    from evalgate.errors import InfrastructureError
    from evalgate.formats.files import atomic_file
    from evalgate.report.wording import counted
    from evalgate.store import open_to_read
    from evalgate.store.export import export as write
    from evalgate.store.export import require_parquet

    chosen = _format(path, form)
    if chosen == "parquet":
        require_parquet()
    with open_to_read(store_name) as store:
        _require_answers(store, variant)
        if path == "-":
            write(store, sys.stdout.buffer, chosen, variant=variant, text=not no_text)
            sys.stdout.flush()
            return 0
        try:
            with atomic_file(Path(path)) as file:
                count = write(store, file, chosen, variant=variant, text=not no_text)
        except OSError as failure:
            raise InfrastructureError(f"{path}: the export cannot be written: {failure.strerror}") from None
    click.echo(f"{path}: {counted(count, 'answer')}")
    return 0


def _format(path: str, form: str | None) -> Format:
    from evalgate.errors import InputError

    if path == "-" and form == "parquet":
        raise InputError("export -: Parquet cannot be written to stdout; name a file")
    if path.endswith(".parquet") if form is None else form == "parquet":
        return "parquet"
    if path.endswith(".jsonl.gz") if form is None else path.endswith(".gz"):
        return "jsonl.gz"
    if path == "-" or path.endswith(".jsonl") or form is not None:
        return "jsonl"
    raise InputError(f"export {path}: expected a name that ends in .jsonl, .jsonl.gz or .parquet, or --format")


def _require_answers(store: Store, variant: str | None) -> None:
    """Nothing vacuous: an empty file would look like an answer."""
    from evalgate.errors import InputError
    from evalgate.formats.documents import did_you_mean
    from evalgate.store.export import variants

    known = variants(store)
    if not known:
        raise InputError(f"store {store.name}: has no answers to export")
    if variant is not None and variant not in known:
        raise InputError(f"store {store.name}: no answers of variant {variant!r}{did_you_mean(variant, known)}")
