"""The official `openai` package of Node, unchanged, against a gateway that runs."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.gateway.sdk.conftest import MODELS, Running
from tests.gateway.sdk.upstream import CALLS, PERSON

PACKAGE = "openai@6.49.0"
NODE, NPM = shutil.which("node"), shutil.which("npm")


@pytest.fixture(scope="module")
def package(request: pytest.FixtureRequest) -> Path:
    """Where the package is installed: once, in the cache of pytest."""
    if NODE is None or NPM is None:
        pytest.skip("Node is not installed")
    assert request.config.cache is not None
    folder = request.config.cache.mkdir(PACKAGE.replace("@", "-"))
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one test process installs, the others wait
        if not (folder / "installed").exists():
            install = [NPM, "install", "--no-audit", "--no-fund", "--no-package-lock", "--prefix", folder, PACKAGE]
            subprocess.run(install, check=True, capture_output=True, timeout=300)
            (folder / "installed").touch()
    return folder / "node_modules" / "openai"


@pytest.mark.parametrize("model", MODELS)
def test_the_package_for_node_works_unchanged(running: Running, package: Path, model: str) -> None:
    running.upstream.left.clear()
    assert NODE is not None
    script = Path(__file__).with_name("client.mjs")
    run = subprocess.run([NODE, script, package, running.url, model], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    got = json.loads(run.stdout)
    assert got["chat"] == got["stream"] == "Hello, world"
    assert got["tokens"] == 39
    assert got["calls"] == [list(call) for call in CALLS]
    assert got["person"] == PERSON
    assert got["errors"] == {
        "400": "BadRequestError",
        "422": "UnprocessableEntityError",
        "429": "RateLimitError",
        "500": "InternalServerError",
        "nobody": "NotFoundError",
        "late": "APIConnectionTimeoutError",
    }
    assert got["closed"]
    assert running.upstream.left.wait(10)
    assert got["models"] == list(MODELS)
    assert got.get("embedding") == ([0.5, -0.5] if model == "gpt" else None)
