"""Measures what the statistics promise: error rates, numbers of cases, and the time that a verdict takes.

    python benchmarks/verdicts.py               all tables, about five minutes on one core
    python benchmarks/verdicts.py --quick       the same with a tenth of the runs, about half a minute
    python benchmarks/verdicts.py --only cases suite

Every table stands beside what is expected: the figures of the specification, the information-theoretic limit, or the
error rate that was promised. All runs are seeded; `tests/stats/test_benchmark.py` holds short versions to bounds.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks import policies, recorded
from benchmarks.policies import THRESHOLDS, Array, bound, chunks
from evalgate.stats import (
    Design,
    case_limit,
    certify,
    closed_sequential,
    evidence_path,
    fragile_first,
    score_test_cases,
    seed_flip_rate,
)
from evalgate.stats.simulation import GREEN, RED, draw_differences, draw_suites, run_rows

LOOK = 10
AS_GIVEN: Design = {"flip_rate_green": 0.05, "flip_rate_red": 0.10, "inertia": 20.0}
# flip rate, margin, expected mean, expected 90th percentile, fixed-n Tango (STATISTICS.md, section 3)
CASES_TABLE = (
    (0.02, 0.02, 423, 760, 536),
    (0.05, 0.02, 810, 1550, 1348),
    (0.10, 0.03, 720, 1450, 1198),
    (0.20, 0.05, 556, 1150, 861),
)
FLIP_RATES = (0.02, 0.05, 0.1, 0.2)
MARGINS = (0.01, 0.02, 0.03, 0.05)
POPULATIONS = (200, 500, 1000, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, help="runs for each cell of a table (default: 3000, quick: 300)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs, and shorter ones")
    parser.add_argument(
        "--only", nargs="+", choices=TABLES, default=list(TABLES), metavar="TABLE", help=str(list(TABLES))
    )
    arguments = parser.parse_args()
    repetitions = arguments.repetitions or (300 if arguments.quick else 3000)
    for name in arguments.only:
        started = time.perf_counter()
        TABLES[name](repetitions)
        print(f"[{name}: {repetitions} runs for each cell, {time.perf_counter() - started:.0f} s]\n", flush=True)


# --- numbers of cases ---------------------------------------------------------------------------------------------


def cases_asked(
    flip_rate: float, margin: float, repetitions: int, *, design: Design | None = None, aa_cases: int = 0, seed: int = 7
) -> Array:
    """Cases asked until the verdict at theta = 0, looks every ten, unlimited traffic; shape (repetitions,).

    With `aa_cases` every chunk of runs first has an A/A run of so many cases, with the variant's own flip rate.
    """
    random, aa_random = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    limit = case_limit(margin, flip_rate)
    asked = []
    for runs in chunks(repetitions, int(2 * limit)):
        chosen: Design = dict(design or {})  # type: ignore[assignment]  # a copy of a TypedDict is one
        if aa_cases:
            guess = seed_flip_rate(draw_differences(aa_random, 1, aa_cases, flip_rate)[0], margin=margin)
            chosen = {"flip_rate_green": guess.flip_rate, "flip_rate_red": guess.flip_rate, "inertia": guess.inertia}
        differences = draw_differences(random, runs, int(12 * limit), flip_rate)
        stop, outcome = run_rows(differences[:, : int(2 * limit)], margin, THRESHOLDS, chosen)
        late = np.flatnonzero(outcome == 0)
        if late.size:
            stop[late], _ = run_rows(differences[late], margin, THRESHOLDS, chosen)
        asked.append(np.ceil(stop / LOOK) * LOOK)
    return np.concatenate(asked)


def cases_table(repetitions: int) -> None:
    print("Cases until the verdict at theta = 0, alpha = beta = .05, unlimited traffic, looks every 10: mean (p90)")
    print(f"{'flip rate, margin':>18} {'limit':>6} {'expected':>12} {'as given':>17} {'default':>17} {'A/A-seeded':>17}"
          f" {'fixed-n Tango':>20}")  # fmt: skip
    ratios: dict[str, list[float]] = {"as given": [], "default": [], "A/A-seeded": []}
    for flip_rate, margin, mean, p90, planned in CASES_TABLE:
        limit = case_limit(margin, flip_rate)
        row = f"{flip_rate:>9}, {margin:<7} {limit:>6.0f} {f'{mean} ({p90})':>12}"
        for name, options in (
            ("as given", {"design": AS_GIVEN}),
            ("default", {}),
            ("A/A-seeded", {"aa_cases": 200}),
        ):
            asked = cases_asked(flip_rate, margin, repetitions, **options)  # type: ignore[arg-type]
            ratios[name].append(limit / asked.mean())
            row += f" {f'{asked.mean():.0f} ({np.quantile(asked, 0.9):.0f}) {ratios[name][-1]:.2f}':>17}"
        print(row + f" {f'{score_test_cases(margin, flip_rate)} (given {planned})':>20}")
    print(f"{'mean of limit / mean':>38} " + " ".join(f"{np.mean(r):>17.3f}" for r in ratios.values()))
    print(f"{'asked for':>38} {'>= .83':>17} {'>= .87':>17} {'>= .87':>17}")


def suite_cases(kind: str, repetitions: int, *, size: int = 1000, seed: int = 11) -> Array:
    """Cases asked in a suite with flip rate .05 and margin .02, shape (repetitions,)."""
    random = np.random.default_rng(seed)
    asked = np.empty(repetitions)
    strata = (np.arange(size) < size // 5).astype(np.int64)
    for run in range(repetitions):
        design: Design = {"claim": "suite", "population": size}
        if kind == "control variate":
            baseline = (random.random(size) < 0.8) * 1.0
            broken = (random.random(size) < 0.025 / 0.8) * 1.0
            fixed = (random.random(size) < 0.025 / 0.2) * 1.0
            differences = np.where(baseline == 1.0, -broken, fixed)
            design["baseline"] = baseline
        elif kind == "fragile strata":
            rates = np.where(strata == 1, 0.2, 0.0125)  # a fifth of the cases carries four fifths of the flips
            uniform = random.random(size)
            differences = (uniform < rates / 2) * 1.0 - (uniform >= 1 - rates / 2)
            order = fragile_first(strata, {0: 1.0, 1: 4.0}, seed=run)
            differences, design["sampling"] = differences[order.order], order
        else:
            differences = draw_differences(random, 1, size, 0.05)[0]
        stop, _ = run_rows(differences[None], 0.02, THRESHOLDS, design)
        asked[run] = min(np.ceil(stop[0] / LOOK) * LOOK, size)
    return asked


def suite_table(repetitions: int) -> None:
    print("claim: suite of 1000, flip rate .05, margin .02, theta = 0: mean cases (p90)")
    for kind, expected in (("plain", 433), ("control variate", 424), ("fragile strata", 345)):
        asked = suite_cases(kind, repetitions)
        print(f"  {kind:>16}  expected {expected}   measured {asked.mean():.0f} ({np.quantile(asked, 0.9):.0f})")


# --- error rates --------------------------------------------------------------------------------------------------


def false_rates(
    flip_rate: float, margin: float, population: int | None, repetitions: int, *, horizon: int, seed: int = 3
) -> tuple[float, float]:
    """How often a variant worse by exactly the margin turns green, and one exactly as good turns red."""
    random = np.random.default_rng(seed)
    size = population or horizon
    design: Design = {} if population is None else {"claim": "suite", "population": population}
    wrong = [0, 0]
    for runs in chunks(repetitions, size):
        for kind, difference, error in ((0, -margin, GREEN), (1, 0.0, RED)):
            if population is None:
                drawn = draw_differences(random, runs, size, max(flip_rate, margin), difference)
            else:
                drawn = draw_suites(random, runs, size, flip_rate, difference)
            # Peeking after every case: the worst that any batch size can do.
            wrong[kind] += int((run_rows(drawn, margin, THRESHOLDS, design)[1] == error).sum())
    return wrong[0] / repetitions, wrong[1] / repetitions


def error_table(repetitions: int) -> None:
    horizon = 3000 if repetitions > 1000 else 1500
    most = bound(repetitions)
    print(f"False green at theta = -margin / false red at theta = 0; promised .050, with 3 standard errors {most:.3f}")
    print(f"N = inf is followed for {horizon} cases. Looks after every case, so every batch size is covered.")
    worst = 0.0
    print(f"{'flip rate, margin':>18} " + " ".join(f"{f'N = {size or np.inf}':>14}" for size in POPULATIONS))
    for flip_rate in FLIP_RATES:
        for margin in MARGINS:
            rates = [false_rates(flip_rate, margin, size, repetitions, horizon=horizon) for size in POPULATIONS]
            worst = max(worst, *(max(pair) for pair in rates))
            print(f"{flip_rate:>9}, {margin:<7} " + " ".join(f"{f'{g:.3f} / {r:.3f}':>14}" for g, r in rates))
    print(f"largest: {worst:.3f} ({'ok' if worst <= most else 'TOO LARGE'})")


def clustered(random: np.random.Generator, runs: int, units: int, mean: float) -> Array:
    """Means of five cases that share a source, a few sources turned upside down; a share `-mean` is wholly lost."""
    upset = random.random((runs, units)) < 0.08
    swing = np.where(upset, 2.0 * random.binomial(5, 0.5, (runs, units)) / 5.0 - 1.0, 0.0)
    return np.where(random.random((runs, units)) < -mean, -1.0, swing)


def repeated(random: np.random.Generator, runs: int, units: int, mean: float) -> Array:
    """Means of four answers on either side, each case with its own chance of being right; a share is wholly lost."""
    ability = random.beta(2.0, 0.5, (runs, units))
    answers = random.binomial(4, ability) - random.binomial(4, ability)
    return np.where(random.random((runs, units)) < -mean, -1.0, answers / 4.0)


def rare_catastrophe(random: np.random.Generator, runs: int, units: int, mean: float) -> Array:
    """Almost always a little better, rarely a total loss: what t-tests and bootstraps do not see coming."""
    gain = 0.004
    return np.where(random.random((runs, units)) < (gain - mean) / (1 + gain), -1.0, gain)


def rare_rescue(random: np.random.Generator, runs: int, units: int, mean: float) -> Array:
    """The mirror image: almost always a little worse, rarely a total gain."""
    loss = 0.03
    return np.where(random.random((runs, units)) < (loss + mean) / (1 + loss), 1.0, -loss)


def score_table(repetitions: int) -> None:
    most = bound(repetitions)
    print(f"Scores and clusters, margin .02, 1500 units: false green at -margin / false red at 0; at most {most:.3f}")
    for draw in (clustered, repeated, rare_catastrophe, rare_rescue):
        green, red = score_errors(draw, repetitions)
        print(f"  {draw.__name__:>18}  {green:.3f} / {red:.3f}  {'ok' if max(green, red) <= most else 'TOO LARGE'}")


def score_errors(
    draw: Callable[[np.random.Generator, int, int, float], Array], repetitions: int, *, seed: int = 5
) -> tuple[float, float]:
    """False green and false red rates for scores that are not binary."""
    random = np.random.default_rng(seed)
    wrong = [0, 0]
    for runs in chunks(repetitions, 1500):
        for kind, mean, error in ((0, -0.02, GREEN), (1, 0.0, RED)):
            outcome = run_rows(draw(random, runs, 1500, mean), 0.02, THRESHOLDS, {})[1]
            wrong[kind] += int((outcome == error).sum())
    return wrong[0] / repetitions, wrong[1] / repetitions


# --- time ---------------------------------------------------------------------------------------------------------


def timings(operations: int = 50, variants: int = 20, cases: int = 2000) -> tuple[float, float]:
    """Seconds of processor time for one verdict over `cases` cases, and for a whole board, to a deadline."""
    random = np.random.default_rng(0)
    undecided = draw_differences(random, 20, cases, 0.4)
    certify(undecided[0], margin=0.01)
    started = time.process_time()
    for row in undecided:
        certify(row, margin=0.01, deadline=cases)
    one = (time.process_time() - started) / len(undecided)
    board = draw_differences(random, variants, cases, 0.05)
    started = time.process_time()
    for _ in range(operations):
        closed_sequential([evidence_path(row, margin=0.02, deadline=cases).e_green for row in board])
        for row in board:
            certify(row, margin=0.02, deadline=cases)
    return one, time.process_time() - started


def time_table(repetitions: int) -> None:
    operations = 50 if repetitions > 1000 else 5
    one, board = timings(operations)
    print(f"One verdict over 2000 cases, interval included: {1000 * one:.1f} ms (at most 20)")
    print(f"Board of {operations} operations x 20 variants x 2000 cases, by closed testing: {board:.1f} s"
          f" (at most 5 for 50 operations)")  # fmt: skip


TABLES: dict[str, Callable[[int], None]] = {
    "cases": cases_table,
    "suite": suite_table,
    "errors": error_table,
    "scores": score_table,
    **policies.TABLES,
    **recorded.TABLES,
    "time": time_table,
}

if __name__ == "__main__":
    main()
