"""Options that say who signs the signal, and whose signatures are believed.

A secret key comes from a file or from an environment variable, never from an argument: every process may read those.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evalgate.cli.options import PATH, SIGNAL
from evalgate.errors import InputError

if TYPE_CHECKING:
    from evalgate.signal.keys import Keyring
    from evalgate.signal.publishing import Signers

Function = TypeVar("Function", bound=Callable[..., Any])
_ADVICE = "sign it with --key FILE (make one: evalgate signal keygen), or say --unsigned"


def stream_option(function: Function) -> Function:
    """`--stream NAME`."""
    text = "Name of the published signal."
    return click.option("--stream", default="local/default", show_default=True, metavar="NAME", help=text)(function)


def trust_option(function: Function) -> Function:
    """`--trust PATH`, as often as there are keys."""
    text = "Believe documents that this public key signed, or those of a folder (may be repeated)."
    return click.option("--trust", "trusted", type=PATH, multiple=True, metavar="PATH", help=text)(function)


def source_options(function: Function) -> Function:
    """`--signal`, `--trust`, `--stream` and `--token-env`: which signal is followed."""
    text = "The signal: a file, or an address."
    source = click.option("--signal", "source", default=str(SIGNAL), show_default=True, help=text)
    text = "The variable that holds the bearer token of a server."
    token = click.option("--token-env", metavar="NAME", help=text)
    return source(trust_option(stream_option(token(function))))


def signing_options(function: Function) -> Function:
    """`--key`, `--key-env`, `--trust` and `--unsigned`."""
    file = click.option(
        "--key", "keys", type=PATH, multiple=True, metavar="FILE", help="Sign with this secret key (may be repeated)."
    )
    variable = click.option(
        "--key-env", "key_variables", multiple=True, metavar="NAME", help="Sign with the key that this variable holds."
    )
    unsigned = click.option("--unsigned", is_flag=True, help="Publish without a signature.")
    return file(variable(trust_option(unsigned(function))))


def signers(keys: Sequence[Path], variables: Sequence[str], trusted: Sequence[Path], *, unsigned: bool) -> Signers:
    """Who signs; raises `InputError` when nobody does, unless that was asked for."""
    from evalgate.signal.keys import SigningKey
    from evalgate.signal.publishing import Signers

    found = [SigningKey.load(path) for path in keys]
    found += [SigningKey.from_environment(name, os.environ) for name in variables]
    if unsigned and (found or trusted):
        raise InputError("--unsigned: nothing is signed then, so --key, --key-env and --trust say the opposite")
    if not unsigned and not found:
        raise InputError(f"the signal has no signature: {_ADVICE}")
    return Signers(found, keyring(trusted))


def signers_to_check(
    places: Sequence[str], keys: Sequence[Path], variables: Sequence[str], trusted: Sequence[Path], *, unsigned: bool
) -> Signers:
    """As `signers`, but a local file may go without: it is how one begins. That is said, each time."""
    if places and not (keys or variables or trusted or unsigned) and not any("://" in place for place in places):
        click.echo(f"evalgate: the signal is not signed, so only this machine may believe it: {_ADVICE}", err=True)
        return signers((), (), (), unsigned=True)
    if not places:
        if keys or variables or trusted or unsigned:
            raise InputError("nothing is published, so nothing is signed: add --publish PLACE")
        return signers((), (), (), unsigned=True)
    return signers(keys, variables, trusted, unsigned=unsigned)


def keyring(trusted: Sequence[Path]) -> Keyring | None:
    """The keys to believe; None when none was named."""
    from evalgate.signal.keys import Keyring

    return Keyring.load(*trusted) if trusted else None


def tokens(name: str | None) -> list[str]:
    """The bearer tokens in a variable, with white space between them: two while one takes the place of another."""
    if name is None:
        return []
    tokens = os.environ.get(name, "").split()
    if not tokens:
        raise InputError(f"${name}: not set; expected a bearer token, or several with spaces between")
    return tokens
