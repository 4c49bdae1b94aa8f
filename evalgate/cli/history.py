"""`evalgate history OPERATION [VARIANT]`: what became of an operation's variants, with the evidence of each step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.options import PATH, store_option
from evalgate.cli.signers import stream_option

if TYPE_CHECKING:
    from evalgate.signal.timeline import Timeline
    from evalgate.store import Store

BOARDS = 200  # that are looked through


@click.command("history")
@click.argument("operation")
@click.argument("variant", required=False)
@stream_option
@store_option
@click.option("--all", "everything", is_flag=True, help="Also the days of watching on which nothing was found.")
@click.option("--svg", "picture", type=PATH, metavar="FILE", help="Draw it.")
@click.option("--json", "json_path", metavar="FILE|-", help="Write it as JSON; - is stdout.")
def command(
    operation: str,
    variant: str | None,
    stream: str,
    store_name: str,
    everything: bool,
    picture: Path | None,
    json_path: str | None,
) -> int:
    """Show what became of the variants of OPERATION: verdicts, alarms, withdrawals and what was published of it."""
    from evalgate.cli.board_lookup import open_checked
    from evalgate.cli.output import write_json
    from evalgate.report.layout import console_for_output
    from evalgate.report.timeline import render_timeline, timeline_json

    with open_checked(store_name) as store:
        told = story(store, operation, stream)
    if variant is not None:
        told = told.of(_known(variant, told.variants, f"no history of {variant!r} on {operation!r}"))
    now = time.time()
    if picture is not None:
        draw(told, picture, now)
    if json_path is not None:
        write_json(timeline_json(told), json_path)
    if json_path != "-":
        render_timeline(told, console_for_output(), now=now, everything=everything)
    return 0


def story(store: Store, operation: str, stream: str) -> Timeline:
    """The timeline of an operation; raises `InputError` when nothing is known of it."""
    from itertools import islice

    from evalgate.gate import Board
    from evalgate.signal import History
    from evalgate.signal.timeline import timeline
    from evalgate.store import Watching

    boards = [Board.from_json(data) for data in islice(store.boards(), BOARDS)]
    told = timeline(operation, boards, Watching(store).events(operation), History(store).changes(stream))
    if not told.moments:
        known = sorted({each.operation for board in boards for each in board.operations})
        _known(operation, known, f"store {store.name}: nothing is known of operation {operation!r}")
    return told


def _known(name: str, known: Sequence[str], message: str) -> str:
    from evalgate.errors import InputError
    from evalgate.formats.documents import did_you_mean

    if name not in known:
        raise InputError(message + did_you_mean(name, set(known)))
    return name


def draw(told: Timeline, path: Path, now: float) -> None:
    """Write the picture; raises `InputError` where it cannot be written."""
    from evalgate.errors import InputError
    from evalgate.formats.files import write_atomically
    from evalgate.report.timeline_picture import timeline_figure

    try:
        write_atomically(path, timeline_figure(told, now=now))
    except OSError as failure:
        raise InputError(f"--svg {path}: cannot be written: {failure.strerror}") from None
