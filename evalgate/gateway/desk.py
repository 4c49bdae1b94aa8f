"""What all calls of a process share, and the choice for each of them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime

from evalgate.errors import InputError
from evalgate.gateway.accounts import Accounts
from evalgate.gateway.alarms import Alarms
from evalgate.gateway.asked import Asked
from evalgate.gateway.refusal import Refused
from evalgate.gateway.routing import Routing
from evalgate.gateway.settings import GatewaySettings
from evalgate.gateway.standings import Health
from evalgate.gateway.upstreams import Upstreams
from evalgate.providers.retry import RetryPolicy
from evalgate.router import Decision, Preferences, choose


@dataclass(frozen=True, slots=True)
class Desk:
    """What all calls of a process share."""

    settings: GatewaySettings
    routing: Routing
    health: Health
    upstreams: Upstreams
    accounts: Accounts
    preferences: Preferences
    retries: RetryPolicy
    chance: random.Random
    alarms: Alarms

    def decide(self, asked: Asked) -> Decision:
        """Whom to ask, in turn. Raises `Refused` where nobody may be."""
        table = self.routing.table
        try:
            operation = table.route(asked.call).operation or ""
            decision = choose(
                asked.call,
                table,
                now=datetime.fromtimestamp(self.routing.now(), UTC),
                standings=self.health.of(operation),
                seed=self.chance.getrandbits(62),
                preferences=self.preferences,
            )
        except InputError as failure:
            raise self._unroutable(asked, str(failure)) from None
        if not decision.order:
            message = "the call's own limits (price, data policy) forbid every variant that may serve it"
            raise Refused(400, "invalid_request_error", message)
        return decision

    def _unroutable(self, asked: Asked, why: str) -> Refused:
        """Whose fault it is that nobody knows the baseline. Paths and names of the catalogue are not for clients."""
        model = asked.call.model
        if model is None:
            return Refused(400, "invalid_request_error", "model: missing; GET /v1/models lists those that are served")
        if model not in self.routing.catalog.models:
            message = f"there is no model {model!r} here; GET /v1/models lists those that are served"
            return Refused(404, "not_found_error", message)
        self.alarms.tell(model, "cannot be served", why)
        message = f"the model {model!r} cannot be served now: nobody says who its baseline is"
        return Refused(503, "api_error", message)
