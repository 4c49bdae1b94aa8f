"""`benchmarks/stayed_green.py` in short: the watch finds what it is there for, and nobody flaps."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "stayed_green.py"
RUNS = 60


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("stayed_green_benchmark", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    sys.modules[spec.name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    sys.path[:] = path
    return module


@pytest.fixture(scope="module")
def drifts(benchmark):
    return {drift.name: drift for drift in benchmark.drifts()}


def test_under_noise_alone_routes_hardly_ever_change(benchmark, drifts):
    played = benchmark.play(benchmark.Sparing, drifts["nothing"], RUNS)
    assert played.false <= 1.0 + 3 * (1000 / (RUNS * 180)) ** 0.5
    assert played.moves <= 0.05


def test_a_swap_of_weights_is_caught_on_the_first_day(benchmark, drifts):
    swap = next(drift for name, drift in drifts.items() if "add_numbers" in name)
    played = benchmark.play(benchmark.ScoresOnly, swap, RUNS)
    assert (played.delay, played.found) == (1, 1.0)


def test_first_tokens_see_nothing_of_a_loss_that_leaves_them_alone(benchmark, drifts):
    assert benchmark.play(benchmark.TokensOnly, drifts["step of .10"], RUNS).found < 0.1
