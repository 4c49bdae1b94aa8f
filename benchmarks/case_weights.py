"""What it would cost if cases had weights: `python benchmarks/case_weights.py` (half a minute).

A weighted mean can be proven: a case of weight w is a cluster of w cases, for which the statistics have a design
(`weights`). It is simulated here at its border, and as good as the baseline, beside a suite without weights and beside
two suites, one for the cases that matter. docs/suites.md has the figures and what follows from them.
"""

from __future__ import annotations

import sys

import numpy as np

from evalgate import stats

MARGIN, FLIPS, LEVEL = 0.05, 0.05, 0.05
SHARE = 0.2  # of the cases, which weigh more
LIMIT = 6_000  # cases
LOOK = 10


def cases_until_green(differences: np.ndarray, weights: np.ndarray | None) -> int | None:
    """At which look green was reached; None: not within the limit."""
    design: stats.Design = {} if weights is None else {"weights": weights / weights.max()}
    path = stats.evidence_path(differences, margin=MARGIN, **design).e_green[LOOK - 1 :: LOOK]
    reached = np.flatnonzero(path >= 1 / LEVEL)
    return int(LOOK * (reached[0] + 1)) if reached.size else None


def drawn(rng: np.random.Generator, heavy: np.ndarray, lost_heavy: float, lost_light: float) -> np.ndarray:
    """Differences of which the share `FLIPS` or more flips; the mean is minus what is lost, by kind of case."""
    lost = np.where(heavy, lost_heavy, lost_light)
    flips = np.maximum(FLIPS, lost)
    draw = rng.random(heavy.size)
    return np.where(draw < (flips + lost) / 2, -1.0, np.where(draw < flips, 1.0, 0.0))


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    rng = np.random.default_rng(1)
    print(f"{'weight':>6}  {'false green':>11}  {'… all in heavy':>14}  {'mean cases':>10}  {'90 %':>6}")
    for weight in (1, 3, 10, 30):
        total = SHARE * weight + 1 - SHARE
        evenly, in_heavy = (MARGIN, MARGIN), (min(1.0, MARGIN * total / (SHARE * weight)), 0.0)
        green = {evenly: 0, in_heavy: 0}
        needed = []
        for _ in range(runs):
            heavy = rng.random(LIMIT) < SHARE
            weights = np.where(heavy, float(weight), 1.0)
            for lost in green:
                green[lost] += cases_until_green(drawn(rng, heavy, *lost), weights) is not None
            needed.append(cases_until_green(drawn(rng, heavy, 0.0, 0.0), weights) or LIMIT)
        rates = [green[lost] / runs for lost in (evenly, in_heavy)]
        print(
            f"{weight:6}  {rates[0]:11.3f}  {rates[1]:14.3f}  {np.mean(needed):10.0f}  {np.quantile(needed, 0.9):6.0f}"
        )
    alone = [cases_until_green(drawn(rng, np.zeros(LIMIT, bool), 0.0, 0.0), None) or LIMIT for _ in range(runs)]
    print(
        f"one suite without weights: {np.mean(alone):.0f} cases; two suites: {2 * np.mean(alone):.0f}, and both proven"
    )


if __name__ == "__main__":
    main()
