"""All variants of one operation: which are green when the router takes the cheapest green, so errors are selected for.

The family is every variant ever ruled on, and whoever may still come. What bounds the chance of *any* false green is
closed testing (Marcus, Peritz & Gabriel 1976) on weighted means of e-values (Vovk & Wang 2021, section 5): variant i
is green once every intersection of null hypotheses that contains its own is rejected, and an intersection is
rejected once the weighted mean of its members' e-values reaches 1 / alpha. Of all intersections the hardest one holds
i and everybody whose own e-value is still below 1 / alpha, so it is enough to ask

    E_i >= 1 / alpha + sum over j != i of (w_j / w_i) max(0, 1 / alpha - E_j).

Why that is valid at every moment: let V be the variants that are truly too bad. A false green rejects the
intersection of V, so the weighted mean of the e-values of V reached 1 / alpha. That mean is itself an e-process: each
E_j begins at 1 and is fair to its own null, an e-process that was stopped stays one, a member that has not begun
counts 1, and weights are named before the member is seen. So this happens with probability alpha at most (Ville). It
beats Holm because evidence below the threshold counts too: a variant that is nearly proven hardly stands in the way.

The e-values are the *current* ones: running maxima are no e-values, and their mean would reach 1 / alpha too often.

What the proof does not cover: a latecomer is asked the same cases again, after the others' answers to them are known.
That its e-process stays fair given those answers is an assumption; `benchmarks/verdicts.py` measures the error rate
with variants that share a baseline and arrive because of what the others showed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np

from evalgate.errors import StatisticsError
from evalgate.stats._input import BoolArray, FloatArray, between, numbers, whole
from evalgate.stats._wealth import CERTAIN

RESERVE = 0.1
"""What all latecomers weigh together, where each variant of the first batch weighs one."""


@dataclass(frozen=True, slots=True)
class FamilyOutcome:
    """What was decided of each variant, in the order given.

    `decided_at`: the round (1 = after the first case) in which each variant was proven, None if it was not.
    `thresholds`: the e-value asked of each when it was proven; of the others, the e-value asked now.
    """

    decided_at: tuple[int | None, ...]
    thresholds: tuple[float, ...]


def arrival_weight(arrival: int) -> float:
    """The weight of the k-th variant that joined after the first batch, k = 1, 2, ...: RESERVE / (k (k + 1)).

    So little that the first batch hardly notices, and that a latecomer needs about twice the cases it needs alone. A
    reserve that grows with the batch would cost a batch of 20 good variants 7 % and spare a latecomer a fifth.
    """
    turn = whole(arrival, "arrival", at_least=1)
    return RESERVE / (turn * (turn + 1))


def reserve_left(arrivals: int) -> float:
    """The weight of everybody who may still come after `arrivals` latecomers: the sum of all further weights."""
    return RESERVE / (whole(arrivals, "arrivals", at_least=0) + 1)


def closed_sequential(
    paths: Sequence[FloatArray],
    alpha: float = 0.05,
    *,
    weights: Sequence[float] | None = None,
    absent: Sequence[tuple[float, float]] = (),
    scale: Sequence[float] | None = None,
) -> FamilyOutcome:
    """Closed testing on weighted means of e-values, in synchronous rounds t = 1, 2, ...

    `paths`: for each variant its current e-values after each case, shape (cases,), in [0, 2^1000]; not their running
    maxima. Paths may differ in length: one that ended keeps its last e-value, and one that is green keeps the e-value
    it was green with. `weights`: one for each, in (0, 1]; 1 for the first batch, `arrival_weight(k)` for a latecomer;
    all 1 if not given. `absent`: (weight, e-value) of members that are not judged now: earlier verdicts with their
    e-value at the stop, and `(reserve_left(K), 1.0)` for whoever may still come. `scale`: one for each path, in
    (0, 1], where a variant is tested at a level of its own, alpha_i = scale alpha (`e_lond_level`): its e-values
    count so much less, absent ones are to be given scaled.

    The chance that any variant that is too bad is ever green is alpha at most; the module says why. The outcome
    depends on the evidence after each case only: not on batches, nor on the order in which variants are listed.
    Raises `StatisticsError` if there is no variant, a path is empty, or a number is out of its range.
    """
    asked = 1.0 / between(alpha, "alpha", 0.0, 1.0)
    if not paths:
        msg = "paths: empty; a family needs at least one variant"
        raise StatisticsError(msg)
    shares = _one_each(weights, "weights", len(paths))
    scales = _one_each(scale, "scale", len(paths))
    rounds = max(len(path) for path in paths)
    evidence = np.empty((len(paths), rounds))
    for variant, path in enumerate(paths):
        known = scales[variant] * numbers(path, f"paths[{variant}]", low=0.0, high=CERTAIN)
        evidence[variant, : known.size] = known
        evidence[variant, known.size :] = known[-1]
    # Sums are taken in an order of their own, so that rounding does not depend on who is listed first.
    order = sorted(range(len(paths)), key=lambda v: (shares[v], evidence[v].tobytes()))
    missing = np.array([shares[v] * np.maximum(asked - evidence[v], 0.0) for v in range(len(paths))])
    outside = _missing_of_absent(absent, asked)

    decided: list[int | None] = [None] * len(paths)
    thresholds = [0.0] * len(paths)
    done = 0  # rounds in which nothing can change any more
    while True:
        total = np.full(rounds - done, outside)
        for variant in order:
            if decided[variant] is None:
                total = total + missing[variant, done:]
        open_ = [variant for variant in order if decided[variant] is None]
        needed = {v: asked + total / shares[v] for v in open_}  # of who reaches `asked`, who misses nothing itself
        first = _first_round([evidence[v, done:] >= needed[v] for v in open_])
        if first is None:
            break
        for variant in open_:
            if evidence[variant, done + first] >= needed[variant][first]:
                decided[variant] = done + first + 1
                thresholds[variant] = float(needed[variant][first]) / scales[variant]
        done += first  # the others may be green in this very round, now that these stand in nobody's way
    for variant in open_:
        others = fsum([outside, *(missing[v, -1] for v in open_ if v != variant)])
        thresholds[variant] = (asked + others / shares[variant]) / scales[variant]
    return FamilyOutcome(tuple(decided), tuple(thresholds))


def _first_round(reached: Sequence[BoolArray]) -> int | None:
    if not reached:
        return None
    any_reached = np.logical_or.reduce(reached)
    return int(np.argmax(any_reached)) if any_reached.any() else None


def _missing_of_absent(absent: Sequence[tuple[float, float]], asked: float) -> float:
    total = 0.0
    for member, (weight, e_value) in enumerate(sorted(absent)):
        share = between(weight, f"absent[{member}]: weight", 0.0, 1.0, closed="high")
        known = between(e_value, f"absent[{member}]: e-value", 0.0, CERTAIN, closed="low high")
        total += share * max(asked - known, 0.0)
    return total


def _one_each(values: Sequence[float] | None, name: str, count: int) -> list[float]:
    if values is None:
        return [1.0] * count
    if len(values) != count:
        msg = f"{name}: {len(values)} values, expected {count}: one for each variant"
        raise StatisticsError(msg)
    return [between(value, f"{name}[{v}]", 0.0, 1.0, closed="high") for v, value in enumerate(values)]
