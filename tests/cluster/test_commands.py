"""`run` and `watch` with a Ray of their own: who asks is somebody else, and what comes of it is the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest

from tests.cluster.conftest import KEY, House

RAY = ("--ray", "--ray-workers", "2")


def evalgate(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("ray", reason="no Ray to test with: pip install 'evalgate-harness[ray]'")
    command = [sys.executable, "-m", "evalgate", *arguments]
    environment = {**os.environ, "CLUSTER_KEY": KEY, "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=house.folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


def test_a_run_asks_every_question_once_and_the_next_one_nothing(house: House) -> None:
    house.suite("collected")
    command = ("run", "collected.yaml", "--variant", "worse", "--store", "collected.db")
    done = evalgate(house, *command, *RAY)
    assert done.returncode == 0, done.stderr
    assert house.counts("collected").total() == 80
    assert set(house.counts("collected").values()) == {1}
    again = evalgate(house, *command)
    assert house.counts("collected").total() == 80
    assert again.stdout == done.stdout.replace("80 requests", "0 requests")


def test_a_watch_asks_the_days_cases_of_the_green_and_of_its_baseline(house: House) -> None:
    house.suite("watched")
    place = ("--store", "watched.db", "--publish", "watched.json", "--unsigned")
    assert evalgate(house, "check", "watched.yaml", *place).returncode == 1
    before = house.counts("watched")
    done = evalgate(house, "watch", "--suites", "watched.yaml", *place, "--cases-per-day", "12", *RAY)
    assert done.returncode == 0, done.stderr
    asked = Counter(model for model, _ in (house.counts("watched") - before).elements())
    assert asked["same"] >= 12
    assert asked["full"] >= 12
    assert not asked["worse"]
    before = house.counts("watched")
    assert evalgate(house, "watch", "--suites", "watched.yaml", *place).returncode == 0
    assert house.counts("watched") == before  # once a day, whoever asked
