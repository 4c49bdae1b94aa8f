"""The signal as Envoy AI Gateway's routes.

`CRD` is what their definition says of the fields that are used, in our words; with EVALGATE_ENVOY_CRD the project's own
(`aigateway.envoyproxy.io_aigatewayroutes.yaml`) is used instead.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from evalgate.cli import command
from evalgate.errors import InputError
from evalgate.integrations.envoy import MOST_RULES, require_valid, routes
from tests.integrations.signals import decide, signal, world

_NAME = {"type": "string", "minLength": 1}
_HEADER = {
    "type": "object",
    "required": ["name", "value"],
    "properties": {
        "name": {**_NAME, "maxLength": 256, "pattern": "^[A-Za-z0-9!#$%&'*+\\-.^_`|~]+$"},
        "type": {"type": "string", "enum": ["Exact", "RegularExpression"]},
        "value": {**_NAME, "maxLength": 4096},
    },
}
_BACKEND = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": _NAME,
        "modelNameOverride": {"type": "string"},
        "weight": {"type": "integer", "minimum": 0},
        "priority": {"type": "integer", "minimum": 0},
    },
}
_RULE = {
    "type": "object",
    "properties": {
        "matches": {
            "type": "array",
            "maxItems": 128,
            "items": {
                "type": "object",
                "properties": {"headers": {"type": "array", "maxItems": 16, "items": _HEADER}},
            },
        },
        "backendRefs": {"type": "array", "maxItems": 128, "items": _BACKEND},
    },
}
_SPEC = {
    "type": "object",
    "required": ["rules"],
    "properties": {
        "parentRefs": {
            "type": "array",
            "maxItems": 16,
            "items": {"type": "object", "properties": {"name": _NAME, "kind": _NAME, "group": _NAME}},
        },
        "rules": {"type": "array", "maxItems": 15, "items": _RULE},
    },
}
_ROOT = {
    "type": "object",
    "properties": {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": _SPEC,
    },
}
CRD = {"spec": {"versions": [{"name": "v1beta1", "schema": {"openAPIV3Schema": _ROOT}}]}}


def crd() -> Any:
    path = os.environ.get("EVALGATE_ENVOY_CRD")
    return yaml.safe_load(Path(path).read_text()) if path else CRD


def emitted(folder: Path, **states: Any) -> list[dict[str, Any]]:
    place = world(folder)
    return routes(
        decide(signal(place, **states), place.catalog()), gateway="main", name="evalgate", namespace="default"
    )


def refs(rule: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {each["name"]: (each["weight"], each["priority"]) for each in rule["backendRefs"]}


def headers(match: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in match["headers"]}


def test_red_has_weight_0_green_comes_first_and_the_baseline_stands_behind_it(tmp_path: Path) -> None:
    (resource,) = emitted(tmp_path, sort={"cheap": "green", "cheapest": "red"})
    rule = resource["spec"]["rules"][0]
    assert headers(rule["matches"][0]) == {"x-ai-eg-model": "conformance/model", "x-evalgate-operation": "sort"}
    assert refs(rule) == {"cheap": (1, 0), "baseline": (1, 1), "cheapest": (0, 0)}


def test_with_nothing_green_the_baseline_takes_the_operation(tmp_path: Path) -> None:
    (resource,) = emitted(tmp_path, sort={"cheap": "unknown", "cheapest": "red"})
    assert refs(resource["spec"]["rules"][0]) == {"baseline": (1, 0), "cheap": (0, 0), "cheapest": (0, 0)}


def test_what_names_no_operation_or_another_tier_matches_the_baseline_alone(tmp_path: Path) -> None:
    (resource,) = emitted(tmp_path, sort={"cheap": "green"})
    rule = resource["spec"]["rules"][-1]
    assert refs(rule) == {"baseline": (1, 0)}
    matches = [headers(match) for match in rule["matches"]]
    model = {"x-ai-eg-model": "conformance/model"}
    assert matches[0] == model
    sort = {**model, "x-evalgate-operation": "sort"}
    assert {**sort, "x-evalgate-tier": "realtime"} in matches  # one header more than the green rule: it goes first


def test_the_annotations_say_which_signal_and_until_when(tmp_path: Path) -> None:
    (resource,) = emitted(tmp_path, sort={"cheap": "green"})
    annotations = resource["metadata"]["annotations"]
    assert annotations["evalgate/signal-seq"] == "7"
    assert annotations["evalgate/valid-until"].endswith("+00:00")


@pytest.mark.parametrize("operations", [1, 14, 15, 40, 200])
def test_any_number_of_operations_is_valid_for_the_definition(tmp_path: Path, operations: int) -> None:
    resources = emitted(tmp_path, **{f"operation_{n}": {"cheap": "green"} for n in range(operations)})
    assert all(len(each["spec"]["rules"]) <= MOST_RULES for each in resources)
    require_valid(resources, crd(), "crd.yaml")


def test_a_field_that_the_definition_does_not_know_is_found(tmp_path: Path) -> None:
    (resource,) = emitted(tmp_path, sort={"cheap": "green"})
    resource["spec"]["rules"][0]["backendRefs"][0]["wieght"] = 1
    with pytest.raises(InputError, match="wieght"):
        require_valid([resource], crd(), "crd.yaml")


def test_emit_prints_resources_and_checks_them_against_the_definition(tmp_path: Path) -> None:
    place = world(tmp_path)
    (tmp_path / "signal.json").write_bytes(signal(place, sort={"cheap": "green"}).encode())
    (tmp_path / "crd.yaml").write_text(yaml.safe_dump(crd()))
    arguments = ["emit", "envoy", "--gateway", "main", "--signal", str(tmp_path / "signal.json")]
    arguments += ["--catalog", str(place.folder / "catalog.yaml"), "--crd", str(tmp_path / "crd.yaml")]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    (resource,) = yaml.safe_load_all(done.stdout)
    assert resource["kind"] == "AIGatewayRoute"
