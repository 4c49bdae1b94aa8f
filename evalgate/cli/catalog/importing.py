"""`evalgate catalog import`: from OpenRouter, from LiteLLM's price list, or from another evalgate catalogue."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from evalgate.cli.default_command import DefaultGroup
from evalgate.cli.options import PATH
from evalgate.cli.sources import is_url, read_source

LITELLM_URL = "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json"
Function = TypeVar("Function", bound=Callable[..., Any])


class _Importers(DefaultGroup):
    default = "file"


@click.group("import", cls=_Importers)
def import_() -> None:
    """Import models, variants and prices.

    `evalgate catalog import FILE|URL` takes another evalgate catalogue. With --into, what a person wrote is kept.
    """


def target_options(function: Function) -> Function:
    """`--into`, `--output`, `--overwrite` and `--dry-run`."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Show what would change in the file, and write nothing."),
        click.option(
            "--overwrite",
            multiple=True,
            metavar="NAME",
            help="Take the source's value instead of yours: a conflict's name, or an entry's for all of it.",
        ),
        click.option("--output", type=PATH, metavar="FILE", help="Write a new catalogue here; default: stdout."),
        click.option("--into", type=PATH, metavar="FILE", help="Merge into this catalogue; it is made if missing."),
    ):
        function = option(function)
    return function


@import_.command("openrouter")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE…")
@target_options
def openrouter(sources: tuple[str, ...], **where: Any) -> int:
    """Every endpoint of some models at OpenRouter.

    SOURCE: a file or URL of `GET /models/{author}/{slug}/endpoints`, or a model's id. Latencies are told only to who
    has a key: that in OPENROUTER_API_KEY is sent, if it is set, to OpenRouter alone.
    """
    from evalgate.cli.catalog.writing import Target
    from evalgate.integrations.openrouter_endpoints import read_endpoints

    addresses = [_endpoints_of(source) for source in sources]
    read = [read_source(address, key_for(address, os.environ)) for address in addresses]
    return Target(**where).take([read_endpoints(each.decoded(), each.name, each.at) for each in read])


@import_.command("litellm")
@click.argument("source", default=LITELLM_URL, metavar="[FILE|URL]")
@click.option("--model", "models", multiple=True, metavar="KEY[=MODEL]", help="Add this one, as a variant of MODEL.")
@target_options
def litellm(source: str, models: tuple[str, ...], **where: Any) -> int:
    """Prices and limits from LiteLLM's list, for the variants that the catalogue has, and for --model.

    Default: the list that LiteLLM publishes.
    """
    from evalgate.cli.catalog.writing import Target
    from evalgate.integrations.litellm_prices import read_prices

    target = Target(**where)
    read = read_source(source)
    return target.take([read_prices(read.decoded(), read.name, read.at.date(), target.data, models)])


@import_.command("file", hidden=True)
@click.argument("source", metavar="FILE|URL")
@target_options
def file(source: str, **where: Any) -> int:
    """Everything that another evalgate catalogue has; baselines stay yours."""
    from evalgate.catalog.offer import offer_of
    from evalgate.cli.catalog.writing import Target
    from evalgate.formats.documents import parse_yaml

    read = read_source(source)
    document = parse_yaml(read.data.decode(errors="replace"), Path(read.name))
    target = Target(**where)
    return target.take([offer_of(document, read.at.date(), target.path.parent if read.is_local else None)])


def key_for(address: str, environment: Mapping[str, str]) -> str | None:
    """OpenRouter's key, for an address of OpenRouter's own API and no other."""
    from evalgate.catalog.models import PUBLIC_URLS

    return environment.get("OPENROUTER_API_KEY") if address.startswith(f"{PUBLIC_URLS['openrouter']}/") else None


def _endpoints_of(source: str) -> str:
    from evalgate.catalog.models import PUBLIC_URLS

    is_id = not is_url(source) and source.count("/") == 1 and "." not in source.partition("/")[0]
    if is_id and not Path(source).exists():
        return f"{PUBLIC_URLS['openrouter']}/models/{source}/endpoints"
    return source
