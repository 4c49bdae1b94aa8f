"""Which protocol is spoken by which module: the one place that knows them all, above all of them.

They are imported when they are needed: what is replayed needs no connection, and most catalogues speak one protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from evalgate.catalog import Endpoint, Provider
from evalgate.errors import InputError
from evalgate.exchange import Request
from evalgate.providers.access import require_key
from evalgate.providers.base import ProviderClient
from evalgate.providers.batch import BatchClient

if TYPE_CHECKING:
    from evalgate.providers.wire import Wire

_WIRES = {name: f"evalgate.providers.{name}" for name in ("openai", "azure", "anthropic", "openrouter")}
_BATCHES = {
    "openai": ("evalgate.providers.openai_batch", "OpenAIBatches"),
    "azure": ("evalgate.providers.openai_batch", "OpenAIBatches"),
    "anthropic": ("evalgate.providers.anthropic_batch", "AnthropicBatches"),
}


def connect(provider: Provider, environment: Mapping[str, str]) -> ProviderClient:
    """A client for `provider`; must be called inside a running event loop."""
    if provider.protocol == "replay":
        from evalgate.providers.replay import ReplayClient

        return ReplayClient()
    from evalgate.providers.wire import WireClient

    return WireClient(provider, require_key(provider, environment), wire_of(provider))


def connect_batch(provider: Provider, environment: Mapping[str, str]) -> BatchClient:
    """A client for the batch API of `provider`; must be called inside a running event loop.

    Raises `InputError` when its protocol has none, or its key is not set.
    """
    if provider.protocol not in _BATCHES:
        named = f"provider {provider.id!r} (protocol {provider.protocol})"
        raise InputError(f"{named} has no batch API that evalgate speaks")
    module, name = _BATCHES[provider.protocol]
    client: BatchClient = getattr(import_module(module), name)(provider, require_key(provider, environment))
    return client


def require_askable(endpoint: Endpoint, request: Request) -> None:
    """Raise `InputError` when the endpoint or its protocol cannot be asked `request`: before anything is bought."""
    if request.images and endpoint.provider.protocol != "replay" and not endpoint.variant.capabilities.images:
        message = "takes no pictures as far as the catalogue knows, and the suite sends some"
        raise InputError(
            f"{endpoint.place}: {endpoint.id!r} {message}; if it does, write capabilities: {{images: true}}"
        )
    if endpoint.provider.protocol == "anthropic":  # suites are written in the words of the OpenAI API
        wire_of(endpoint.provider).build(endpoint, request)


def wire_of(provider: Provider) -> Wire:
    """The protocol that a provider speaks over HTTP."""
    wire: Wire = import_module(_WIRES[provider.protocol]).WIRE
    return wire
