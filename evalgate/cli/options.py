"""Options that several commands share, and how their values become objects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from evalgate.errors import InputError

Function = TypeVar("Function", bound=Callable[..., Any])

DEFAULT_STORE = ".evalgate/evalgate.db"
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


def suite_paths(given: tuple[Path, ...]) -> list[Path]:
    """The suites to use: those given, else the folder `suites` here."""
    if given:
        return list(given)
    if not Path("suites").is_dir():
        raise InputError("no suite given, and there is no folder 'suites' here; name one: evalgate check my-suite.yaml")
    return [Path("suites")]
