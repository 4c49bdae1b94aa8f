"""The manifests are what Kubernetes takes, and what they run is what evalgate takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from evalgate.formats.documents import read_yaml
from evalgate.gateway.settings import GatewaySettings
from tests.deploy.commands import require_known_options

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
RESOURCES = [
    pytest.param(resource, id=f"{path.stem}-{resource['kind']}-{resource['metadata']['name']}")
    for path in sorted(FOLDER.glob("*.yaml"))
    for resource in yaml.safe_load_all(path.read_text())
]


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("version", ["1.30", "1.35"])
def test_a_manifest_is_valid(resource: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(resource, version, strict=True)


def test_an_unknown_key_would_be_found() -> None:
    resource = yaml.safe_load(next(iter((FOLDER / "gateway.yaml").read_text().split("---"))))
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**resource, "dada": {}}, "1.30", strict=True)


def test_the_gateway_s_settings_are_valid(tmp_path: Path) -> None:
    resource = yaml.safe_load(next(iter((FOLDER / "gateway.yaml").read_text().split("---"))))
    (tmp_path / "gateway.yaml").write_text(resource["data"]["gateway.yaml"])
    settings = read_yaml(tmp_path / "gateway.yaml").validate(GatewaySettings)
    assert settings.keys == "required"


def commands(node: object) -> list[list[str]]:
    if isinstance(node, dict):
        own = [node["args"]] if isinstance(node.get("args"), list) else []
        return own + [each for value in node.values() for each in commands(value)]
    return [each for value in node for each in commands(value)] if isinstance(node, list) else []


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_command_has_the_options_that_it_is_given(resource: dict[str, Any]) -> None:
    for line in commands(resource):
        require_known_options(line)
