"""A group of commands with one that is meant where none of the others is named: `catalog import FILE`."""

from __future__ import annotations

import click


class DefaultGroup(click.Group):
    """`default`: the command that takes the arguments when the first is no command's name; `bare`: also none at all."""

    default = ""
    bare = False

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Of click: which command the arguments are for."""
        if args and args[0] in self.commands:
            return super().resolve_command(context, args)
        return self.default, self.commands[self.default], args

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Of click: options that stand first are the default command's, but for --help."""
        if (args and args[0].startswith("-") and args[0] not in ("--help", "-h")) or (self.bare and not args):
            args = [self.default, *args]
        return super().parse_args(context, args)
