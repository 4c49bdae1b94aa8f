"""`evalgate signal publish` and `heartbeat`."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.options import duration, store_option
from evalgate.cli.signers import signers, signing_options, stream_option

if TYPE_CHECKING:
    from evalgate.signal import Published, SignalDocument

_PLACES = click.argument("places", metavar="PLACE…", nargs=-1, required=True)


@click.command("publish")
@_PLACES
@stream_option
@signing_options
@store_option
def publish(
    places: tuple[str, ...],
    stream: str,
    keys: tuple[Path, ...],
    key_variables: tuple[str, ...],
    trusted: tuple[Path, ...],
    unsigned: bool,
    store_name: str,
) -> int:
    """Publish the verdicts of the last check to each PLACE: a file, postgresql://… or s3://bucket/key."""
    from evalgate.cli.board_lookup import last_board
    from evalgate.cli.publication import Publication
    from evalgate.signal import History
    from evalgate.store import open_store

    publication = Publication.to(stream, places, signers(keys, key_variables, trusted, unsigned=unsigned))
    with open_store(store_name, make=False) as store:
        publication.publish(last_board(store), store)
        published = History(store).latest(stream)
    if published is not None:
        _tell(published)
    return 0


@click.command("heartbeat")
@_PLACES
@stream_option
@signing_options
@click.option("--every", callback=duration, metavar="DURATION", help="Go on for ever, at this interval, such as 3m.")
@click.option(
    "--after",
    type=click.IntRange(0, 2**53),
    default=0,
    metavar="SEQ",
    help="Go on above this seq: where routers are further than a store that was set back.",
)
@store_option
def heartbeat(
    places: tuple[str, ...],
    stream: str,
    keys: tuple[Path, ...],
    key_variables: tuple[str, ...],
    trusted: tuple[Path, ...],
    unsigned: bool,
    every: timedelta | None,
    after: int,
    store_name: str,
) -> int:
    """Publish the same verdicts again to each PLACE, so that routers know that the publisher lives.

    Nothing is proven anew: entries run out when they would have. With --every, a place that fails is tried again at
    the next turn; what cannot be mended by waiting ends it.
    """
    from evalgate.cli.tell import tell
    from evalgate.errors import InfrastructureError, InputError
    from evalgate.signal.document import HEARTBEAT
    from evalgate.signal.places import open_place
    from evalgate.signal.publishing import renew
    from evalgate.store import open_store

    if every is not None and after:
        raise InputError("--after: a step that is taken once; it does not go with --every")
    if every is not None and not timedelta(seconds=1) <= every < HEARTBEAT:
        raise InputError(f"--every: expected 1s to under {HEARTBEAT.seconds // 60}m, when a document runs out")
    who = signers(keys, key_variables, trusted, unsigned=unsigned)

    def beat() -> None:
        with open_store(store_name) as store:
            opened = [open_place(name, stream) for name in places]
            _tell(renew(store, stream, opened, who, now=datetime.now(UTC), after=after))

    while True:
        try:
            beat()
        except InfrastructureError as failure:
            if every is None:
                raise
            tell(f"evalgate: {failure}")
        if every is None:
            return 0
        time.sleep(every.total_seconds())


def _tell(published: Published) -> None:
    document: SignalDocument = published.document
    states = [entry.state for entry in document.entries]
    counts = ", ".join(f"{states.count(state)} {state}" for state in ("green", "red", "unknown"))
    click.echo(f"{document.stream} seq {document.seq}: {counts}; until {document.expires_at:%Y-%m-%d %H:%M:%S}Z")
