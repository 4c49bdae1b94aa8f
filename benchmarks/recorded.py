"""The table of `verdicts.py` about real answers: what may save cases of a finite suite, on the lab's recordings.

Seven variants, four operations, 640 cases each, and every gating metric. An earlier certification, in another order,
tells which cases are fragile: those that flipped for any other variant until its verdict. Variants that lose a tenth
and more say nothing of the kind: for them all cases are fragile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalgate.graders import bind
from evalgate.providers.recording import read_recording
from evalgate.stats import Design, evidence_path, first_reach, fragile_first
from evalgate.suite import load_suite

Array = NDArray[np.float64]
SUITES = Path(__file__).resolve().parents[1] / "suites" / "lab"
BASELINE = "lab-f16"
MARGIN = 0.05
ATTENTION = 2.0
THRESHOLD = 20.0
KINDS = ("plain", "control variate", "fragile strata", "both")


def scores() -> Iterator[tuple[str, dict[str, Array]]]:
    """For each operation and metric, the scores of everybody by variant; shape (cases,)."""
    answers = {path.name.split(".")[0]: read_recording(path) for path in sorted((SUITES / "recordings").glob("*.gz"))}
    for path in sorted(SUITES.glob("*/suite.yaml")):
        suite = load_suite(path)
        grading = bind(suite)
        asked = [(case, (suite.request(case).hash, 0)) for case in suite.cases]
        graded = {name: [grading.grade(given[key], case) for case, key in asked] for name, given in answers.items()}
        for metric in grading.metrics:
            yield (
                f"{suite.operation} {metric}",
                {name: np.array([grade[metric] for grade in grades]) for name, grades in graded.items()},
            )


def cases_asked(differences: Array, design: Design) -> int:
    """Cases until the verdict."""
    size = differences.size
    finite: Design = {"claim": "suite", "population": size, "deadline": size, "goal": 1.25 * THRESHOLD}
    path = evidence_path(differences, margin=MARGIN, **{**finite, **design})
    reached = (first_reach(e_values, THRESHOLD) for e_values in (path.e_green, path.e_red))
    return min(each or size for each in reached)


def fragile(others: Mapping[str, Array], random: np.random.Generator) -> NDArray[np.int64]:
    """1 for the cases that flipped for others in an earlier certification, 0 for the rest; `others` are differences."""
    flipped: NDArray[np.int64] = np.zeros(next(iter(others.values())).size, dtype=np.int64)
    earlier = random.permutation(flipped.size)
    for differences in others.values():
        if differences.mean() > -0.1:
            seen = earlier[: cases_asked(differences[earlier], {})]
            flipped[seen] |= differences[seen] != 0
    return flipped


def compare(by_variant: Mapping[str, Array], target: str, orders: int) -> dict[str, float]:
    """Mean cases of one variant in random orders, by kind."""
    baseline = by_variant[BASELINE]
    differences = {name: each - baseline for name, each in by_variant.items() if name != BASELINE}
    others = {name: each for name, each in differences.items() if name != target}
    asked: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for seed in range(orders):
        random = np.random.default_rng(seed)
        strata, order = fragile(others, random), random.permutation(baseline.size)
        chosen = fragile_first(strata[order], {0: 1.0, 1: ATTENTION}, seed=seed)
        first = order[chosen.order]
        for kind, taken, design in (
            ("plain", order, Design()),
            ("control variate", order, Design(baseline=baseline[order])),
            ("fragile strata", first, Design(sampling=chosen)),
            ("both", first, Design(baseline=baseline[first], sampling=chosen)),
        ):
            asked[kind].append(cases_asked(differences[target][taken], design))
    return {kind: float(np.mean(each)) for kind, each in asked.items()}


def recorded_table(repetitions: int) -> None:
    orders = max(10, repetitions // 50)
    means = [
        compare(by_variant, target, orders) for _, by_variant in scores() for target in by_variant if target != BASELINE
    ]
    print(
        f"claim: suite, the lab's recordings, margin {MARGIN}: mean cases of {len(means)} proofs, {orders} orders each"
    )
    plain = np.array([each["plain"] for each in means])
    for kind in KINDS:
        cases = np.array([each[kind] for each in means])
        better, worse = int((cases < 0.98 * plain).sum()), int((cases > 1.02 * plain).sum())
        print(f"  {kind:>16}  {cases.mean():.1f}   fewer by 2 % and more: {better} proofs   more: {worse}")


TABLES: dict[str, Callable[[int], None]] = {"recorded": recorded_table}
