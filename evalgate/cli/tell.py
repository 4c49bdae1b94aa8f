"""What is told on stderr while a command works: who listens there may go away, and a paid run must not end for that."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console


def tell(message: str) -> None:
    """One line on stderr, if anybody listens."""
    with contextlib.suppress(OSError):
        click.echo(message, err=True)


def tell_wrapped(message: str) -> None:
    """The same for prose: no wider than the terminal, and one line where there is none."""
    console = telling_console()
    if not console.is_terminal:
        tell(message)
        return
    from rich.text import Text

    with contextlib.suppress(OSError):
        console.print(Text(message), highlight=False)


def telling_console(*, quiet: bool = False) -> Console:
    """A console on stderr that falls silent when nobody listens any more."""
    from rich.console import Console

    class Telling(Console):
        def on_broken_pipe(self) -> None:
            self.quiet = True

    return Telling(stderr=True, quiet=quiet)
