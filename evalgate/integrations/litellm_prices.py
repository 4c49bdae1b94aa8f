"""LiteLLM's price list (`model_prices_and_context_window.json`), as an offer to a catalogue.

It has thousands of models, so only those are offered that the catalogue has already, and those that are asked for by
name. Prices are numbers in USD per token; `max_tokens` is the longest answer where `max_output_tokens` is missing, and
sometimes the context, so it is not relied on. Nothing is said of precision.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from evalgate.catalog.load import one_spelling
from evalgate.catalog.models import PUBLIC_URLS
from evalgate.catalog.offer import Offer
from evalgate.errors import InputError
from evalgate.formats.documents import did_you_mean
from evalgate.integrations.per_token import dollars, per_million

SOURCE = "litellm"
_MODES = ("chat", "completion", "responses")

# by its name there: the public address of a provider that speaks one of our protocols, and LiteLLM's key variable
_KNOWN = {
    "openai": ("openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    "anthropic": ("anthropic", PUBLIC_URLS["anthropic"], "ANTHROPIC_API_KEY"),
    "deepinfra": ("openai", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
    "deepseek": ("openai", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "fireworks_ai": ("openai", "https://api.fireworks.ai/inference/v1", "FIREWORKS_AI_API_KEY"),
    "groq": ("openai", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "mistral": ("openai", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "together_ai": ("openai", "https://api.together.xyz/v1", "TOGETHERAI_API_KEY"),
    "xai": ("openai", "https://api.x.ai/v1", "XAI_API_KEY"),
}


@dataclass(frozen=True, slots=True)
class _Listed:
    """An entry of the list: `name` is what the provider calls the model."""

    key: str
    provider: str
    name: str
    content: Mapping[str, Any]


def read_prices(
    document: object, place: str, as_of: date, catalogue: Mapping[str, Any], wanted: Sequence[str] = ()
) -> Offer:
    """The offer for what `catalogue` (plain data) has, and for the keys in `wanted`, each as `KEY` or `KEY=MODEL`.

    Raises `InputError` for another document, and for a key that it does not have.
    """
    if not isinstance(document, Mapping) or not any(_is_priced(each) for each in document.values()):
        expected = "LiteLLM's model_prices_and_context_window.json: an object of models with input_cost_per_token"
        raise InputError(f"{place}: expected {expected}")
    listed = {each.key: each for each in _listed(document)}
    providers: dict[str, dict[str, Any]] = {}
    models: dict[str, list[dict[str, Any]]] = {}
    skipped: list[str] = []
    for each, model, variant in _held(listed.values(), catalogue):
        _take(models, skipped, model, each, variant, as_of)
    for text in wanted:
        key, _, model = text.partition("=")
        if key not in listed:
            raise InputError(f"{place}: no chat model {key!r} with a price{did_you_mean(key, set(listed))}")
        each = listed[key]
        provider = _provider(each.provider, catalogue)
        providers[provider["id"]] = provider
        new = {"id": f"{each.name.rpartition('/')[2]}@{provider['id']}", "provider": provider["id"]}
        new |= {"served_as": each.name, "quantization": "undisclosed"}
        _take(models, skipped, model or each.name, each, new, as_of)
    offered = tuple({"id": model, "variants": variants} for model, variants in models.items() if variants)
    return Offer(SOURCE, as_of, tuple(providers.values()), offered, tuple(skipped), whole=False)


def _is_priced(content: object) -> bool:
    return isinstance(content, Mapping) and "input_cost_per_token" in content and "litellm_provider" in content


def _listed(document: Mapping[str, Any]) -> Iterator[_Listed]:
    for key, content in document.items():
        if key == "sample_spec" or not _is_priced(content) or content.get("mode") not in _MODES:
            continue
        provider = str(content["litellm_provider"])
        yield _Listed(str(key), provider, str(key).removeprefix(f"{provider}/"), content)


def _held(listed: Iterable[_Listed], catalogue: Mapping[str, Any]) -> Iterator[tuple[_Listed, str, dict[str, Any]]]:
    """Each variant of the catalogue that the list knows: asked of the same provider by the same name."""
    by_name = {(each.provider, each.name): each for each in listed}
    called: dict[str, list[str]] = {}
    for provider in catalogue["providers"]:
        address = one_spelling(provider.get("base_url") or PUBLIC_URLS.get(provider.get("protocol", "openai")))
        same = [name for name, (_, url, _key) in _KNOWN.items() if url == address]
        called[provider["id"]] = [*same, provider["id"]]
    for model in catalogue["models"]:
        for variant in model["variants"]:
            name = variant.get("served_as") or model["id"]
            for provider in called.get(variant["provider"], ()):
                if each := by_name.get((provider, name)):
                    keys = ("id", "provider", "served_as", "tag")
                    yield each, model["id"], {key: variant[key] for key in keys if key in variant}
                    break


def _provider(name: str, catalogue: Mapping[str, Any]) -> dict[str, Any]:
    for provider in catalogue["providers"]:
        if provider["id"] == name:
            return dict(provider)
    if name not in _KNOWN:
        raise InputError(
            f"LiteLLM's provider {name!r} has no address that is known here; add it to `providers:` as {name}"
        )
    protocol, url, variable = _KNOWN[name]
    return {"id": name, "protocol": protocol, "base_url": url, "api_key_env": variable}


def _take(
    models: dict[str, list[dict[str, Any]]],
    skipped: list[str],
    model: str,
    each: _Listed,
    variant: dict[str, Any],
    as_of: date,
) -> None:
    try:
        models.setdefault(model, []).append({**variant, **_facts(each.content, as_of)})
    except InputError as reason:
        skipped.append(f"{each.key}: {reason}")


def _facts(content: Mapping[str, Any], as_of: date) -> dict[str, Any]:
    price = {side: _per_million(content, f"{side}_cost_per_token") for side in ("input", "output")}
    capabilities: dict[str, Any] = {
        "tools": content.get("supports_function_calling") is True,
        "json_schema": content.get("supports_response_schema") is True,
    }
    for name, key in (("context", "max_input_tokens"), ("max_output", "max_output_tokens")):
        value = content.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63:
            capabilities[name] = value
    found: dict[str, Any] = {"price": {**price, "as_of": as_of.isoformat()}, "capabilities": capabilities}
    if content.get("mode") == "completion":
        capabilities["chat"] = False
    if (discount := _batch_discount(content)) is not None:
        found["batch_discount"] = discount
    return found


def _per_million(content: Mapping[str, Any], name: str) -> float:
    longer = [
        (key, value) for key, value in content.items() if re.fullmatch(rf"{name}_above_\d+k?_tokens", key) and value
    ]
    return per_million([(name, content.get(name)), *longer])


def _batch_discount(content: Mapping[str, Any]) -> float | None:
    """What a batch takes off both prices; None where it has no batch price, or one that is not a discount on both."""
    shares = []
    for side in ("input", "output"):
        full, batch = (content.get(f"{side}_cost_per_token{suffix}") for suffix in ("", "_batches"))
        if not full or not batch or content["litellm_provider"] not in ("openai", "anthropic"):
            return None
        shares.append(1 - dollars(batch, "batch") / dollars(full, "full"))
    discount = round(float(min(shares)), 4)
    return discount if 0 < discount < 1 else None
