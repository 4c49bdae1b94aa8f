"""`evalgate pages -o DIR`: the model pages as a folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from evalgate.cli.options import PATH, catalog_option
from evalgate.cli.signers import source_options

if TYPE_CHECKING:
    from evalgate.signal import SignalDocument


@click.command("pages")
@click.option("-o", "--output", "folder", type=PATH, required=True, metavar="DIR", help="The folder to write to.")
@source_options
@catalog_option
@click.option("--store", "store_name", metavar="PATH|URL", help="Where a gateway keeps its telemetry.")
@click.pass_context
def command(
    context: click.Context,
    folder: Path,
    source: str,
    trusted: tuple[Path, ...],
    stream: str,
    token_env: str | None,
    catalog_path: Path,
    store_name: str | None,
) -> int:
    """Write a page for each model of the catalogue, and the list of all of them, as files that need no server.

    Without a signal the pages say what is served by whom, and that nothing cheaper is proven yet.
    """
    from evalgate.catalog import load_catalog
    from evalgate.store import open_to_read
    from evalgate.telemetry import Recorder
    from evalgate.web import Proofs, View, write_pages
    from evalgate.web.looking import intelligence_beside

    catalog = load_catalog(catalog_path)
    document, now = _believed(context, source, trusted, stream, token_env), datetime.now(UTC)
    live = None
    if store_name is not None:
        with open_to_read(store_name) as store:
            recorder = Recorder(store)
            recorder.listen()
            live = recorder.snapshot(now.timestamp())
    view = View(Proofs(document, catalog), now=now, live=live, intelligence=intelligence_beside(catalog, now))
    count = write_pages(view, folder)
    click.echo(f"pages: {folder / 'index.html'} ({count:,} files)")
    return 0


def _believed(
    context: click.Context, source: str, trusted: tuple[Path, ...], stream: str, token_env: str | None
) -> SignalDocument | None:
    """The signal; None where nobody named one, and there is none at the usual place."""
    from evalgate.cli.signal.source import believed

    if context.get_parameter_source("source") is ParameterSource.DEFAULT and not Path(source).exists():
        click.echo(f"evalgate: no signal at {source}; the pages show no verdicts (name one with --signal)", err=True)
        return None
    return believed(source, trusted, stream, token_env)
