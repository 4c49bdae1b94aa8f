"""YAML and JSON of the pages, held against what reads such files: who copies them copies their mistakes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pandas as pd
import pytest
import yaml

from evalgate.catalog import load_catalog
from evalgate.formats.documents import read_yaml
from evalgate.gateway.settings import GatewaySettings
from evalgate.graders import bind
from evalgate.intelligence import load_collection
from evalgate.suite import load_suite
from tests.docs.pages import BLOCKS, READ, ROOT, Block

SCHEMAS = {path.name.split(".")[0]: json.loads(path.read_text()) for path in (ROOT / "schemas").glob("*.json")}
SUITE: dict[str, Any] = {
    "operation": "classify_ticket",
    "model": "m",
    "baseline": "full",
    "prompt": "{{ input }}",
    "gate": {"margin": 0.05},
}
CASE: dict[str, Any] = {"input": "a question", "target": "shipping", "metadata": {"facts": ["a"]}}
PROVIDER = {"id": "acme", "base_url": "https://api.acme.example/v1", "api_key_env": "ACME_KEY"}
VARIANT = {"id": "full", "provider": "acme", "quantization": "bf16", "price": {"input": 1, "output": 2}}
YAML = [block for block in BLOCKS if block.language == "yaml"]
JSON = [block for block in BLOCKS if block.language == "json"]


def _parsed(block: Block) -> Any:
    return yaml.safe_load(block.text.replace("{…}", "{}"))


def _suite(block: Block, folder: Path) -> None:
    """A suite, or the part of one, with what the rest of it would be; an editor takes it, and so does `plan`."""
    said = _parsed(block)
    if isinstance(said, list):
        said = {"assert": said}
    suites = folder / "suites"
    suites.mkdir()
    for each in READ[block.page].blocks:
        if "file:" in each.notes:
            (suites / each.notes["file:"]).write_text(each.text)
    _files_beside(folder)
    whole = SUITE | {"assert": [{"type": "exact"}]} | said
    if str(said.get("extends")).endswith("/suite.yaml"):  # a ready-made suite, which is whole
        whole = said
    elif "dataset" not in said:
        whole.setdefault("cases", [CASE])
    if any(one["type"] == "json_match" for one in whole.get("assert", ())):
        whole["cases"] = [CASE | {"target": {"due": "2024-01-31", "lines": [{"price": 1.5}], "tags": ["x"]}}]
    jsonschema.validate(whole, SCHEMAS["suite"])
    (suites / "suite.yaml").write_text(yaml.safe_dump(whole, allow_unicode=True))
    bind(load_suite(suites / "suite.yaml"))


def _files_beside(folder: Path) -> None:
    """What suites of the pages name: cases, a base, a prompt, tickets with pictures."""
    (folder / "suites" / "tickets.jsonl").write_text(json.dumps(CASE | {"id": "t1"}))
    (folder / "base.yaml").write_text(yaml.safe_dump({key: SUITE[key] for key in ("model", "baseline", "gate")}))
    shutil.copytree(ROOT / "suites/translation", folder / "suites/translation")
    (folder / "suites" / "system.md").write_text("One word.\n")
    (folder / "suites" / "shot.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    kinds = [(queue, lang) for queue in ("billing", "other") for lang in ("de", "en")] * 2
    rows = [(f"t{n}", f"ticket {n}", "shot.png", *kind) for n, kind in enumerate(kinds)]
    table = pd.DataFrame(rows, columns=["ticket", "text", "screenshot", "queue", "lang"])
    table.to_parquet(folder / "suites" / "tickets.parquet")


def _catalog(block: Block, folder: Path) -> None:
    """A catalogue, its providers alone, or the figures of one variant."""
    said = _parsed(block)
    if "observed" in said:
        said = {"models": [{"id": "m", "variants": [VARIANT | said]}]}
    rest = {"version": 1, "providers": [PROVIDER], "models": [{"id": "m", "variants": [VARIANT]}]}
    (folder / "catalog.yaml").write_text(yaml.safe_dump(rest | said))
    jsonschema.validate(json.loads(json.dumps(rest | said, default=str)), SCHEMAS["catalog"])
    load_catalog(folder / "catalog.yaml")


def _gateway(block: Block, folder: Path) -> None:
    jsonschema.validate(_parsed(block), SCHEMAS["gateway"])
    (folder / "gateway.yaml").write_text(block.text)
    read_yaml(folder / "gateway.yaml").validate(GatewaySettings)


def _intelligence(block: Block, folder: Path) -> None:
    jsonschema.validate(_parsed(block), SCHEMAS["intelligence"])
    (folder / "intelligence.yaml").write_text(block.text)
    load_collection([folder / "intelligence.yaml"])


def _vendored(name: str, *more: str) -> Callable[[Block, Path], None]:
    def hold(block: Block, folder: Path) -> None:
        (folder / "file.yml").write_text(block.text)
        command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{name}", *more, "file.yml"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr

    return hold


def _kubernetes(block: Block, folder: Path) -> None:
    kubernetes_validate.validate(_parsed(block), "1.30", strict=True)


def _litellm(block: Block, folder: Path) -> None:
    """LiteLLM knows no schema of its file; what the callback reads of it is there."""
    marked = [each["model_info"] for each in _parsed(block)["model_list"]]
    assert all("evalgate_variant" in each for each in marked)
    assert any(each.get("evalgate_baseline") for each in marked)


KINDS: dict[str, Callable[[Block, Path], None]] = {  # by a key that only this kind of file has
    "jobs": _vendored("github-workflows"),
    "apiVersion": _kubernetes,
    "evalgate": _vendored("gitlab-ci", "--data-transform", "gitlab-ci"),
    "model_list": _litellm,
    "reports": _intelligence,
    "providers": _catalog,
    "observed": _catalog,
    "catalog": _gateway,
    "capture": _gateway,
    "assert": _suite,
    "gate": _suite,
    "extends": _suite,
}


@pytest.mark.parametrize("block", YAML, ids=lambda block: block.place)
def test_a_file_is_what_it_is_read_as(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALGATE_ALLOW_PYTHON", "1")
    said = _parsed(block)
    kind = next((kind for kind in KINDS if kind in said), None) if isinstance(said, dict) else "assert"
    assert kind is not None, f"{block.place}: what reads this? add its kind"
    KINDS[kind](block, tmp_path)


@pytest.mark.parametrize("block", JSON, ids=lambda block: block.place)
def test_json_is_json(block: Block) -> None:
    said = json.loads(block.text)
    if "payloadType" in said:
        assert set(said) == {"payloadType", "payload", "signatures"}
