"""`evalgate signal …`: sign, publish, serve and look at the document that routers follow. One file for each concern."""

from __future__ import annotations

import importlib

import click

# command: (the module it lives in, its summary); imported only when it is called
COMMANDS = {
    "keygen": ("keys", "Make a pair of keys: the secret one signs, routers are given the public one."),
    "sign": ("keys", "Sign a document in a file."),
    "verify": ("look", "Say whether a reader may follow a document, and if not, why not."),
    "show": ("look", "Show what a document says of every variant."),
    "publish": ("publish", "Publish the verdicts of the last check."),
    "heartbeat": ("publish", "Publish the same verdicts again, so that routers know the publisher lives."),
    "log": ("past", "List what was published, the newest first."),
    "diff": ("past", "Show what changed between two documents."),
    "serve": ("serve", "Serve the signal over HTTP."),
}


class _LazyGroup(click.Group):
    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"evalgate.cli.signal.{COMMANDS[name][0]}")
        command: click.Command = getattr(module, name)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group("signal", cls=_LazyGroup)
def command() -> None:
    """Sign, publish, serve and look at the document that routers follow."""
