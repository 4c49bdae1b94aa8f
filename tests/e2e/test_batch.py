"""`--batch`: the same verdicts through a provider's batch API, at its discount, and nothing handed in is forgotten."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalgate.store import open_store
from evalgate.store.batches import open_batches
from evalgate.store.statistics import statistics
from tests.collect.batching import until
from tests.conftest import catalog, suite_file, variant
from tests.providers.batch_server import BatchServer

CASES = 120


@pytest.fixture
def server(tmp_path: Path) -> Iterator[BatchServer]:
    server = BatchServer()
    server.behave = lambda asked: asked.prompt.removeprefix("Colour number ").removesuffix(":")
    cases = [{"id": f"c{n}", "input": f"number {n}", "target": str(n)} for n in range(CASES)]
    prompt = [{"role": "user", "content": "Colour {{ input }}:"}]
    suite_file(tmp_path, cases=cases, prompt=prompt, gate={"margin": 0.05})
    both = [variant(batch_discount=0.5), variant("same", quantization="fp8", tag="b", batch_discount=0.5)]
    catalog(tmp_path, *both, base_url=f"http://127.0.0.1:{server.port}/v1")
    yield server
    server.stop()


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "evalgate", *arguments, "--store", "e.db"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=dict(os.environ), stdout=pipe, stderr=pipe, text=True)


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    with start(folder, *arguments) as process:
        out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_a_run_in_batches_costs_what_the_discount_leaves(server: BatchServer, tmp_path: Path) -> None:
    code, out, err = run(tmp_path, "run", "suite.yaml", "--variant", "full", "--batch", "--json", "-")
    assert (code, json.loads(out)["scores"], server.sizes) == (0, {"score": 1.0}, [CASES]), err
    tokens = json.loads(out)["usage"]
    with open_store(str(tmp_path / "e.db")) as store:
        spent = float(statistics(store).total.usd)
    assert spent == pytest.approx(tokens["cost_usd"] * CASES / 2)
    assert tokens["latency_ms_p50"] == 0  # a batch says nothing of it
    again = run(tmp_path, "run", "suite.yaml", "--variant", "full", "--batch", "--json", "-")
    assert json.loads(again[1])["requests"] == 0


def test_a_check_in_batches_asks_a_quarter_of_the_suite_at_a_time(server: BatchServer, tmp_path: Path) -> None:
    code, out, err = run(tmp_path, "check", "suite.yaml", "--batch", "--json", "-", "-q")
    assert code == 0, err
    verdict = json.loads(out)["operations"][0]["verdicts"][0]
    assert verdict["outcome"] == "green"
    assert len(server.sizes) <= 4 * 3  # rounds, and the baseline twice
    assert min(server.sizes) >= CASES // 4


def test_killed_while_it_waits_the_same_command_fetches_what_was_handed_in(server: BatchServer, tmp_path: Path) -> None:
    server.held = True
    with start(tmp_path, "run", "suite.yaml", "--variant", "full", "--batch") as process:
        until(lambda: server.count("batch", "GET") > 0)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    code, out, _ = run(tmp_path, "batches")
    assert (code, f"full  {CASES} questions" in out) == (0, True), out
    server.release()
    assert run(tmp_path, "run", "suite.yaml", "--variant", "full", "--batch")[0] == 0
    assert server.sizes == [CASES]
    assert run(tmp_path, "batches")[1] == "no batches are open\n"


def test_open_batches_are_told_to_whoever_asks_without_them_and_can_be_cancelled(
    server: BatchServer, tmp_path: Path
) -> None:
    server.held = True
    with start(tmp_path, "run", "suite.yaml", "--variant", "full", "--batch") as process:
        until(lambda: server.count("batch", "GET") > 0)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--batch" in err.splitlines()[-1]
    code, _, err = run(tmp_path, "run", "suite.yaml", "--variant", "full", "--max-cases", "1")
    assert "1 batches of an earlier run are open" in err
    code, out, err = run(tmp_path, "batches", "--cancel")
    assert (code, "cancelled: " in out, server.count("cancel")) == (0, True, 1), err
    with open_store(str(tmp_path / "e.db")) as store:
        assert len(open_batches(store)) == 1  # what was answered until then is still to be fetched


def test_a_variant_without_a_batch_api_is_refused_before_anything_is_asked(server: BatchServer, tmp_path: Path) -> None:
    catalog(tmp_path, variant(), variant("same", tag="b"), base_url=f"http://127.0.0.1:{server.port}/v1")
    code, _, err = run(tmp_path, "run", "suite.yaml", "--variant", "full", "--batch")
    assert (code, server.sizes) == (2, [])
    assert "no batch API is known of 'full'; set batch_discount" in err
