"""Gives a gateway its batch tier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from evalgate.gateway.application import Application
from evalgate.gateway.batches.api import routes
from evalgate.gateway.batches.tier import BatchTier
from evalgate.gateway.batches.working import work
from evalgate.gateway.caller import Caller
from evalgate.gateway.standings import Telemetry, Uncounted
from evalgate.gateway.translations import between
from evalgate.store import Store


def mount(
    application: Application,
    store: Store,
    environment: Mapping[str, str],
    *,
    telemetry: Telemetry | None = None,
    affords: Callable[[Caller], bool] = lambda caller: True,
) -> BatchTier:
    """Mount `/v1/files` and `/v1/batches`, and let this process work; before it is served.

    `environment`: where the providers' keys are. `affords`: whether a key may still spend.
    """
    desk, counts = application.desk, telemetry or Uncounted()
    tier = BatchTier(
        store=store,
        table=lambda: desk.routing.table,
        environment=environment,
        settings=desk.settings.queue,
        doorkeeper=application.doorkeeper,
        live=lambda: application.live,
        record=counts.record,
        figures=counts.figures,
        affords=affords,
        between=partial(between, "openai"),
        now=desk.routing.now,
        drain_seconds=desk.settings.drain_seconds,
    )
    application.mount(routes(tier), [partial(work, tier)])
    return tier
