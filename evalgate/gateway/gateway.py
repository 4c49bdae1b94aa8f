"""Puts the gateway together: what it needs comes in from outside, so that whoever starts it says what it stands on.

app = gateway(settings, catalog, reader, os.environ, doorkeeper=keys, telemetry=recorder, onlookers=[shadow])
app.mount(routes=[...], background=[...])
serve(settings, lambda worker: app)
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from evalgate.catalog import Catalog
from evalgate.errors import InputError
from evalgate.gateway.accounts import Accounts
from evalgate.gateway.alarms import Alarms
from evalgate.gateway.application import Application
from evalgate.gateway.caller import Doorkeeper, OpenDoor
from evalgate.gateway.delivered import Onlooker
from evalgate.gateway.desk import Desk
from evalgate.gateway.plain import Sign, plain_routes
from evalgate.gateway.refusal import Refused
from evalgate.gateway.routing import Routing
from evalgate.gateway.settings import GatewaySettings
from evalgate.gateway.standings import Health, Telemetry, Uncounted
from evalgate.gateway.upstreams import Upstreams
from evalgate.providers.retry import RetryPolicy
from evalgate.router import Preferences
from evalgate.signal.reader import SignalReader

_NOTHING: Mapping[str, Sign] = {}


def gateway(
    settings: GatewaySettings,
    catalog: Catalog,
    reader: SignalReader | None,
    environment: Mapping[str, str],
    *,
    doorkeeper: Doorkeeper | None = None,
    telemetry: Telemetry | None = None,
    onlookers: Sequence[Onlooker] = (),
    signs: Mapping[str, Sign] = _NOTHING,
    refusals: Callable[[Refused], None] | None = None,
) -> Application:
    """The application of one process.

    `environment`: where the providers' keys are. `signs`: further things that /readyz tells of, by name: what is wrong
    with each, or None. `refusals` is told of every call that was turned away.

    Raises `InputError` where callers need a key, and nobody asks for one.
    """
    if settings.keys == "required" and doorkeeper is None:
        raise InputError("keys: required, but nobody here keeps keys; name a store, or say `keys: off`")
    door, counts = doorkeeper or OpenDoor(), telemetry or Uncounted()
    desk = Desk(
        settings=settings,
        routing=Routing(catalog, reader),
        health=Health(counts, settings.p95_target_ms),
        upstreams=Upstreams(environment),
        accounts=Accounts(door, counts, onlookers),
        preferences=Preferences(settings.strategy, settings.p95_target_ms, settings.explore),
        retries=RetryPolicy(settings.attempts),
        alarms=Alarms(),
        chance=random.Random(),  # noqa: S311  # spreads calls and retries; nobody is kept out by it
    )
    application = Application(desk, door, refusals)
    application.mount(plain_routes(application, signs), [desk.routing.follow])
    return application
