"""`evalgate catalog show`: what is in a catalogue, with the day of each price and what its source observed."""

from __future__ import annotations

from pathlib import Path

import click

from evalgate.cli.options import catalog_option


@click.command("show")
@click.argument("model", required=False)
@catalog_option
def show(model: str | None, catalog_path: Path) -> int:
    """List the variants of MODEL, or of every model, with their prices and the day these were looked up."""
    from datetime import UTC, datetime

    from rich.console import Console

    from evalgate.catalog import load_catalog
    from evalgate.report.catalog import render_catalog

    catalog = load_catalog(catalog_path)
    models = [model] if model is not None else list(catalog.models)
    for each in models:
        catalog.endpoints(each)  # or it says what there is
    render_catalog(catalog, models, Console(), datetime.now(UTC))
    return 0
