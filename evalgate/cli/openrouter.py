"""`evalgate openrouter OPERATION`: the `provider` object that holds OpenRouter to what the signal allows now."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from evalgate.cli.options import PATH, SIGNAL, catalog_option
from evalgate.cli.signers import keyring, trust_option


@click.command("openrouter")
@click.argument("operation")
@click.option("--signal", "signal_path", type=PATH, default=SIGNAL, show_default=True, help="The signal.")
@trust_option
@catalog_option
def command(operation: str, signal_path: Path, trusted: tuple[Path, ...], catalog_path: Path) -> int:
    """Print the `provider` object of a request to OpenRouter for one OPERATION, as JSON.

    It is good until the signal changes or an entry expires: make it anew for each call, or each minute.
    """
    import orjson

    from evalgate.catalog import load_catalog
    from evalgate.integrations.openrouter import provider_object
    from evalgate.router import select
    from evalgate.signal.file import read_file

    document = read_file(signal_path, keyring(trusted))
    decision = select(operation, document, load_catalog(catalog_path), now=datetime.now(UTC))
    click.echo(orjson.dumps(provider_object(decision), option=orjson.OPT_INDENT_2).decode())
    return 0
