"""Shows `evalgate lab watch-demo`: a line for each day that brought something, then the timeline."""

from __future__ import annotations

from pathlib import Path

import click

from evalgate.cli.history import draw, story
from evalgate.cli.progress import LiveProgress
from evalgate.report.layout import console_for_output
from evalgate.report.timeline import render_timeline
from evalgate.report.wording import safe
from evalgate.store import open_to_read
from evalgate.suite import load_suite
from evalgate.watch.demo import BEGIN, DAY, STREAM, SWAPPED, SWAPPED_ON, SWAPPED_TO, play

_FOUND = ("suspended", "RED", "certified anew")


def show(suite_path: Path, recordings: Path, days: int, folder: Path, picture: Path | None) -> int:
    """Play and print; 0 when the swap was found on its day and nothing before it, 4 otherwise."""
    operation, before, alarms = load_suite(suite_path).operation, "", list[int]()
    with LiveProgress({operation: 0}, quiet=True) as progress:
        for told in play(suite_path, recordings, folder, progress, days=days):
            found = [line for line in told.said if any(word in line for word in _FOUND)]
            alarms += [told.day] * any("suspended" in line or "RED" in line for line in found)
            if told.day == SWAPPED_ON:
                click.echo(f"day {told.day:2}  (the provider of {SWAPPED} serves {SWAPPED_TO} from now on, silently)")
            for line in found:
                click.echo(f"day {told.day:2}  {safe(line, 300)}")
            if told.routed_to != before:
                click.echo(f"day {told.day:2}  traffic goes to {safe(told.routed_to)}")
            before, calls = told.routed_to, told.calls
    click.echo(f"{days} days, {calls:,} calls: the first check, {days} watches, and what they ordered\n")
    with open_to_read(str(folder / "watch.db")) as store:
        told_of = story(store, operation, STREAM)
    now = BEGIN + days * DAY + DAY / 2
    if picture is not None:
        draw(told_of, picture, now)
    render_timeline(told_of, console_for_output(), now=now)
    return 0 if alarms[:1] == [SWAPPED_ON] or days < SWAPPED_ON else 4
