"""`evalgate catalog import openrouter`: a catalogue from the endpoints that OpenRouter publishes of a model."""

from __future__ import annotations

from pathlib import Path

import click

from evalgate.cli.options import PATH
from evalgate.errors import InfrastructureError, InputError

_LARGEST = 16 * 1024 * 1024
_TIMEOUT = 30.0


@click.group("catalog")
def command() -> None:
    """Make a catalogue from what a provider publishes."""


@command.group("import")
def import_() -> None:
    """Import from another catalogue."""


@import_.command("openrouter")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE…")
@click.option("--output", type=PATH, metavar="FILE", help="Write the catalogue here; default: stdout.")
def openrouter(sources: tuple[str, ...], output: Path | None) -> int:
    """Write a catalogue of every endpoint of some models at OpenRouter.

    SOURCE: a file or URL of `GET /models/{author}/{slug}/endpoints`, or a model's id.
    """
    from evalgate.formats.files import write_atomically
    from evalgate.integrations.openrouter import catalogue, read_endpoints

    imported = [read_endpoints(_decoded(source), source) for source in sources]
    for each in imported:
        for reason in each.skipped:
            click.echo(f"evalgate: left out {reason}", err=True)
    text = catalogue(imported)
    if output is None:
        click.echo(text, nl=False)
        return 0
    if output.exists():
        raise InputError(f"{output}: there is a file already, which this would replace; name another one")
    write_atomically(output, text.encode())
    return 0


def _decoded(source: str) -> object:
    import orjson

    data = _fetched(source) if source.startswith(("http://", "https://")) else _read(source)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as failure:
        raise InputError(f"{source}: not JSON: {failure}") from None


def _read(source: str) -> bytes:
    from evalgate.catalog.models import PUBLIC_URLS

    path = Path(source)
    if not path.exists() and source.count("/") == 1 and "." not in source.partition("/")[0]:
        return _fetched(f"{PUBLIC_URLS['openrouter']}/models/{source}/endpoints")
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as failure:
        raise InputError(f"{source}: cannot be read: {failure.strerror}") from None
    if len(data) > _LARGEST:
        raise InputError(f"{source}: larger than {_LARGEST >> 20} MiB; not a list of endpoints")
    return data


def _fetched(url: str) -> bytes:
    import httpx

    try:
        with httpx.stream("GET", url, timeout=_TIMEOUT, follow_redirects=True) as response:
            data = bytearray()
            for piece in response.iter_bytes():
                data += piece
                if len(data) > _LARGEST:
                    raise InputError(f"{url}: larger than {_LARGEST >> 20} MiB; not a list of endpoints")
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        raise InfrastructureError(f"{url}: cannot be read: {failure or type(failure).__name__}") from None
    if response.status_code != httpx.codes.OK:
        raise InfrastructureError(f"{url}: HTTP {response.status_code}, expected 200")
    return bytes(data)
