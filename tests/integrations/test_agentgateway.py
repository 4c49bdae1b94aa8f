"""The signal as agentgateway's configuration.

`SCHEMA` is what its schema says of the fields that are used, in our words; with EVALGATE_AGENTGATEWAY_SCHEMA the
project's own (`schema/config.json`) is used instead.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from evalgate.cli import command
from evalgate.errors import InputError
from evalgate.integrations.agentgateway import configuration, require_valid
from tests.integrations.signals import decide, openrouter_catalog, signal, world


def _closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


_TEXT = {"type": "string"}
_MODEL = _closed(
    ["name", "provider"],
    name=_TEXT,
    visibility={"enum": ["public", "internal"]},
    provider={"enum": ["openAI", "anthropic"]},
    params=_closed([], model=_TEXT, baseUrl=_TEXT, apiKey=_TEXT),
    overrides={"type": "object"},
)
_CONDITIONAL = _closed(["targets"], targets={"type": "array", "items": _closed(["model"], when=_TEXT, model=_TEXT)})
_VIRTUAL = _closed(["name", "routing"], name=_TEXT, routing=_closed(["conditional"], conditional=_CONDITIONAL))
_LLM = _closed(
    ["models"],
    port={"type": "integer"},
    models={"type": "array", "items": _MODEL},
    virtualModels={"type": "array", "items": _VIRTUAL},
)
SCHEMA = _closed([], llm=_LLM)


def schema() -> Any:
    path = os.environ.get("EVALGATE_AGENTGATEWAY_SCHEMA")
    return json.loads(Path(path).read_text()) if path else SCHEMA


def emitted(folder: Path, **states: Any) -> dict[str, Any]:
    place = world(folder)
    return configuration(decide(signal(place, **states), place.catalog()))


def targets(llm: dict[str, Any]) -> list[dict[str, str]]:
    (virtual,) = llm["virtualModels"]
    assert virtual["name"] == "conformance/model"
    return list(virtual["routing"]["conditional"]["targets"])


def test_the_green_one_has_a_condition_and_the_baseline_stands_behind_it_without_one(tmp_path: Path) -> None:
    first, last = targets(emitted(tmp_path, sort={"cheap": "green", "cheapest": "red"}))
    assert first["model"] == "evalgate/cheap"
    assert last == {"model": "evalgate/baseline"}


def test_who_is_not_eligible_is_not_even_named(tmp_path: Path) -> None:
    llm = emitted(tmp_path, sort={"cheap": "green", "cheapest": "red"})
    assert "cheapest" not in json.dumps(llm)


def test_a_condition_names_the_operation_the_tier_and_the_end_of_the_proof(tmp_path: Path) -> None:
    first, _ = targets(emitted(tmp_path, sort={"cheap": "green"}))
    assert 'default(request.headers["x-evalgate-operation"], "sort") == "sort"' in first["when"]
    assert 'default(request.headers["x-evalgate-tier"], "standard") == "standard"' in first["when"]
    assert "timestamp(request.startTime) < timestamp(" in first["when"]


def test_an_operation_s_name_cannot_end_the_condition_s_string(tmp_path: Path) -> None:
    first, _ = targets(emitted(tmp_path, **{'a" || true || "': {"cheap": "green"}}))
    assert '"a\\" || true || \\""' in first["when"]


def test_models_are_for_virtual_models_only_so_that_nobody_asks_for_a_red_one_by_name(tmp_path: Path) -> None:
    llm = emitted(tmp_path, sort={"cheap": "green"})
    assert {model["visibility"] for model in llm["models"]} == {"internal"}


def test_an_endpoint_behind_openrouter_is_pinned_to_its_tag(tmp_path: Path) -> None:
    catalog = openrouter_catalog(tmp_path)
    llm = configuration(decide(signal(world(tmp_path), catalog, sort={"cheap": "green"}), catalog))
    (cheap,) = (model for model in llm["models"] if model["name"] == "evalgate/cheap")
    assert cheap["overrides"] == {"provider": {"only": ["deepinfra/fp8"], "allow_fallbacks": False}}


@pytest.mark.parametrize("operations", [1, 200])
def test_it_is_valid_for_the_schema(tmp_path: Path, operations: int) -> None:
    llm = emitted(tmp_path, **{f"operation_{n}": {"cheap": "green"} for n in range(operations)})
    require_valid(llm, schema(), "config.json")


def test_a_key_that_the_schema_does_not_know_is_found(tmp_path: Path) -> None:
    llm = emitted(tmp_path, sort={"cheap": "green"})
    llm["models"][0]["vizibility"] = "internal"
    with pytest.raises(InputError, match="vizibility"):
        require_valid(llm, schema(), "config.json")


def test_emit_prints_the_configuration_and_checks_it(tmp_path: Path) -> None:
    place = world(tmp_path)
    (tmp_path / "signal.json").write_bytes(signal(place, sort={"cheap": "green"}).encode())
    (tmp_path / "schema.json").write_text(json.dumps(schema()))
    arguments = ["emit", "agentgateway", "--port", "4000", "--signal", str(tmp_path / "signal.json")]
    arguments += ["--catalog", str(place.folder / "catalog.yaml"), "--schema", str(tmp_path / "schema.json")]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert yaml.safe_load(done.stdout)["llm"]["port"] == 4000
