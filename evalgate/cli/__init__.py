"""The command `evalgate`. One small file per command, imported only when it is called, so that `--help` is instant.

A command parses, calls and prints; it decides nothing. Exit codes: 0 all green, 1 at least one red, 2 usage or
configuration, 3 inconclusive, 4 the infrastructure failed, 130 interrupted.
"""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys
import traceback

import click

from evalgate._version import __version__
from evalgate.cli.tell import tell
from evalgate.errors import EvalgateError

COMMANDS = {
    "init": "Write the first suite, catalogue and CI job, also from promptfoo, Inspect and lm-eval.",
    "check": "Judge every variant against its baseline, operation by operation.",
    "watch": "Keep every green proven, a few cases a day, and withdraw it in time.",
    "history": "Show what became of an operation's variants, with the evidence.",
    "why": "Say what was known of a variant at some time, and what a router did with it.",
    "validate": "Try suites on their own targets, to see that they measure what they should.",
    "plan": "Say what a check will take and what it can prove, before a cent is spent.",
    "run": "Collect and grade the answers of one variant, without a verdict.",
    "batches": "List or cancel what was handed in to batch APIs and is not fetched yet.",
    "compare": "Judge two runs that exist already, in files of other evaluation tools.",
    "show": "Show the cases on which a variant differs from its baseline.",
    "route": "Say which variant the standard tier would take now, and why.",
    "serve": "Serve the gateway: each call goes where it is as good, and cheapest.",
    "signal": "Sign, publish, serve and look at the document that routers follow.",
    "openrouter": "Print the `provider` object that holds OpenRouter to what the signal allows.",
    "emit": "Write the configuration of another gateway from the signal.",
    "conformance": "Test whether a router keeps the contract of the signal.",
    "cases": "Look at captured traffic, and make cases of it.",
    "catalog": "Import what others publish into a catalogue, and look at it.",
    "intelligence": "Show how intelligent each model is said to be, and file benchmark reports.",
    "report": "Write the HTML report of the last run.",
    "frames": "Write a run as tables for pandas, R, DuckDB and spreadsheets.",
    "keys": "Make, list and revoke the keys with which callers come to the gateway.",
    "pages": "Write a page for each model: who serves it, what is proven, what each tier does.",
    "store": "Look at, tidy up or export the answers that were bought.",
    "merge": "Bring the stores of several shards together.",
    "graders": "List all graders, or say what one of them takes.",
    "schema": "Print the JSON Schema of a file format.",
    "lab": "Serve real quantized variants of a small model on this machine.",
}


BROKEN_PIPE = 141  # as a shell has it: 0 and 1 would be verdicts that perhaps nobody has read


class _LazyGroup(click.Group):
    """Knows every command by name and summary, and imports one only when it is called."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"evalgate.cli.{name}").command
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="evalgate %(version)s")
def command() -> None:
    """Proves that a cheaper model endpoint is as good as its baseline, and tells the router so."""


def main() -> None:
    """Run the command and exit; errors that a user can act on are one line on stderr, without a traceback.

    A bug keeps its traceback, but not Python's exit code for it: 1 would say that a variant is red.
    """
    gc.set_threshold(50_000, 10, 10)  # imports and answers make few cycles: to look for them often costs CPU alone
    try:
        code = command.main(standalone_mode=False)
    except EvalgateError as failure:
        tell(f"evalgate: {failure}")
        code = failure.exit_code
    except click.ClickException as failure:
        failure.show()
        code = 2
    except (click.Abort, KeyboardInterrupt):
        tell("evalgate: interrupted")
        code = 130
    except (BrokenPipeError, SystemExit):  # the reader of our output has seen enough; click makes an exit of it, with 1
        sys.stderr.close()
        code = BROKEN_PIPE
    except Exception as failure:
        code = 4
        if isinstance(failure, OSError) and failure.errno == errno.ENOSPC:
            tell(f"evalgate: the output cannot be written: {failure.strerror}")
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python would try again when it ends
        else:
            tell(traceback.format_exc())
    gc.freeze()  # Python looks for cycles once more when it ends, in all that was imported; there is no need
    sys.exit(code if isinstance(code, int) else 0)
