"""`evalgate signal log` and `diff`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.options import store_option
from evalgate.cli.signers import stream_option

if TYPE_CHECKING:
    from evalgate.signal import Published


@click.command("log")
@stream_option
@click.option("-n", "limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@store_option
def log(stream: str, limit: int, as_json: bool, store_name: str) -> int:
    """List what was published from this store, the newest first, and what each document changed."""
    import orjson

    from evalgate.errors import InputError
    from evalgate.report.layout import console_for_output
    from evalgate.report.signal import log_json, render_log
    from evalgate.signal import History
    from evalgate.store import open_to_read

    with open_to_read(store_name) as store:
        history = History(store)
        found = list(history.newest_first(stream, limit + 1))  # one more: it tells what the oldest changed
        if not found:
            known = ", ".join(history.streams())
            raise InputError(f"store {store.name}: nothing was published as {stream}; streams: {known or 'none'}")
    if as_json:
        click.echo(orjson.dumps(log_json(found, limit), option=orjson.OPT_INDENT_2).decode())
    else:
        render_log(found, limit, console_for_output())
    return 0


@click.command("diff")
@click.argument("before", metavar="SEQ|FILE|URL")
@click.argument("after", metavar="SEQ|FILE|URL")
@stream_option
@store_option
def diff(before: str, after: str, stream: str, store_name: str) -> int:
    """Show what changed from one document to another. Signatures are not checked: this only looks.

    Each is a number out of the store's history, or a file or address.
    """
    from evalgate.report.layout import console_for_output
    from evalgate.report.signal import render_changes

    one, other = (_document(name, stream, store_name) for name in (before, after))
    render_changes(one.document, other.document, console_for_output(), now=datetime.now(UTC))
    return 0


def _document(name: str, stream: str, store_name: str) -> Published:
    from evalgate.cli.signal.source import read_source, unchecked
    from evalgate.errors import InputError
    from evalgate.signal import History
    from evalgate.store import open_to_read

    if not name.isascii() or not name.isdigit() or Path(name).exists():
        return unchecked(*read_source(name, stream))[0]
    with open_to_read(store_name) as store:
        found = History(store).at(stream, int(name[:18]))
    if found is None:
        raise InputError(f"store {store.name}: no seq {name[:18]} of {stream}; see: evalgate signal log")
    return found
