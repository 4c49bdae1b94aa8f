"""agentgateway: the signal as the `llm` part of its configuration.

Clients ask for the model by its name, which is a virtual one. Its conditions are tried in order: each names one
operation, until when its proof is good, and what the variant is able to do; the last one is the baseline. So a proof
runs out by itself, and a condition that cannot be evaluated is one that is not met.

What agentgateway has no words for is left to the baseline: a conditional model has no second choice. When the variant
that a condition chose fails, the caller is told so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import yaml

from evalgate.errors import InputError
from evalgate.providers.openrouter import pin
from evalgate.router import Decision, Option

_OPERATION = 'request.headers["x-evalgate-operation"]', "llmRequest.metadata.operation_id"
_TIER = 'request.headers["x-evalgate-tier"]', "llmRequest.metadata.tier"
_STANDARD = [
    *(f'default({place}, "standard") == "standard"' for place in _TIER),
    '!(default(llmRequest.service_tier, "") in ["realtime", "batch"])',
]
_PROVIDERS = {"openai": "openAI", "openrouter": "openAI", "anthropic": "anthropic"}


def configuration(decisions: Sequence[Decision], *, port: int | None = None) -> dict[str, Any]:
    """What goes under `llm`, for the decisions about each operation of a signal (tier standard).

    `port`: where it listens; None: it is attached to the gateway called `default`. Raises `InputError` for a variant
    whose provider agentgateway cannot be told of.
    """
    models: dict[str, dict[str, Any]] = {}
    virtual: dict[str, list[dict[str, str]]] = {}
    baselines: dict[str, Option] = {}
    for decision in decisions:
        route = decision.route
        known = baselines.setdefault(route.model, route.baseline)
        if known.id != route.baseline.id:
            one, other = known.id, route.baseline.id
            raise InputError(f"{route.model}: two baselines, {one!r} and {other!r}: who takes what names no operation?")
        for option in decision.order:
            models.setdefault(option.id, _model(option))
        greens = [option for option in decision.order if option is not route.baseline]
        targets = virtual.setdefault(route.model, [])
        targets += [
            {"when": " && ".join(_conditions(str(route.operation), each)), "model": _name(each)} for each in greens
        ]
    for model, baseline in baselines.items():
        models.setdefault(baseline.id, _model(baseline))
        virtual[model].append({"model": _name(baseline)})
    routed = [{"name": name, "routing": {"conditional": {"targets": targets}}} for name, targets in virtual.items()]
    return {**({} if port is None else {"port": port}), "models": list(models.values()), "virtualModels": routed}


def as_yaml(llm: Mapping[str, Any], seq: int | None) -> str:
    """The configuration as a file."""
    head = f"# made by `evalgate emit agentgateway` from the signal, seq {seq}: make it anew when that changes\n"
    return head + yaml.safe_dump({"llm": dict(llm)}, sort_keys=False, width=1000)


def require_valid(llm: Mapping[str, Any], schema: object, place: str) -> None:
    """Raise `InputError` when agentgateway's own schema (`schema/config.json`, decoded) refuses the configuration."""
    from jsonschema import Draft202012Validator

    if not isinstance(schema, dict) or "llm" not in schema.get("properties", {}):
        raise InputError(f"{place}: not the schema of agentgateway's configuration: it has no `llm`")
    for failure in Draft202012Validator(schema).iter_errors({"llm": dict(llm)}):
        where = ".".join(str(part) for part in failure.absolute_path)
        raise InputError(f"{place}: {where}: {failure.message[:300]}")


def _name(option: Option) -> str:
    return f"evalgate/{option.id}"


def _model(option: Option) -> dict[str, Any]:
    endpoint = option.endpoint
    provider, kind = endpoint.provider, _PROVIDERS.get(endpoint.provider.protocol)
    if kind is None:
        message = f"{option.id}: agentgateway cannot be told of a provider of protocol {provider.protocol!r}"
        raise InputError(f"{message}; serve it with `evalgate serve`, and name that as a provider of protocol openai")
    params = {"model": endpoint.served_as, "baseUrl": provider.base_url}
    if provider.api_key_env is not None:
        params["apiKey"] = f"${provider.api_key_env}"  # agentgateway puts the variable's value there
    made: dict[str, Any] = {"name": _name(option), "visibility": "internal", "provider": kind, "params": params}
    if provider.protocol == "openrouter":
        made["overrides"] = pin(endpoint)
    return made


def _conditions(operation: str, option: Option) -> Iterator[str]:
    """When a call may go to the variant, in CEL."""
    said = json.dumps(operation)  # a JSON string is a CEL string
    yield f"({' || '.join(f'default({place}, {_EMPTY}) == {said}' for place in _OPERATION)})"
    for place in _OPERATION:  # where header and body name different operations, it is none
        yield f"default({place}, {said}) == {said}"
    yield from _STANDARD
    until = datetime.fromtimestamp(option.eligible_until, UTC)
    yield f'timestamp(request.startTime) < timestamp("{until:%Y-%m-%dT%H:%M:%SZ}")'
    if not option.tools:
        yield "!has(llmRequest.tools) && !has(llmRequest.functions)"
    if not option.json_schema:
        yield 'default(llmRequest.response_format.type, "") != "json_schema"'
    if option.context is not None or option.max_output is not None:
        limit = min(each for each in (option.context, option.max_output) if each is not None)
        asked = "default(llmRequest.max_completion_tokens, default(llmRequest.max_tokens, 0))"
        yield f"{asked} <= {limit}"


_EMPTY = '""'
