"""`evalgate serve`: the gateway."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.options import PATH
from evalgate.errors import InputError

if TYPE_CHECKING:
    from evalgate.gateway.settings import GatewaySettings

DEFAULT_CONFIG = Path("gateway.yaml")
_EVERY, _EVERY_FAR = (
    0.5,
    5.0,
)  # seconds between two looks at the signal; a server holds its answer back until there is news
_HERE = {"127.0.0.1", "::1", "localhost"}


@click.command("serve")
@click.option("--config", type=PATH, metavar="FILE", help="The settings.  [default: gateway.yaml, where there is one]")
@click.option("--catalog", metavar="FILE", help="The catalogue of models, variants and prices.")
@click.option("--signal", "source", metavar="PLACE", help="The signal: a file, or an address.")
@click.option("--trust", multiple=True, metavar="PATH", help="Believe what this public key signed (may be repeated).")
@click.option("--unsigned", is_flag=True, help="Believe a signal that nobody signed.")
@click.option("--store", metavar="PATH|URL", help="Where keys, spending and telemetry are kept.")
@click.option("--host", help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), help="0: any that is free.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that share the port.")
@click.option("--keys", type=click.Choice(["required", "off"]), help="Whether callers need a virtual key.")
def command(
    config: Path | None,
    catalog: str | None,
    source: str | None,
    trust: tuple[str, ...],
    unsigned: bool,
    store: str | None,
    host: str | None,
    port: int | None,
    workers: int | None,
    keys: str | None,
) -> int:
    """Serve an OpenAI- and Anthropic-compatible API that sends each call where it is as good, and cheapest.

    Options stand above the settings in the file. Providers' keys come from the environment, as the catalogue names
    them.
    """
    signal = {"source": source, "trust": list(trust) or None, "unsigned": unsigned or None}
    settings = _settings(
        config,
        {
            "catalog": catalog,
            "store": store,
            "host": host,
            "port": port,
            "workers": workers,
            "keys": keys,
            "signal": {name: value for name, value in signal.items() if value is not None} or None,
        },
    )
    return _serve(settings)


def _settings(config: Path | None, given: dict[str, object]) -> GatewaySettings:
    from evalgate.gateway.load import load_settings
    from evalgate.gateway.settings import GatewaySettings

    path = config or (DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None)
    settings = load_settings(path) if path is not None else GatewaySettings()
    stated = {name: value for name, value in given.items() if value is not None}
    signal = stated.pop("signal", None)
    if isinstance(signal, dict):
        stated["signal"] = settings.signal.model_copy(update=signal)
    return settings.model_copy(update=stated)


def _serve(settings: GatewaySettings) -> int:
    try:
        import starlette  # noqa: F401  # only whether it is there
        import uvicorn  # noqa: F401
    except ImportError:
        raise InputError("serving needs starlette and uvicorn: pip install 'evalgate-harness[server]'") from None
    from evalgate.catalog import load_catalog
    from evalgate.cli.serving import compose
    from evalgate.cli.tell import tell
    from evalgate.gateway.books import prepare
    from evalgate.gateway.serve import listen, serve
    from evalgate.gateway.upstreams import unready

    logging.basicConfig(format="evalgate: %(message)s", level=logging.WARNING)
    catalog = load_catalog(settings.catalog)
    _require_belief(settings)
    if (away := prepare(settings)) is not None:
        until = "calls need a key, and get 503 until it is there" if settings.keys == "required" else "calls are served"
        tell(f"evalgate: {away}; it is tried again, and {until}")
    for trouble in unready(catalog, os.environ):
        tell(f"evalgate: {trouble}")
    if settings.keys == "off" and settings.host not in _HERE:
        tell(f"evalgate: whoever reaches {settings.host} may spend your money; --keys required asks for a key")
    sock = listen(settings.host, settings.port)
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    click.echo(f"serving {len(catalog.models)} models at http://{shown}:{sock.getsockname()[1]}/v1")
    return serve(settings, sock, lambda worker: compose(settings, worker))


def _require_belief(settings: GatewaySettings) -> None:
    if not settings.signal.trust and not settings.signal.unsigned:
        message = "nobody is believed, so that no signal would ever be followed"
        advice = "name public keys (--trust keys/, signal.trust), or say --unsigned"
        raise InputError(f"{message}: {advice}")
