"""Many runs at once: drawn differences, and the verdict of each run by the very code that decides.

Used by the power analysis and by `benchmarks/verdicts.py`, which measures error rates and numbers of cases.
"""

from __future__ import annotations

import numpy as np

from evalgate.stats._design import Design, games_of
from evalgate.stats._input import FloatArray, IntArray

GREEN, RED, UNDECIDED = 1, -1, 0


def draw_differences(
    random: np.random.Generator, runs: int, cases: int, flip_rate: float, difference: float = 0.0
) -> FloatArray:
    """Independent differences in {-1, 0, 1}, shape (runs, cases), with P(D != 0) and E[D] as given."""
    uniform = random.random((runs, cases), dtype=np.float32)
    gains = uniform < (flip_rate + difference) / 2.0
    losses = uniform >= 1.0 - (flip_rate - difference) / 2.0
    return gains.astype(np.float64) - losses


def draw_suites(
    random: np.random.Generator, runs: int, size: int, flip_rate: float, difference: float = 0.0
) -> FloatArray:
    """Whole suites in random order, shape (runs, size), all with the same number of gains and of losses.

    The sum of differences is `difference` x size, rounded towards minus infinity; the flips are `flip_rate` x size or
    the next number of them that allows this sum.
    """
    total = int(np.floor(difference * size + 1e-9))
    flips = min(max(round(flip_rate * size), abs(total)), size)
    flips += (flips - total) % 2 * (1 if flips < size else -1)
    suite = np.zeros(size)
    suite[: (flips + total) // 2] = 1.0
    suite[(flips + total) // 2 : flips] = -1.0
    return random.permuted(np.broadcast_to(suite, (runs, size)), axis=1)


def run_rows(
    differences: FloatArray, margin: float, thresholds: tuple[float, float], design: Design
) -> tuple[IntArray, IntArray]:
    """The case at which each run stops and how it ends (`GREEN`, `RED`, `UNDECIDED`), both of shape (runs,).

    `differences` (runs, cases); `thresholds`: the e-values asked for green and for red; `design` as for `certify`.
    """
    green, red = games_of(differences, margin, design)
    never = np.iinfo(np.int64).max
    reached = [
        np.where(hit.any(axis=-1), hit.argmax(axis=-1) + 1, never)
        for hit in (
            green.e_values(-margin) >= thresholds[0],
            red.e_values(design.get("red_margin", 0.0)) >= thresholds[1],
        )
    ]
    stop = np.minimum(reached[0], reached[1])
    outcome = np.where(stop == never, UNDECIDED, np.where(reached[0] <= reached[1], GREEN, RED))
    return np.minimum(stop, differences.shape[-1]), outcome
