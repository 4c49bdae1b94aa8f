"""`evalgate lab serve`: an endpoint to try things on, with real answers: no key, no model, no further package."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from evalgate.cli.options import PATH


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), default=8950, show_default=True, help="0: any that is free.")
@click.option("--catalog", "recorded", type=PATH, default="catalog.yaml", show_default=True, help="Recorded variants.")
def serve_recorded(port: int, recorded: Path) -> int:
    """Serve the recorded answers of the lab's variants as an OpenAI-compatible endpoint, until Ctrl-C.

    It answers what was recorded (the questions of the lab's suites, word for word) as each variant really did.
    """
    from evalgate.catalog import load_catalog
    from evalgate.errors import InfrastructureError, InputError
    from evalgate.lab.recorded_server import RecordedServer
    from evalgate.lab.weights import MODEL

    endpoints = load_catalog(recorded).endpoints(MODEL)
    recordings = {name: each.recording for name, each in endpoints.items() if each.recording is not None}
    if not recordings:
        raise InputError(f"{recorded}: no variant in it was recorded; run this in a clone of evalgate")
    try:
        server = RecordedServer(recordings, port)
    except OSError as failure:
        raise InfrastructureError(f"port {port} cannot be used: {failure.strerror}; name another one: --port") from None
    with server, contextlib.suppress(KeyboardInterrupt):
        click.echo(f"{server.url} serves {', '.join(recordings)}; Ctrl-C ends it")
        server.serve_forever(poll_interval=0.1)
    return 0
