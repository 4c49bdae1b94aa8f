"""`evalgate signal verify` and `show`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from evalgate.cli.signers import keyring, stream_option, trust_option

_SOURCE = click.argument("source", metavar="FILE|URL", default="signal.json")
_TOKEN = click.option("--token-env", metavar="NAME", help="The variable that holds the bearer token of a server.")


@click.command("verify")
@_SOURCE
@trust_option
@click.option("--unsigned", is_flag=True, help="Expect no signature.")
@click.option("--after", type=click.IntRange(min=0), metavar="SEQ", help="Refuse what is older than this seq.")
@stream_option
@_TOKEN
def verify(
    source: str, trusted: tuple[Path, ...], unsigned: bool, after: int | None, stream: str, token_env: str | None
) -> int:
    """Say whether a reader may follow the document, and if not, why not. Exit code 0: it may; 2: it must not.

    It must be signed by a key that --trust names, not be expired, and be no older than --after.
    """
    from evalgate.cli.signal.source import checked, read_source
    from evalgate.errors import InputError, SignalError
    from evalgate.report.layout import console_for_output
    from evalgate.report.signal import render_head
    from evalgate.report.wording import age

    if unsigned == bool(trusted):
        raise InputError("whom to believe? name a public key: --trust signal.pub, or say --unsigned")
    name, data = read_source(source, stream, token_env)
    found = checked(name, data, keyring(trusted))
    document, now = found.document, datetime.now(UTC)
    if after is not None and found.seq < after:
        raise SignalError(f"{name}: rolled back: seq {found.seq}, and {after} was published before")
    if document.expires_at <= now:
        advice = "its publisher is silent; re-issue it: evalgate signal heartbeat"
        raise SignalError(f"{name}: expired {age(now - document.expires_at)} ago; {advice}")
    render_head(
        found, console_for_output(), now=now, signed=f"signed by {found.key_id}" if found.key_id else "unsigned"
    )
    return 0


@click.command("show")
@_SOURCE
@trust_option
@stream_option
@_TOKEN
@click.option("--json", "as_json", is_flag=True, help="Print the document, without its envelope.")
def show(source: str, trusted: tuple[Path, ...], stream: str, token_env: str | None, as_json: bool) -> int:
    """Show what the document says of every variant. Its signature is checked when --trust names a key."""
    from evalgate.cli.signal.source import checked, read_source, unchecked
    from evalgate.report.layout import console_for_output
    from evalgate.report.signal import render_entries, render_head

    name, data = read_source(source, stream, token_env)
    if trusted:
        found = checked(name, data, keyring(trusted))
        signed = f"signed by {found.key_id}"
    else:
        found, signers = unchecked(name, data)
        signed = f"says to be signed by {', '.join(signers)} (not checked: --trust KEY.pub)" if signers else "unsigned"
    if as_json:
        sys.stdout.buffer.write(found.document.encode() + b"\n")
        sys.stdout.flush()
        return 0
    console, now = console_for_output(), datetime.now(UTC)
    render_head(found, console, now=now, signed=signed)
    render_entries(found.document.entries, console, now=now)
    return 0
