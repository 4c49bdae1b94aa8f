"""OpenRouter's list of a model's endpoints, as an offer to a catalogue.

Traps of that list: prices are texts in USD per *token*, and may have overrides for some hours or long prompts;
percentiles may be an object, a bare number or null, latency is in ms, and never is there a p95; `quantization` may be
null; one host serves two precisions that only `tag` tells apart; figures may stand in `perf_last_30m_by_workload`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from evalgate.catalog import CatalogFile
from evalgate.catalog.offer import Offer
from evalgate.errors import InputError
from evalgate.integrations.per_token import dollars, per_million

SOURCE = "openrouter"
PROVIDER = {"id": "openrouter", "protocol": "openrouter", "api_key_env": "OPENROUTER_API_KEY"}
WORKLOAD = "text_generation"
_SOONEST_MS = 5  # to a first token over a network; figures below are seconds, as old examples have them
_CHOICES = ("auto", "none", "required", "function")


def read_endpoints(document: object, place: str, at: datetime) -> Offer:
    """The answer of `GET /models/{author}/{slug}/endpoints`, decoded; `at`: when it was given.

    Endpoints that a catalogue cannot hold are left out, with the reason. Raises `InputError` for another document.
    """
    data = document.get("data") if isinstance(document, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(data.get("endpoints"), list) or not _text(data.get("id")):
        expected = "the answer of GET /models/{author}/{slug}/endpoints: an object with data.id and data.endpoints"
        raise InputError(f"{place}: expected {expected}")
    model = str(data["id"])
    variants: list[dict[str, Any]] = []
    seen: set[str] = set()
    skipped = []
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
            variant = _variant(model, tag, endpoint, at)
            _require_valid(model, variant)
        except InputError as reason:
            skipped.append(f"{where}: {reason}")
            continue
        seen.add(tag)
        variants.append(variant)
    models = ({**_about(model, data, variants, at), "variants": variants},) if variants else ()
    return Offer(SOURCE, at.date(), (PROVIDER,), models, tuple(skipped))


def _require_valid(model: str, variant: Mapping[str, Any]) -> None:
    """What else is odd about an endpoint (an id of a thousand letters, a precision in words) costs only that one."""
    try:
        CatalogFile.model_validate({"providers": [PROVIDER], "models": [{"id": model, "variants": [variant]}]})
    except ValidationError as failure:
        first = failure.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"][4:]) or ".".join(str(part) for part in first["loc"])
        raise InputError(f"a catalogue cannot hold its {place}: {first['msg']}") from None


def _about(model: str, data: Mapping[str, Any], variants: list[dict[str, Any]], at: datetime) -> dict[str, Any]:
    found: dict[str, Any] = {"id": model}
    if name := _text(data.get("name")):
        found["name"] = name
    if "/" in model:
        found["author"] = model.partition("/")[0]
    architecture = data.get("architecture")
    tokenizer = _text(architecture.get("tokenizer")) if isinstance(architecture, Mapping) else None
    if tokenizer and (family := re.match(r"[a-z]+", tokenizer.lower())) and family[0] not in ("other", "router"):
        found["family"] = family[0]
    created = data.get("created")
    if isinstance(created, int) and not isinstance(created, bool) and 1e9 < created <= at.timestamp():
        found["released"] = datetime.fromtimestamp(created, UTC).date().isoformat()
    if contexts := [each["capabilities"]["context"] for each in variants if "context" in each["capabilities"]]:
        found["context"] = max(contexts)
    counts = [each["observed"]["requests"] for each in variants if "requests" in each.get("observed", {})]
    if counts:
        found["popularity"] = {"requests": sum(counts), "source": SOURCE, "as_of": at.date().isoformat()}
    return found


def _variant(model: str, tag: str, endpoint: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    label = _text(endpoint.get("quantization"))
    pricing = endpoint.get("pricing")
    if not isinstance(pricing, Mapping):
        raise InputError("no pricing")
    for each in _all_prices(pricing):
        if dollars(each.get("request") or "0", "pricing.request"):
            raise InputError("it has a price per request, which a catalogue cannot hold")
    price = {side: _per_million(pricing, name) for side, name in (("input", "prompt"), ("output", "completion"))}
    found: dict[str, Any] = {
        "id": f"{model.rpartition('/')[2]}@{tag}",
        "provider": PROVIDER["id"],
        "path": "openrouter",
        "tag": tag,
        "quantization": "undisclosed" if label in (None, "unknown") else label,
        "price": {**price, "as_of": at.date().isoformat()},
        "capabilities": _capabilities(endpoint),
    }
    if observed := _observed(endpoint):
        found["observed"] = {"source": SOURCE, "at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ"), **observed}
    return found


def _capabilities(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    supported = endpoint.get("supported_parameters")
    supported = supported if isinstance(supported, list) else []
    found: dict[str, Any] = {"tools": "tools" in supported, "json_schema": "structured_outputs" in supported}
    choices = endpoint.get("supports_tool_choice")
    if isinstance(choices, Mapping) and found["tools"]:
        found["tool_choice"] = [each for each in _CHOICES if choices.get(each) is True]
    limits = {"context": endpoint.get("context_length"), "max_output": endpoint.get("max_completion_tokens")}
    return found | {name: value for name, value in limits.items() if _count(value)}


def _all_prices(pricing: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The base price and its overrides, which hold for some hours or above some length of prompt."""
    overrides = pricing.get("overrides") or []
    if not isinstance(overrides, list) or not all(isinstance(each, Mapping) for each in overrides):
        raise InputError("pricing.overrides: expected a list of prices")
    return [pricing, *overrides]


def _per_million(pricing: Mapping[str, Any], name: str) -> float:
    overrides = [each[name] for each in _all_prices(pricing)[1:] if each.get(name) is not None]
    return per_million((f"pricing.{name}", each) for each in (pricing.get(name), *overrides))


def percentiles(value: object) -> dict[str, float]:
    """`{"p50": …}` from an object, a bare number (which is taken for the median) or null; p95 is never among them."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = {"p50": value}
    if not isinstance(value, Mapping):
        return {}
    numbers = {name: value.get(name) for name in ("p50", "p75", "p90", "p99")}
    return {
        name: float(each)
        for name, each in numbers.items()
        if isinstance(each, int | float) and not isinstance(each, bool) and 0 <= each < 1e9
    }


def _observed(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    """What OpenRouter saw of its own traffic; by workload where it says so, for there it says of how many requests."""
    workloads = endpoint.get("perf_last_30m_by_workload")
    chat = workloads.get(WORKLOAD) if isinstance(workloads, Mapping) else None
    chat = chat if isinstance(chat, Mapping) else {}
    latency, speed = (
        percentiles(chat.get(name)) or percentiles(endpoint.get(f"{name}_last_30m"))
        for name in ("latency", "throughput")
    )
    found: dict[str, Any] = {}
    if (requests := chat.get("request_count")) == 0 or _count(requests):
        found["requests"] = requests
    if latency and min(latency.values()) >= _SOONEST_MS:
        found["first_token_ms"] = latency
    if speed:
        found["tokens_per_second"] = speed
    uptime = {span: percentiles(endpoint.get(f"uptime_last_{span}")).get("p50") for span in ("5m", "30m", "1d")}
    if known := {span: share for span, share in uptime.items() if share is not None and share <= 100}:
        found["uptime"] = known
    status = endpoint.get("status")
    if isinstance(status, int) and not isinstance(status, bool):
        found["degraded"] = status != 0
    return found


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
