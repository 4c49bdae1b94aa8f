"""The promise, by simulation: at most alpha false greens and beta false reds, however often one looks.

Every bound is the promised rate plus three standard errors of the simulation, so a correct implementation passes with
any seed (in 999 of 1000), and one that peeks into the future, drops ties or forgets a cap does not.
"""

from __future__ import annotations

import numpy as np
import pytest

from evalgate.stats import fragile_first, unit_means
from evalgate.stats.simulation import GREEN, RED, draw_differences, draw_suites, run_rows

RUNS = 500
BOUND = 0.05 + 3 * np.sqrt(0.05 * 0.95 / RUNS)
THRESHOLDS = (20.0, 20.0)


def rate(values, margin, outcome, **design):
    return float((run_rows(values, margin, THRESHOLDS, design)[1] == outcome).mean())


@pytest.mark.parametrize(("flip_rate", "margin"), [(0.02, 0.02), (0.05, 0.02), (0.1, 0.03), (0.2, 0.05), (0.05, 0.01)])
def test_traffic(flip_rate, margin):
    random = np.random.default_rng(1)
    assert rate(draw_differences(random, RUNS, 800, flip_rate, -margin), margin, GREEN) <= BOUND
    assert rate(draw_differences(random, RUNS, 800, flip_rate), margin, RED) <= BOUND


@pytest.mark.parametrize(
    ("size", "flips", "margin"), [(200, 10, 0.02), (500, 50, 0.03), (500, 10, 0.02), (200, 40, 0.05)]
)
def test_finite_suites(size, flips, margin):
    random = np.random.default_rng(2)
    design = {"claim": "suite", "population": size}
    assert rate(draw_suites(random, RUNS, size, flips / size, -margin), margin, GREEN, **design) <= BOUND
    assert rate(draw_suites(random, RUNS, size, flips / size), margin, RED, **design) <= BOUND


@pytest.mark.parametrize("deadline", [None, 120])
@pytest.mark.parametrize(("total", "outcome"), [(-8, GREEN), (0, RED)])
def test_finite_suites_with_control_variate_and_fragile_strata(total, outcome, deadline):
    random = np.random.default_rng(3)
    size, wrong, runs = 200, 0, 300
    strata = (np.arange(size) < 50).astype(int)
    for run in range(runs):
        values = np.zeros(size)
        broken = random.choice(50, 16, replace=False)
        values[broken[: (16 + total) // 2]], values[broken[(16 + total) // 2 :]] = 1.0, -1.0
        baseline = np.where(values == 0, random.integers(0, 2, size), values < 0).astype(float)
        # even with labels that mislead: the robust stratum is drawn more often
        order = fragile_first(strata, {0: 3.0, 1: 1.0} if run % 2 else {0: 1.0, 1: 3.0}, seed=run)
        design = {"claim": "suite", "population": size, "baseline": baseline[order.order], "sampling": order}
        design["deadline"] = deadline
        wrong += rate(values[order.order][None], 0.04, outcome, **design)
    assert wrong / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_rare_catastrophes_do_not_pass():
    random = np.random.default_rng(4)
    gain = 0.004
    lost = random.random((RUNS, 1000)) < (gain + 0.02) / (1 + gain)
    assert rate(np.where(lost, -1.0, gain), 0.02, GREEN) <= BOUND


def test_rare_rescues_do_not_condemn():
    random = np.random.default_rng(5)
    rescued = random.random((RUNS, 1000)) < 0.03 / 1.03
    assert rate(np.where(rescued, 1.0, -0.03), 0.02, RED) <= BOUND


def test_clusters_as_units():
    random = np.random.default_rng(6)
    sources = np.repeat(np.arange(120), 5)
    rows = []
    for _ in range(RUNS):
        lost_together = np.repeat(random.random(120) < 0.05, 5)
        rows.append(unit_means(np.where(lost_together, -1.0, 0.0), sources).means)
    assert rate(np.array(rows), 0.05, GREEN) <= BOUND


@pytest.mark.parametrize(("flip_rate", "margin"), [(0.05, 0.02), (0.2, 0.05)])
def test_two_baselines(flip_rate, margin):
    """D = x - mean(b1, b2): the variant loses exactly the margin, and all other flips are noise of the three."""
    random = np.random.default_rng(8)
    coin = random.random((RUNS, 800)) < 2 * flip_rate
    first, second, variant = (np.where(coin, random.random((RUNS, 800)) < 0.5, 1.0) for _ in range(3))
    lost = random.random((RUNS, 800)) < margin / (1 - flip_rate)
    assert rate(np.where(lost, 0.0, variant) - (first + second) / 2, margin, GREEN) <= BOUND
    assert rate(variant - (first + second) / 2, margin, RED) <= BOUND


def test_the_bound_would_notice_stakes_that_are_too_large():
    """The same simulation with a forbidden stake, one that has seen the case it bets on, is far outside."""
    random = np.random.default_rng(7)
    values = draw_differences(random, RUNS, 800, 0.05, -0.02)
    foresight = np.where(values < 0, 0.0, 0.35)
    wealth = np.multiply.accumulate(1 + foresight * (values + 0.02), axis=-1)
    assert (wealth.max(axis=-1) >= 20).mean() > 0.5
    path_stop, outcome = run_rows(values, 0.02, THRESHOLDS, {})
    assert (outcome == GREEN).mean() <= BOUND
    assert path_stop.shape == (RUNS,)
