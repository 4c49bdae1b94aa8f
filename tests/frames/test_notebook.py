"""`notebooks/drift.ipynb` runs from its first cell to its last, says what is committed, and shows nothing hostile."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "drift.ipynb"
MOST = 500_000  # bytes


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def said(notebook: nbformat.NotebookNode) -> list[str]:
    """All words, whatever the spaces between them, which change from pandas to pandas."""
    return [word for each in outputs(notebook) for word in each.get("text", "").split()]


@pytest.fixture(scope="module")
def committed() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def execute() -> ModuleType:
    spec = importlib.util.spec_from_file_location("execute_notebook", ROOT / "notebooks" / "execute.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_says_what_is_committed(committed: nbformat.NotebookNode, execute: ModuleType, tmp_path: Path) -> None:
    fresh = execute.executed(tmp_path / "demo.db")
    assert not [each for each in outputs(fresh) if each.output_type == "error" or each.get("name") == "stderr"]
    assert said(fresh) == said(committed), "run: make notebook"
    assert [each.output_type for each in outputs(fresh)] == [each.output_type for each in outputs(committed)]


def test_it_is_small_and_shows_only_text_and_pictures(committed: nbformat.NotebookNode) -> None:
    assert NOTEBOOK.stat().st_size <= MOST
    assert len(outputs(committed)) >= 10
    assert {kind for each in outputs(committed) for kind in each.get("data", {})} == {"text/plain", "image/png"}
    assert not re.search(r"/tmp/|/home/|/root/", NOTEBOOK.read_text())


def test_what_models_say_is_shown_without_any_control(committed: nbformat.NotebookNode) -> None:
    cell = next(cell.source for cell in committed.cells if "def shown(" in cell.source)
    names: dict[str, object] = {}
    exec(cell[cell.index("def shown(") : cell.index("\n\n\n")], names)
    shown = names["shown"]
    assert callable(shown)
    for hostile in ("\x1b[2J", "\u202eabc", "a\x00b\r\n", "x" * 10_000, "<script>alert(1)</script>"):
        line = shown(hostile)
        assert re.fullmatch(r"[ -~]{1,140}", line)
    assert all("shown(" in line for line in cell.splitlines() if "print(" in line and "_score" not in line)
