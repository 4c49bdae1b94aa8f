"""`evalgate signal serve`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.signers import keyring, stream_option, tokens, trust_option
from evalgate.errors import InfrastructureError, InputError

if TYPE_CHECKING:
    from evalgate.signal.places import Place
    from evalgate.signal.watching import Look

_FILE_SECONDS, _FAR_SECONDS = 0.2, 1.0  # between two looks at a file, and at a database or an object


@click.command("serve")
@click.argument("place", default="signal.json")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8378, show_default=True, help="0: any that is free.")
@click.option("--token-env", metavar="NAME", help="Ask for a bearer token: one of those that this variable holds.")
@trust_option
@stream_option
def serve(place: str, host: str, port: int, token_env: str | None, trusted: tuple[Path, ...], stream: str) -> int:
    """Serve the signal at PLACE (a file, postgresql://… or s3://bucket/key) over HTTP, until it is stopped.

    GET /signal answers with an ETag; with If-None-Match and ?wait=30 as soon as there is something new. GET
    /signal/events tells each new seq, GET /health whether all is well. Readers check signatures themselves; with
    --trust the server does, too.
    """
    try:
        import uvicorn

        from evalgate.signal.server import application
    except ImportError:
        raise InputError("serving needs starlette and uvicorn: pip install 'evalgate-harness[server]'") from None
    from evalgate.cli.tell import tell
    from evalgate.signal.places import open_place
    from evalgate.signal.watching import Watch

    opened = open_place(place, stream)
    look, every = _look(opened)
    asked = tokens(token_env)
    if not asked and host not in {"127.0.0.1", "::1", "localhost"}:
        click.echo(
            f"evalgate: whoever reaches {host}:{port} may read the signal; --token-env asks for a token", err=True
        )
    watch = Watch(look, keyring=keyring(trusted), every=every, tell=lambda trouble: tell(f"evalgate: {trouble}"))
    app = application(watch, asked)
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    try:
        sock = config.bind_socket()
    except (SystemExit, OSError):
        raise InfrastructureError(
            f"{host}:{port}: cannot listen here: it is in use, or not an address of ours"
        ) from None
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"serving {opened.name} at http://{shown}:{sock.getsockname()[1]}/signal")
    server.run([sock])
    return 0


def _look(opened: Place) -> tuple[Look, float]:
    from evalgate.signal.places.file import FilePlace

    if not isinstance(opened, FilePlace):
        return opened.read, _FAR_SECONDS
    return opened.read_if_changed, _FILE_SECONDS
