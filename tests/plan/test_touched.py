"""Which suites a change touches: too many is work, too few is a green that nobody looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from evalgate.catalog import load_catalog
from evalgate.plan.touched import touched
from evalgate.suite import load_suites
from tests.conftest import SUITE, variant, written


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two suites of two models, each with a file of cases."""
    monkeypatch.chdir(tmp_path)
    suites = tmp_path / "suites"
    suites.mkdir()
    for name, model in (("one", "toy"), ("two", "other")):
        cases = [{"id": f"c{n}", "input": f"see {name}-{n}.png", "target": str(n)} for n in range(3)]
        (suites / f"{name}.jsonl").write_text("\n".join(map(json.dumps, cases)))
        content = {"operation": name, "model": model, "baseline": f"{model}-full", "cases": f"{name}.jsonl"}
        written(suites, f"{name}.yaml", SUITE | content)
    (tmp_path / "catalog.yaml").write_text(json.dumps(catalogue()))
    return tmp_path


def catalogue(**prices: float) -> dict[str, object]:
    """A model each, with a provider each; prices of the second variant by model."""
    models = [
        {
            "id": model,
            "variants": [
                variant(f"{model}-full", provider=f"p-{model}"),
                variant(f"{model}-b", provider=f"p-{model}", price={"input": prices.get(model, 1), "output": 2}),
            ],
        }
        for model in ("toy", "other")
    ]
    providers = [{"id": f"p-{model}", "base_url": "http://127.0.0.1:9/v1"} for model in ("toy", "other")]
    return {"version": 1, "providers": providers, "models": models}


def found(folder: Path, *changed: str, then: Mapping[str, bytes] | None = None) -> list[str]:
    catalog = load_catalog(Path("catalog.yaml"))
    suites = load_suites([Path("suites")])
    files = {(folder / name).resolve() for name in changed}
    before = {(folder / name).resolve(): data for name, data in (then or {}).items()}
    return [suite.operation for suite in touched(suites, catalog, files, before.get)]


@pytest.mark.parametrize("name", ["suites/one.yaml", "suites/one.jsonl", "suites/one-2.png", "pictures/one-0.png"])
def test_its_file_its_cases_and_what_those_name(folder: Path, name: str) -> None:
    assert found(folder, name) == ["one"]


@pytest.mark.parametrize("name", ["README.md", "suites/three.yaml", "suites/one.txt", "src/main.py"])
def test_anything_else_touches_nobody(folder: Path, name: str) -> None:
    assert found(folder, name) == []


@pytest.mark.parametrize("text", ["file://prompts/ask.md", "prompts/ask.md", "../suites/prompts/ask.md", "prompts"])
def test_a_file_that_a_text_of_the_suite_names_also_when_it_was_deleted(folder: Path, text: str) -> None:
    path = folder / "suites" / "one.yaml"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"description": text}))
    assert found(folder, "suites/prompts/ask.md") == ["one"]


def test_a_file_that_is_named_by_one_that_is_named(folder: Path) -> None:
    path = folder / "suites" / "two.yaml"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"tags": ["parts/base.yaml"]}))
    (folder / "suites" / "parts").mkdir()
    (folder / "suites" / "parts" / "base.yaml").write_text("prompt: file://deep.md\n")
    assert found(folder, "suites/parts/deep.md") == ["two"]


def test_files_that_name_each_other_come_to_an_end(folder: Path) -> None:
    path = folder / "suites" / "one.yaml"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"tags": ["a.yml", "one.yaml", ".", ".."]}))
    (folder / "suites" / "a.yml").write_text("x: one.yaml\ny: a.yml\n")
    assert found(folder, "README.md") == []


def test_a_catalogue_touches_those_whose_entries_changed(folder: Path) -> None:
    then = {"catalog.yaml": json.dumps(catalogue(other=0.5)).encode()}
    assert found(folder, "catalog.yaml", then=then) == ["two"]
    same = {"catalog.yaml": json.dumps(catalogue(), indent=1).encode()}
    assert found(folder, "catalog.yaml", then=same) == []


@pytest.mark.parametrize("then", [None, b"", b"\xff", b"models: [", b"models: 3\nproviders: []"])
def test_a_catalogue_that_was_not_there_or_not_readable_touches_everybody(folder: Path, then: bytes | None) -> None:
    assert found(folder, "catalog.yaml", then={} if then is None else {"catalog.yaml": then}) == ["one", "two"]
