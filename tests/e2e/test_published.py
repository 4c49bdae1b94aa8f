"""What the repository shows is what it does: the README's board, the schemas, the ready-made suites."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import warm

ROOT = Path(__file__).parents[2]


def evalgate(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    return warm.evalgate(*arguments, cwd=ROOT, env=environment)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path_factory.mktemp("demo")
    store, signal = folder / "store.db", folder / "signal.json"
    return evalgate("check", "suites/lab", "-q", "--store", str(store), "--publish", str(signal)), signal


def test_the_results_show_the_board_that_the_demo_prints(
    demo: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    printed = [line.rstrip() for line in demo[0].stdout.splitlines()]
    end = next(index for index, line in enumerate(printed) if line.startswith("worse  "))
    results = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert "\n".join(printed[:end]).rstrip() in results
    red = next(index for index, line in enumerate(printed) if line.startswith("RED  "))
    assert "\n".join(printed[red : printed.index("", red)]) in results


def test_the_readme_shows_the_route_that_follows_from_it(
    demo: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    printed = evalgate("route", "classify_feedback", "--signal", str(demo[1])).stdout.rstrip()
    for name in ("README.md", "docs/results.md"):
        assert printed in (ROOT / name).read_text(encoding="utf-8")


def test_the_readme_is_a_front_page() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_the_demo_routes_each_operation_cheaper_than_the_baseline(
    demo: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    decisions = json.loads(evalgate("route", "--json", "--signal", str(demo[1])).stdout)
    assert len(decisions) == 4
    assert all(decision["saving"] > 0.4 for decision in decisions)


def test_the_readmes_own_suite_and_catalogue_can_be_planned(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "suites").mkdir()
    (tmp_path / "catalog.yaml").write_text(blocks[0])
    (tmp_path / "suites" / "classify_ticket.yaml").write_text(blocks[1])
    rows = (json.dumps({"id": f"t{n}", "input": f"Where is order {n}?", "target": "shipping"}) for n in range(900))
    (tmp_path / "suites" / "tickets.jsonl").write_text("\n".join(rows))
    done = warm.evalgate("plan", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "budget-fp8" in done.stdout


@pytest.mark.parametrize("name", ["suite", "catalog", "signal", "gateway"])
def test_the_schemas_are_those_of_the_code(name: str) -> None:
    assert (ROOT / "schemas" / f"{name}.schema.json").read_text() == evalgate("schema", name).stdout


def test_the_reference_of_graders_is_that_of_the_code() -> None:
    assert (ROOT / "docs" / "graders-reference.md").read_text() == evalgate("graders", "--markdown").stdout


def test_the_ready_made_suites_work_where_they_are_copied_to(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "suites", tmp_path / "suites")
    shutil.copy(ROOT / "catalog.yaml", tmp_path)
    done = warm.evalgate("plan", "suites/lab", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
