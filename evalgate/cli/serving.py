"""Where the rooms of the gateway come together, in the process of one worker."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from evalgate.catalog import load_catalog
from evalgate.cli.signers import tokens
from evalgate.gateway.batches import mount as mount_batches
from evalgate.gateway.books import Books
from evalgate.gateway.captures import Captor
from evalgate.gateway.feedback import routes as feedback_routes
from evalgate.gateway.gateway import gateway
from evalgate.gateway.metrics.standing import standing
from evalgate.gateway.redaction import load_redaction
from evalgate.gateway.shadow import Shadow, sender
from evalgate.signal.reader import SignalReader
from evalgate.store import open_prepared
from evalgate.store.captures import Captures
from evalgate.web.looking import Looking
from evalgate.web.routes import Pages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evalgate.gateway.application import Application
    from evalgate.gateway.metrics import Gauge
    from evalgate.gateway.settings import GatewaySettings

_EVERY, _EVERY_FAR = 0.5, 5.0  # seconds between two looks at the signal; a server holds its answer until there is news
_FORGET_EVERY = 3600.0  # seconds between two looks at what was captured too long ago


def compose(settings: GatewaySettings, worker: int) -> Application:
    """The application of one worker, made in its own process, after it was forked."""
    catalog, reader = load_catalog(settings.catalog), _reader(settings)

    def operations() -> Iterable[str]:
        return application.desk.routing.table.operations

    def gauges() -> Iterable[Gauge]:
        routing = application.desk.routing
        health = reader.health()
        return standing(
            breakers=application.desk.health.open_breakers(),
            seq=routing.table.seq,
            issued_at=health.issued_at,
            in_flight=application.live,
            now=time.time(),
        )

    def describe(variant: str) -> tuple[str, str]:
        for model, endpoints in application.desk.routing.catalog.models.items():
            if variant in endpoints:
                return endpoints[variant].provider.id, model
        return "", ""

    books = Books(settings, worker=worker, operations=operations, gauges=[gauges], describe=describe)
    redact = load_redaction(settings.capture.redact)
    store = None if settings.store is None else open_prepared(settings.store)
    captures = None if store is None else Captures(store)
    captor = None if captures is None else Captor(captures.add, redact)
    if captor is not None:
        books.onlookers.append(captor)
    application = gateway(
        settings,
        catalog,
        reader,
        os.environ,
        doorkeeper=books.doorkeeper,
        telemetry=books.recorder,
        onlookers=books.onlookers,
        signs={"store": books.trouble},
        refusals=books.refused,
    )
    books.start()
    looking = Looking(application.desk, reader, books.recorder)
    pages = Pages(looking.view, leaving=lambda: application.draining)
    application.mount(pages.routes, [books.keep, books.prepare])
    if store is not None and captures is not None and captor is not None:
        captor.then = Shadow(settings.shadow, sender(application.desk), captures.spend, captures.add, redact)
        routes = feedback_routes(books.doorkeeper, captures.correct, redact)
        application.mount(routes, [captor.run, partial(_forget, captures, settings.capture.keep_days)])
        mount_batches(application, store, os.environ, telemetry=books.recorder, affords=books.affords)
    return application


def _reader(settings: GatewaySettings) -> SignalReader:
    believed = settings.signal
    token = tokens(believed.token_env)
    return SignalReader(
        believed.source,
        keys=[Path(each) for each in believed.trust] or None,
        unsigned=believed.unsigned,
        stream=believed.stream,
        cache=believed.cache,
        token=token[0] if token else None,
        interval=_EVERY_FAR if believed.source.startswith("s3://") else _EVERY,
    )


async def _forget(captures: Captures, days: int) -> None:
    """Captured calls are kept no longer than was said; a store that is away is tried again (`Application`)."""
    while True:
        await asyncio.to_thread(captures.forget, datetime.now(UTC).timestamp() - 86_400 * days)
        await asyncio.sleep(_FORGET_EVERY)
