"""Options that several commands share, and how their values become objects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from evalgate.errors import InputError
from evalgate.formats.files import DEFAULT_STORE

Function = TypeVar("Function", bound=Callable[..., Any])

SIGNAL = Path("signal.json")  # where the signal is read from, unless somebody says otherwise
PATH = click.Path(path_type=Path)


def catalog_option(function: Function) -> Function:
    """`--catalog FILE`."""
    text = "The catalogue of models, variants and prices."
    return click.option("--catalog", "catalog_path", type=PATH, default="catalog.yaml", show_default=True, help=text)(
        function
    )


def store_option(function: Function) -> Function:
    """`--store PATH|URL`."""
    text = "Where answers and verdicts are kept: a path, or a database URL."
    return click.option("--store", "store_name", default=DEFAULT_STORE, show_default=True, help=text)(function)


def since_options(function: Function) -> Function:
    """`--refresh` and `--since TIME`: which known answers are too old."""
    new = click.option("--refresh", is_flag=True, help="Buy every answer anew, also those that are in the store.")
    text = "Buy anew what was answered before this time (ISO 8601); goes on with a --refresh that was interrupted."
    since = click.option("--since", callback=a_time, metavar="TIME", help=text)
    return new(since(function))


def a_time(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """A time in ISO 8601, as seconds since the epoch; UTC where it names no zone."""
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        message = f"expected a time such as 2026-11-23T15:30:00Z, got {value!r}"
        raise click.BadParameter(message, context, parameter) from None
    return time.replace(tzinfo=time.tzinfo or UTC).timestamp()


def duration(context: click.Context, parameter: click.Parameter, value: str | None) -> timedelta | None:
    """A duration such as 30m or 7d, as suites have them."""
    from evalgate.suite.models import parse_duration

    try:
        return None if value is None else parse_duration(value)
    except ValueError as failure:
        raise click.BadParameter(str(failure), context, parameter) from None


def suite_paths(given: tuple[Path, ...]) -> list[Path]:
    """The suites to use: those given, else the folder `suites` here."""
    if given:
        return list(given)
    if not Path("suites").is_dir():
        raise InputError("no suite given, and there is no folder 'suites' here; name one: evalgate check my-suite.yaml")
    return [Path("suites")]
