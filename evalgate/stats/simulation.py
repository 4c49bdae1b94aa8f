"""Many runs at once: drawn differences, and the verdict of each run by the very code that decides.

Used by the power analysis and by `benchmarks/statistics.py`, which measures error rates and numbers of cases.
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
