"""The action's steps, run as the shell scripts that they are, on a clean checkout with this repository's own suites."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

ROOT = Path(__file__).parents[2]
STEPS = {step["name"]: step for step in yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]}


@dataclass
class Runner:
    """A job on a checkout; expressions that a step's environment is made of are looked up, not evaluated."""

    checkout: Path
    temporary: Path
    inputs: dict[str, str] = field(default_factory=dict)

    def run(self, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
        step = STEPS[name]
        action = yaml.safe_load((ROOT / "action.yml").read_text())
        values = {f"inputs.{key}": str(each.get("default", "")) for key, each in action["inputs"].items()}
        values |= {f"inputs.{key}": value for key, value in self.inputs.items()}
        values |= {"github.action_path": str(self.checkout), "github.token": "t0ken"}
        values["github.event.pull_request.number"] = "7"
        given = {
            key: re.sub(r"\$\{\{ (.*?) \}\}", lambda it: values[it[1]], str(value))
            for key, value in step["env"].items()
        }
        runner = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(self.temporary / "output"),
            "GITHUB_STEP_SUMMARY": str(self.temporary / "summary.md"),
            "RUNNER_TEMP": str(self.temporary),
        }
        script = self.temporary / "step.sh"
        script.write_text(step["run"])
        inherited = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "COLUMNS")}
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.checkout,
            env=inherited | runner | offline() | given | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )


def offline() -> Mapping[str, str]:
    """The package itself is built and installed; what it stands on is here already, and nothing is fetched."""
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    return {
        "PYTHONPATH": packages,
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_NO_INDEX": "1",
        "PIP_IGNORE_INSTALLED": "1",
    }


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """After the first step."""
    folder = tmp_path_factory.mktemp("job")
    checkout, temporary = folder / "checkout", folder / "temporary"
    temporary.mkdir()
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if name.startswith(("evalgate/", "suites/", "action/")) or "/" not in name:
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, checkout / name)
    runner = Runner(checkout, temporary, {"python": sys.executable})
    done = runner.run("Install evalgate")
    assert done.returncode == 0, done.stderr
    return runner


def test_the_job_judges_and_fails_with_the_code_of_the_check(runner: Runner) -> None:
    done = Runner(runner.checkout, runner.temporary, {"suites": "suites/lab"}).run("Judge")

    installed = runner.temporary / "evalgate" / "lib"
    assert list(installed.rglob("site-packages/evalgate/cli/check.py"))
    assert done.returncode == 1, done.stderr
    assert (runner.temporary / "output").read_text() == "exit-code=1\n"
    assert "### evalgate: failed · 1 RED" in (runner.temporary / "summary.md").read_text()
    assert (runner.temporary / "evalgate.md").read_text().startswith("<!-- evalgate -->")
    assert len(list(ET.parse(runner.checkout / "evalgate.xml").iter("testcase"))) == 28
    assert sum(line.startswith("::error ") for line in done.stdout.splitlines()) == 10


def test_inputs_reach_the_command_as_they_are(runner: Runner) -> None:
    hostile = "suites/lab/classify_feedback/suite.yaml\nsuites/$(touch owned);`touch owned`"
    other = Runner(runner.checkout, runner.temporary, {"suites": hostile})
    done = other.run("Judge")
    assert done.returncode == 2
    assert "suites/$(touch owned);`touch owned`" in done.stderr
    assert not (runner.checkout / "owned").exists()


def test_policy_and_further_arguments_are_passed_on(runner: Runner) -> None:
    given = {"suites": "suites/lab/classify_feedback/suite.yaml", "fail-on": "red", "args": "--variant\nlab-q8_0\n"}
    done = Runner(runner.checkout, runner.temporary, given).run("Judge")
    assert done.returncode == 0, done.stderr
    assert len(list(ET.parse(runner.checkout / "evalgate.xml").iter("testcase"))) == 1
