"""`benchmarks/verdicts.py` in short: the tables of the specification, held to bounds.

Each bound leaves three standard errors to the simulation (its runs are counted below), so it fails for a wrong
implementation and not for an unlucky seed.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evalgate.stats import case_limit

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "verdicts.py"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("statistics_benchmark", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = path
    return module


@pytest.mark.parametrize("design", ["as given", "default", "seeded from an A/A run"])
def test_cases_are_within_five_percent_of_the_table_or_better(benchmark, design):
    options = {"as given": {"design": benchmark.AS_GIVEN}, "default": {}, "seeded from an A/A run": {"aa_cases": 200}}
    ratios, variances = [], []
    for flip_rate, margin, expected, _, _ in benchmark.CASES_TABLE:
        asked = benchmark.cases_asked(flip_rate, margin, 500, **options[design])
        error = asked.std() / np.sqrt(asked.size)
        assert asked.mean() <= 1.05 * expected + 3 * error
        assert asked.mean() + 3 * error >= case_limit(margin, flip_rate)
        ratios.append(case_limit(margin, flip_rate) / asked.mean())
        variances.append((ratios[-1] * error / asked.mean()) ** 2)
    asked_for = 0.83 if design == "as given" else 0.87
    assert np.mean(ratios) >= asked_for - 3 * np.sqrt(np.sum(variances)) / 4


@pytest.mark.parametrize(("kind", "expected"), [("plain", 433), ("control variate", 424), ("fragile strata", 345)])
def test_suites_take_no_more_than_the_table_says(benchmark, kind, expected):
    asked = benchmark.suite_cases(kind, 150)
    assert asked.mean() <= 1.05 * expected + 3 * asked.std() / np.sqrt(asked.size)


def test_a_corner_of_the_error_grid(benchmark):
    for population in (200, None):
        green, red = benchmark.false_rates(0.1, 0.05, population, 400, horizon=600)
        assert max(green, red) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_no_way_of_judging_a_family_offers_bad_variants_to_the_router(benchmark):
    rates = benchmark.policies.family_errors(100, variants=12, cases=600)
    assert rates.pop("one by one") > 0.15
    assert max(rates.values()) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)


def test_closed_testing_asks_a_family_for_less_than_holm(benchmark):
    cases = benchmark.policies.family_cases(30)
    assert cases["20 good"][1] < 0.96 * cases["20 good"][0]
    assert cases["20 good"][2] < 0.97 * cases["20 good"][0]
    assert cases["6 copies and 1 bad"][2] < 0.88 * cases["6 copies and 1 bad"][0]


def test_a_second_baseline_saves_a_sixth_of_the_cases_where_flips_are_noise(benchmark):
    one, two, wrong = benchmark.policies.two_baselines(0.1, 0.03, 3000, 300)
    assert two < 0.9 * one
    assert wrong <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_clusters_counted_once_let_a_loss_of_cases_pass_and_weighted_ones_do_not(benchmark):
    once, *weighted = benchmark.policies.cluster_rates(0.1, 0.0, 1, 200)
    assert once > 0.8
    assert max(weighted) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_a_loss_hidden_by_failures_of_the_baseline_is_found_by_the_third_path(benchmark):
    hidden, robust = benchmark.policies.hidden_losses(1.0, 60)
    assert hidden > 0.3
    assert robust <= 0.05


def test_attempts_are_charged(benchmark):
    fresh, charged, cost = benchmark.policies.attempts(200, cases=600)
    assert fresh > 0.12
    assert charged <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert cost < 1.06


def test_verdicts_are_quick(benchmark):
    one, board = benchmark.timings(operations=5)
    assert one <= 0.020
    assert board <= 0.5


def test_the_script_runs_as_a_script():
    said = subprocess.run(
        [sys.executable, str(SCRIPT), "--quick", "--repetitions", "20", "--only", "cases", "attempts"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "mean of limit / mean" in said
    assert "charged to the ledger" in said
