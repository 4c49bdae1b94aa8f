"""`evalgate openrouter OPERATION`: the `provider` object that holds OpenRouter to what the signal allows now."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from evalgate.cli.options import catalog_option
from evalgate.cli.signers import source_options


@click.command("openrouter")
@click.argument("operation")
@source_options
@catalog_option
def command(
    operation: str, source: str, trusted: tuple[Path, ...], stream: str, token_env: str | None, catalog_path: Path
) -> int:
    """Print the `provider` object of a request to OpenRouter for one OPERATION, as JSON.

    It is good until the signal changes or an entry expires: make it anew for each call, or each minute.
    """
    import orjson

    from evalgate.catalog import load_catalog
    from evalgate.cli.signal.source import believed
    from evalgate.integrations.openrouter import provider_object
    from evalgate.router import select

    document = believed(source, trusted, stream, token_env)
    decision = select(operation, document, load_catalog(catalog_path), now=datetime.now(UTC))
    click.echo(orjson.dumps(provider_object(decision), option=orjson.OPT_INDENT_2).decode())
    return 0
