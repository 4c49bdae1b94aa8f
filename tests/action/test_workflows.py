"""The action and the examples are what GitHub and GitLab read, by the schemas that are kept for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "ci"


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.github-actions", ROOT / "action.yml"),
        ("vendor.github-workflows", EXAMPLES / ".github" / "workflows" / "evalgate.yml"),
        ("vendor.gitlab-ci", EXAMPLES / ".gitlab-ci.yml"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_it_is_valid(schema: str, path: Path) -> None:
    transform = ["--data-transform", "gitlab-ci"] if schema == "vendor.gitlab-ci" else []
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *transform, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_gives_the_action_only_what_it_takes() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    workflow = yaml.safe_load((EXAMPLES / ".github" / "workflows" / "evalgate.yml").read_text())
    (step,) = (each for each in workflow["jobs"]["judge"]["steps"] if "/evalgate@" in each.get("uses", ""))
    assert set(step["with"]) <= set(action["inputs"])


def test_no_script_of_the_action_is_made_of_what_somebody_passes_in() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert all("${{" not in step["run"] for step in action["runs"]["steps"])


@pytest.mark.parametrize("path", [*EXAMPLES.rglob("*.y*ml"), EXAMPLES / "Jenkinsfile"], ids=lambda path: path.name)
def test_the_docs_show_the_examples_as_they_are(path: Path) -> None:
    assert path.read_text() in (ROOT / "docs" / "ci.md").read_text()
