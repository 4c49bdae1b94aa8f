"""Whether a command line of an example is one that evalgate takes."""

from __future__ import annotations

from collections.abc import Sequence

import click

from evalgate.cli import command


def require_known_options(line: Sequence[str]) -> None:
    """Fail unless `evalgate …` names a command, and only options that it has."""
    _, *arguments = line
    found: click.Command = command
    while isinstance(found, click.Group):
        name = arguments.pop(0)
        below = found.get_command(click.Context(found), name)
        assert below is not None, name
        found = below
    known = {option for parameter in found.params for option in parameter.opts}
    given = {argument.partition("=")[0] for argument in arguments if argument.startswith("--")}
    assert given <= known, given - known
