"""OpenRouter: its list of a model's endpoints as a catalogue, and the signal as the `provider` object of a request.

Traps of that list: prices are texts in USD per *token*; percentiles may be an object, a bare number or null, in ms;
`quantization` may be null; one host serves two precisions that only `tag` tells apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal, InvalidOperation
from typing import Any

import yaml

from evalgate.catalog import CatalogFile
from evalgate.errors import InputError
from evalgate.router import Decision

PROVIDER = "openrouter"
KEY_VARIABLE = "OPENROUTER_API_KEY"
_PLACES = Decimal("0.000001")  # of USD per 1M tokens, in a catalogue
_HEAD = "# yaml-language-server: $schema=schemas/catalog.schema.json\n"


@dataclass(frozen=True, slots=True)
class Imported:
    """Variants for a catalogue, and why some endpoints are none; `observed` are remarks by variant id."""

    model: str
    name: str
    variants: tuple[dict[str, Any], ...]
    skipped: tuple[str, ...]
    observed: Mapping[str, str]


def read_endpoints(document: object, place: str) -> Imported:
    """The answer of `GET /models/{author}/{slug}/endpoints`, decoded. Raises `InputError` when it is something else."""
    data = document.get("data") if isinstance(document, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(data.get("endpoints"), list) or not _text(data.get("id")):
        expected = "the answer of GET /models/{author}/{slug}/endpoints: an object with data.id and data.endpoints"
        raise InputError(f"{place}: expected {expected}")
    model = str(data["id"])
    variants: list[dict[str, Any]] = []
    seen: set[str] = set()
    skipped, observed = [], {}
    for number, endpoint in enumerate(data["endpoints"]):
        tag = _text(endpoint.get("tag")) if isinstance(endpoint, Mapping) else None
        where = f"{model} {tag or f'endpoint {number + 1}'}"
        if tag is None:
            skipped.append(f"{where}: no tag, so nobody could be held to it")
            continue
        if tag in seen:
            skipped.append(f"{where}: a second endpoint of this tag: the two cannot be told apart")
            continue
        try:
            variant = _variant(model, tag, endpoint)
        except InputError as reason:
            skipped.append(f"{where}: {reason}")
            continue
        seen.add(tag)
        variants.append(variant)
        observed[variant["id"]] = _observed(endpoint)
    return Imported(model, _text(data.get("name")) or "", tuple(variants), tuple(skipped), observed)


def catalogue(imported: Sequence[Imported]) -> str:
    """The YAML of a catalogue. Raises `InputError` when nothing can be asked."""
    models = [
        {"id": each.model, "name": each.name, "variants": list(each.variants)} for each in imported if each.variants
    ]
    if not models:
        raise InputError("no endpoint that could be asked; nothing to import")
    provider = {"id": PROVIDER, "protocol": "openrouter", "api_key_env": KEY_VARIABLE}
    content = {"version": 1, "providers": [provider], "models": models}
    CatalogFile.model_validate(content)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
    for each in imported:
        for name, remark in each.observed.items():
            line = f"  - id: {name}\n"
            text = text.replace(line, f"{line.rstrip()}  # {remark}\n", 1) if remark else text
    return _HEAD + text


def provider_object(decision: Decision) -> dict[str, object]:
    """What a request's `provider` field must say so that only those are asked who may be, in the router's order.

    Raises `InputError` when none of them is at OpenRouter: then the call belongs to the baseline, wherever that is.
    """
    allowed = [option for option in decision.order if option.endpoint.provider.protocol == "openrouter"]
    if not allowed:
        baseline = decision.route.baseline.id
        raise InputError(
            f"nobody at OpenRouter may take {decision.route.operation!r} now: send it to the baseline, {baseline}"
        )
    tags = [str(option.endpoint.variant.tag) for option in allowed]
    found: dict[str, object] = {"order": tags, "only": tags, "allow_fallbacks": False}
    # a tag without a slash stands for all endpoints of its host: those that may not be asked are named
    others = {option.endpoint.variant.tag for option in decision.route.everybody} - set(tags)
    siblings = sorted(other for other in others if other and any(other.startswith(f"{tag}/") for tag in tags))
    if siblings:
        found["ignore"] = siblings
    labels = {option.endpoint.quantization.label for option in allowed}
    if "undisclosed" not in labels:
        found["quantizations"] = sorted(labels)
    return found


def _variant(model: str, tag: str, endpoint: Mapping[str, Any]) -> dict[str, Any]:
    label = _text(endpoint.get("quantization"))
    pricing = endpoint.get("pricing")
    if not isinstance(pricing, Mapping):
        raise InputError("no pricing")
    if _dollars(pricing.get("request") or "0", "request"):
        raise InputError("it has a price per request, which a catalogue cannot hold")
    supported = endpoint.get("supported_parameters")
    supported = supported if isinstance(supported, list) else []
    capabilities: dict[str, Any] = {"tools": "tools" in supported, "json_schema": "structured_outputs" in supported}
    limits = {"context": endpoint.get("context_length"), "max_output": endpoint.get("max_completion_tokens")}
    capabilities |= {name: value for name, value in limits.items() if isinstance(value, int) and value > 0}
    return {
        "id": f"{model.rpartition('/')[2]}@{tag}",
        "provider": PROVIDER,
        "path": "openrouter",
        "tag": tag,
        "quantization": "undisclosed" if label in (None, "unknown") else label,
        "price": {side: _per_million(pricing, name) for side, name in (("input", "prompt"), ("output", "completion"))},
        "capabilities": capabilities,
    }


def _per_million(pricing: Mapping[str, Any], name: str) -> float:
    """USD per 1M tokens, from a text in USD per token; rounded up, for nobody must look cheaper than it is."""
    price = _dollars(pricing.get(name), name) * 1_000_000
    return float(price.quantize(_PLACES, rounding=ROUND_UP))


def _dollars(value: object, name: str) -> Decimal:
    try:
        price = Decimal(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except InvalidOperation:
        price = None
    if price is None or not price.is_finite() or not 0 <= price <= Decimal("0.1"):
        raise InputError(f"pricing.{name}: expected USD per token, from 0 to 0.1, got {str(value)[:40]!r}")
    return price


def percentiles(value: object) -> dict[str, float]:
    """`{"p50": …}` from an object, a bare number (which is taken for the median) or null; p95 is never among them."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = {"p50": value}
    if not isinstance(value, Mapping):
        return {}
    numbers = {str(name): each for name, each in value.items() if isinstance(each, int | float)}
    return {name: float(each) for name, each in numbers.items() if not isinstance(each, bool) and 0 <= each < 1e12}


def _observed(endpoint: Mapping[str, Any]) -> str:
    """What OpenRouter saw in the last 30 minutes, as a remark for people; no router relies on it."""
    latency, speed = (percentiles(endpoint.get(f"{name}_last_30m")).get("p50") for name in ("latency", "throughput"))
    uptime = percentiles(endpoint.get("uptime_last_30m")).get("p50")
    parts = [
        f"first token {latency:.0f} ms" if latency is not None else "",
        f"{speed:.0f} tokens/s" if speed is not None else "",
        f"up {uptime:.1f} %" if uptime is not None else "",
    ]
    return ", ".join(filter(None, parts))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
