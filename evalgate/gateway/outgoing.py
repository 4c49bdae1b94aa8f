"""What goes to an upstream: the client's request, under the upstream's name for the model, without what is only ours.

Taken out: `metadata.operation_id` and `metadata.tier` (and `metadata` itself when nothing else is in it), a
`service_tier` of ours, the `provider` object, and whatever asks a server to route elsewhere by itself: an upstream that
is a router too must not send the call to a variant that nobody proved. All else is passed on as it came, also what is
not known here; an upstream that does not take it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from evalgate.catalog import Endpoint
from evalgate.gateway.refusal import Refused
from evalgate.router import TIERS

_OURS = ("operation_id", "tier")
_ELSEWHERE = (
    "provider",
    "models",
    "route",
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "default_fallbacks",
    "num_retries",
)
_PRIVACY = ("data_collection", "zdr", "max_price")  # of OpenRouter's `provider`: they only ever restrict


def outgoing(body: Mapping[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    """The request that `endpoint` is sent, before any translation."""
    sent = dict(body)
    sent["model"] = endpoint.served_as
    metadata = sent.get("metadata")
    if isinstance(metadata, dict):
        kept = {name: value for name, value in metadata.items() if name not in _OURS}
        if kept:
            sent["metadata"] = kept
        else:
            del sent["metadata"]
    if sent.get("service_tier") in TIERS:
        del sent["service_tier"]
    wanted = sent.get("provider")
    for name in _ELSEWHERE:
        sent.pop(name, None)
    if endpoint.provider.protocol == "openrouter":
        limits = wanted if isinstance(wanted, dict) else {}
        kept = {name: limits[name] for name in _PRIVACY if name in limits}
        sent["provider"] = {**kept, "only": [endpoint.variant.tag], "allow_fallbacks": False}
    return sent


def with_usage(body: dict[str, Any]) -> bool:
    """Ask for the tokens at the end of a stream; returns whether the client itself had not asked for them."""
    options = body.get("stream_options")
    if options is None:
        body["stream_options"] = {"include_usage": True}
        return True
    if not isinstance(options, dict) or options.get("include_usage") is True:
        return False
    body["stream_options"] = {**options, "include_usage": True}
    return True


def encoded(body: Mapping[str, Any]) -> bytes:
    """As JSON. Raises `Refused` for a body nested so deeply that it can be read but not written."""
    try:
        return orjson.dumps(body)
    except TypeError:
        raise Refused(400, "invalid_request_error", "the body is nested too deeply") from None
