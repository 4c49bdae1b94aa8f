"""`evalgate why OPERATION VARIANT --at TIME`: exactly what was known then, and what a router did with it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.options import a_time, catalog_option, store_option
from evalgate.cli.signers import stream_option

if TYPE_CHECKING:
    from evalgate.router import Decision
    from evalgate.signal import Published


@click.command("why")
@click.argument("operation")
@click.argument("variant")
@click.option("--at", callback=a_time, metavar="TIME", help="When (ISO 8601); default: now.")
@stream_option
@store_option
@catalog_option
@click.option("--json", "json_path", metavar="FILE|-", help="Write it as JSON; - is stdout.")
def command(
    operation: str,
    variant: str,
    at: float | None,
    stream: str,
    store_name: str,
    catalog_path: Path,
    json_path: str | None,
) -> int:
    """Say what was published of VARIANT on OPERATION at a time, what it rested on, and what a router did with it.

    Everything is read from the store, which keeps every document; nothing is worked out anew but the router's choice,
    with today's catalogue.
    """
    from evalgate.cli.board_lookup import open_checked
    from evalgate.cli.history import story
    from evalgate.cli.output import write_json
    from evalgate.report.layout import console_for_output
    from evalgate.report.why import render_why, why_json
    from evalgate.signal import History

    moment = time.time() if at is None else at
    with open_checked(store_name) as store:
        told = story(store, operation, stream)
        published = History(store).before(stream, moment)
    before = [each for each in told.moments if each.variant == variant and each.at <= moment]
    then = datetime.fromtimestamp(moment, UTC)
    decision = _decision(published, operation, catalog_path, then)
    if json_path is not None:
        write_json(why_json(operation, variant, then, published, before, decision), json_path)
    if json_path != "-":
        render_why(operation, variant, then, published, before, decision, console_for_output())
    return 0


def _decision(published: Published | None, operation: str, catalog: Path, then: datetime) -> Decision | str:
    """What the router chose, or why that cannot be told."""
    from evalgate.catalog import load_catalog
    from evalgate.errors import InputError
    from evalgate.router import select

    try:
        loaded = load_catalog(catalog)
        return select(operation, published.document if published is not None else None, loaded, now=then)
    except InputError as failure:
        return str(failure)
