"""The examples for schedulers are what these take, and the scripts do what they say, with recorded answers."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from benchmarks.scale_model import Load, table
from tests.deploy.commands import require_known_options

ROOT = Path(__file__).parents[2]
SHARDS, RAY = ROOT / "deploy" / "shards", ROOT / "deploy" / "ray" / "rayjob.yaml"
SCHEMA = json.loads((ROOT / "tests" / "fixtures" / "kuberay" / "rayjob.schema.json").read_text())
JOBS = [
    pytest.param(resource, id=resource["metadata"]["name"])
    for path in sorted(SHARDS.glob("kubernetes*.yaml"))
    for resource in yaml.safe_load_all(path.read_text())
]


@pytest.mark.parametrize("version", ["1.30", "1.35"])
@pytest.mark.parametrize("resource", JOBS)
def test_a_job_is_valid(resource: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(resource, version, strict=True)


def rayjob() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(RAY.read_text())
    return found


def test_the_rayjob_is_valid() -> None:
    jsonschema.validate(rayjob(), SCHEMA)


@pytest.mark.parametrize("place", ["spec", "rayClusterSpec", "headGroupSpec", "workerGroup"])
def test_an_unknown_key_of_a_rayjob_would_be_found(place: str) -> None:
    resource = rayjob()
    cluster = resource["spec"]["rayClusterSpec"]
    places = {
        "spec": resource["spec"],
        "rayClusterSpec": cluster,
        "headGroupSpec": cluster["headGroupSpec"],
        "workerGroup": cluster["workerGroupSpecs"][0],
    }
    places[place]["dada"] = 1
    with pytest.raises(jsonschema.ValidationError, match="dada"):
        jsonschema.validate(resource, SCHEMA)


def test_the_pods_of_the_rayjob_are_valid() -> None:
    cluster = rayjob()["spec"]["rayClusterSpec"]
    for number, group in enumerate([cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]):
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"pod-{number}"},
            "spec": group["template"]["spec"],
        }
        kubernetes_validate.validate(pod, "1.35", strict=True)


def test_the_commands_have_the_options_that_they_are_given() -> None:
    lines = [rayjob()["spec"]["entrypoint"]]
    for path in SHARDS.iterdir():
        lines += path.read_text().replace("\\\n", " ").splitlines()
    asked = 0
    for line in lines:
        words = line[line.index("evalgate ") :] if "evalgate " in line and not line.lstrip().startswith("#") else ""
        if words.split("evalgate ", 1)[-1].split(" ")[0] in {"run", "check", "merge"}:
            require_known_options(shlex.split(words, comments=True))
            asked += 1
    assert asked == 8


def test_the_matrix_is_a_workflow() -> None:
    path = str(SHARDS / "github.yml")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_docs_show_the_model_as_it_is() -> None:
    shown = "\n".join(table(Load((200, 8), (0.23, 0.40), 1.0, 6_000)))
    assert shown in (ROOT / "docs" / "operations.md").read_text()


def run_script(
    script: str | Path, *arguments: str, folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """As a scheduler would: our command in the path, and nothing of a scheduler's own."""
    bin_ = folder / "bin"
    bin_.mkdir(exist_ok=True)
    command = bin_ / "evalgate"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m evalgate "$@"\n')
    command.chmod(0o755)
    given = os.environ | environment | {"PATH": f"{bin_}:{os.defpath}", "PYTHONPATH": str(ROOT)}
    words = ["bash", "-eu", str(script)] if isinstance(script, Path) else ["sh", "-ec", script]
    return subprocess.run([*words, *arguments], cwd=folder, env=given, capture_output=True, text=True, timeout=120)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A folder with one suite of the recorded lab, short enough for a test."""
    shutil.copy(ROOT / "catalog.yaml", tmp_path)
    here = ROOT / "suites" / "lab"
    shutil.copytree(here / "recordings", tmp_path / "suites/lab/recordings")
    shutil.copy(here / "add_numbers" / "suite.yaml", tmp_path / "suites" / "add_numbers.yaml")
    shutil.copy(here / "add_numbers" / "cases.jsonl", tmp_path / "suites")
    return tmp_path


def test_an_array_of_slurm_asks_everything_once_and_the_check_asks_nothing_again(lab: Path) -> None:
    suite = "suites/add_numbers.yaml"
    for part in ("3", "4"):  # --array=3-4
        array = {"SLURM_ARRAY_TASK_ID": part, "SLURM_ARRAY_TASK_MIN": "3", "SLURM_ARRAY_TASK_COUNT": "2"}
        done = run_script(SHARDS / "slurm.sh", suite, "lab-f16", folder=lab, **array)
        assert done.returncode == 0, done.stderr
        assert " 320 cases" in done.stdout
    done = run_script(SHARDS / "slurm-check.sh", suite, folder=lab)
    assert done.returncode in {1, 3}, done.stderr  # of the other variants of the lab
    assert done.stdout.count("320 answers new") == 2
    assert (lab / "evalgate.xml").exists()


def test_a_task_of_slurm_without_a_variant_says_how_it_is_called(lab: Path) -> None:
    done = run_script(SHARDS / "slurm.sh", "suites/add_numbers.yaml", folder=lab, SLURM_ARRAY_TASK_ID="0")
    assert (done.returncode, done.stdout) == (2, "")
    assert "SUITE VARIANT" in done.stderr


def test_an_index_of_the_job_asks_its_part(lab: Path) -> None:
    (job,) = (each.values[0] for each in JOBS if each.id == "evalgate-ask")
    (script,) = job["spec"]["template"]["spec"]["containers"][0]["args"]
    for placeholder, real in {
        "classify_ticket": "add_numbers",
        "acme-bf16": "lab-f16",
        "budget-fp8": "lab-q4_0",
        "postgresql://evalgate@postgres/evalgate": "part.db",
    }.items():
        assert placeholder in script
        script = script.replace(placeholder, real)
    done = run_script(script, folder=lab, JOB_COMPLETION_INDEX="7")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" 80 cases") == 2  # an eighth of 640
