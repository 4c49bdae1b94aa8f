"""`evalgate catalog …`: what others publish of models and prices, into a catalogue that people write in."""

from __future__ import annotations

import click

from evalgate.cli.catalog.importing import import_
from evalgate.cli.catalog.show import show


@click.group("catalog")
def command() -> None:
    """Import what others publish into a catalogue, and look at it."""


command.add_command(import_)
command.add_command(show)
