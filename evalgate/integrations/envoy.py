"""Envoy AI Gateway: the signal as `AIGatewayRoute` resources.

Who may not be used keeps its place with weight 0, so that a diff shows what changed; who may has weight 1, the cheapest
with priority 0, the others after it, the baseline last. Calls that name no operation, another tier, or an operation
that the signal does not know match the model alone, and go to the baseline.

A resource does not expire by itself, as an entry of the signal does: it must be made anew when the signal changes, and
at the latest at the time that its annotation names.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import yaml

from evalgate.errors import InputError
from evalgate.router import Decision, Option

API_VERSION, KIND = "aigateway.envoyproxy.io/v1beta1", "AIGatewayRoute"
MOST_RULES = 15  # of one resource
MOST_MATCHES = 128  # of one rule; the same for its backends
MOST_HEADERS_VALUE = 4096
_MODEL, _OPERATION, _TIER = "x-ai-eg-model", "x-evalgate-operation", "x-evalgate-tier"
_OTHER_TIERS = ("realtime", "batch")


def routes(decisions: Sequence[Decision], *, gateway: str, name: str, namespace: str) -> list[dict[str, Any]]:
    """The resources for the decisions about each operation of a signal (tier standard). Raises `InputError`."""
    rules = [*(_green_rule(each) for each in decisions), *_baseline_rules(decisions)]
    until = [option.eligible_until for each in decisions for option in each.order if option is not each.route.baseline]
    annotations = {"evalgate/signal-seq": str(max((each.seq or 0 for each in decisions), default=0))}
    if until:
        annotations["evalgate/valid-until"] = datetime.fromtimestamp(min(until), UTC).isoformat()
    made = []
    for number, part in enumerate(_parts(rules, MOST_RULES), 1):
        metadata = {"name": f"{name}-{number}", "namespace": namespace, "annotations": annotations}
        reference = {"name": gateway, "kind": "Gateway", "group": "gateway.networking.k8s.io"}
        spec = {"parentRefs": [reference], "rules": part}
        made.append({"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec})
    return made


def as_yaml(resources: Iterable[Mapping[str, Any]]) -> str:
    """The resources as one stream of YAML documents."""
    return yaml.safe_dump_all(resources, sort_keys=False, explicit_start=True, width=120)


def require_valid(resources: Iterable[Mapping[str, Any]], crd: object, place: str) -> None:
    """Raise `InputError` when a resource is not as the cluster's own definition (a CRD, decoded) has it."""
    from jsonschema import Draft202012Validator

    schema = _schema_of(crd, place)
    for resource in resources:
        for failure in Draft202012Validator(schema).iter_errors(resource):
            where = ".".join(str(part) for part in failure.absolute_path)
            raise InputError(f"{place}: {resource['metadata']['name']} {where}: {failure.message[:300]}")


def backend_name(option: Option) -> str:
    """The `AIServiceBackend` that stands for a variant: its id as Kubernetes can say it.

    Two ids must not become one name, so what had to be changed gets a part of its hash.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", option.id.lower()).strip("-")[:50]
    return plain if plain == option.id else f"{plain}-{hashlib.sha256(option.id.encode()).hexdigest()[:6]}"


def _green_rule(decision: Decision) -> dict[str, Any]:
    route = decision.route
    places = {option.id: number for number, option in enumerate(decision.order)}
    everybody = sorted(route.everybody, key=lambda option: (places.get(option.id, len(places)), option.id))
    if len(everybody) > MOST_MATCHES:
        raise InputError(f"{route.model}: {len(everybody)} variants; one rule of Envoy's takes {MOST_MATCHES}")
    headers = [(_MODEL, route.model), (_OPERATION, str(route.operation))]
    return {
        "matches": [_match(headers)],
        "backendRefs": [_backend(option, places.get(option.id)) for option in everybody],
    }


def _baseline_rules(decisions: Sequence[Decision]) -> Iterator[dict[str, Any]]:
    """For each model: whatever no green rule takes. A match of more headers goes before one of fewer."""
    baselines: dict[str, Option] = {}
    headers: dict[str, list[list[tuple[str, str]]]] = {}
    for decision in decisions:
        route = decision.route
        known = baselines.setdefault(route.model, route.baseline)
        wanted = headers.setdefault(route.model, [[(_MODEL, route.model)]])
        if known.id != route.baseline.id:
            one, other = known.id, route.baseline.id
            raise InputError(f"{route.model}: two baselines, {one!r} and {other!r}: who takes what names no operation?")
        for tier in _OTHER_TIERS:
            wanted.append([(_MODEL, route.model), (_OPERATION, str(route.operation)), (_TIER, tier)])
    for model, baseline in baselines.items():
        for part in _parts(headers[model], MOST_MATCHES):
            yield {"matches": [_match(each) for each in part], "backendRefs": [_backend(baseline, 0)]}


def _backend(option: Option, place: int | None) -> dict[str, Any]:
    """`place` None: not eligible."""
    return {
        "name": backend_name(option),
        "modelNameOverride": option.endpoint.served_as,
        "weight": 0 if place is None else 1,
        "priority": place or 0,
    }


def _match(headers: Sequence[tuple[str, str]]) -> dict[str, Any]:
    for name, value in headers:
        if not 0 < len(value) <= MOST_HEADERS_VALUE:
            raise InputError(f"{name}: {len(value)} characters; Envoy's match takes 1 to {MOST_HEADERS_VALUE}")
    return {"headers": [{"type": "Exact", "name": name, "value": value} for name, value in headers]}


def _schema_of(crd: object, place: str) -> dict[str, Any]:
    try:
        versions = crd["spec"]["versions"]  # type: ignore[index]  # whatever is wrong with it is said below
        found = {each["name"]: each["schema"]["openAPIV3Schema"] for each in versions}
        closed: dict[str, Any] = _closed(found[API_VERSION.rpartition("/")[2]])
    except (KeyError, TypeError, IndexError):
        raise InputError(f"{place}: not a CustomResourceDefinition of {KIND} with {API_VERSION}") from None
    return closed


def _closed(schema: Any) -> Any:
    """The schema with unknown keys refused, as a server with strict field validation does."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _closed(each) for name, each in schema.items()}
    properties = made.get("properties")
    if isinstance(properties, dict) and properties and "additionalProperties" not in made:
        made["additionalProperties"] = False
    return made


def _parts(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    remaining = iter(items)
    while part := list(islice(remaining, size)):
        yield part
