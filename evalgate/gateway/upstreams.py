"""Where calls are sent to: one origin for each provider, made when it is first needed and anew when it changed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from urllib.parse import quote

from evalgate.catalog import Catalog, Endpoint, Provider
from evalgate.errors import InputError
from evalgate.gateway.translation import Speech
from evalgate.gateway.trouble import Trouble
from evalgate.providers.access import by_deployment, require_key
from evalgate.providers.origin import Origin

log = logging.getLogger("evalgate.gateway")


class Upstream:
    """One provider. `secret`: its key, where that is one and no placeholder.

    `tells_usage` turns False when it refuses to be asked for the tokens of a stream.
    """

    def __init__(self, provider: Provider, key: str | None) -> None:
        self.provider, self.origin = provider, Origin(provider, key)
        self.speech: Speech = "anthropic" if provider.protocol == "anthropic" else "openai"
        self.tells_usage = True
        self.secret = key if self.origin.secret is not None else None
        self._key = key.encode() if key is not None and self.origin.secret is not None else None

    def redacted(self, data: bytes) -> bytes:
        """`data` without the key, which some echo."""
        return data if self._key is None or self._key not in data else data.replace(self._key, b"[key]")

    def request(self, endpoint: Endpoint, path: str, body: bytes, more: str = "") -> tuple[bytes, bytes]:
        """A request as it goes over the wire."""
        if by_deployment(self.provider):
            path = f"/deployments/{quote(endpoint.served_as, safe='')}{path}"
        return self.origin.head("POST", path, "application/json", len(body), more), body


class Upstreams:
    """All of them; must be used inside one event loop."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._made: dict[str, Upstream] = {}

    def of(self, endpoint: Endpoint) -> Upstream:
        """Whom to ask. Raises `Trouble` where there is no key, or nothing to connect to."""
        provider = endpoint.provider
        made = self._made.get(provider.id)
        if made is not None and (made.provider is provider or made.provider == provider):
            return made
        if provider.protocol == "replay":
            reason = f"provider {provider.id!r} only replays recordings; serve them with: make gateway"
            raise Trouble("operator", 501, reason)
        try:
            upstream = Upstream(provider, require_key(provider, self._environment))
        except InputError as failure:
            raise Trouble("operator", 502, str(failure)) from None
        self._made[provider.id] = upstream
        return upstream

    async def close(self) -> None:
        """Close what is idle."""
        for upstream in self._made.values():
            await upstream.origin.connections.close()


def unready(catalog: Catalog, environment: Mapping[str, str]) -> list[str]:
    """Why providers of the catalogue cannot be asked, for who starts the gateway."""
    providers = {each.provider.id: each.provider for group in catalog.models.values() for each in group.values()}
    told = []
    for provider in providers.values():
        try:
            require_key(provider, environment)
        except InputError as failure:
            told.append(str(failure))
        if provider.protocol == "replay":
            told.append(f"provider {provider.id!r} only replays recordings: calls that go to it are answered with 501")
    return told
