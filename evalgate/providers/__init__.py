"""HOW it is asked: one file per wire protocol, each making single attempts; `evalgate.collect` decides on retries."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from evalgate.catalog import Endpoint, Provider
from evalgate.errors import InputError
from evalgate.exchange import Request
from evalgate.providers.base import Allowance, AttemptFailed, ProviderClient, Quota

if TYPE_CHECKING:
    from evalgate.providers.wire import Wire

__all__ = ["Allowance", "AttemptFailed", "ProviderClient", "Quota", "connect", "require_askable", "require_key"]


def require_key(provider: Provider, environment: Mapping[str, str]) -> str | None:
    """The provider's key; raises `InputError` when the catalogue names a variable in which there is none."""
    if provider.api_key_env is None:
        return None
    key = environment.get(provider.api_key_env, "").strip()
    if not key:
        variable = provider.api_key_env
        message = f"provider {provider.id!r} needs its key in the environment variable {variable}, which is not set"
        raise InputError(f"{message}; run: export {variable}=…")
    if not key.isascii() or not key.isprintable():
        raise InputError(f"the key in the environment variable {provider.api_key_env} has characters that no key has")
    return key


def connect(provider: Provider, environment: Mapping[str, str]) -> ProviderClient:
    """A client for `provider`; must be called inside a running event loop."""
    if provider.protocol == "replay":
        from evalgate.providers.replay import ReplayClient

        return ReplayClient()
    # lazily, as the protocols: what is replayed needs no connection
    from evalgate.providers.wire import WireClient

    return WireClient(provider, require_key(provider, environment), _wire(provider))


def require_askable(endpoint: Endpoint, request: Request) -> None:
    """Raise `InputError` when the endpoint's protocol has no words for `request`: before anything is bought."""
    if endpoint.provider.protocol == "anthropic":  # suites are written in the words of the OpenAI API
        _wire(endpoint.provider).build(endpoint, request)


def _wire(provider: Provider) -> Wire:
    wire: Wire = import_module(f"evalgate.providers.{provider.protocol}").WIRE
    return wire
