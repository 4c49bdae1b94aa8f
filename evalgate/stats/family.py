"""All variants of one operation: which are green when the router takes the cheapest green, so errors are selected for.

The family is every variant ever ruled on, and whoever may still come. What bounds the chance of *any* false green is
closed testing (Marcus, Peritz & Gabriel 1976) on means of e-values (Vovk & Wang 2021, section 5): a variant is green
once every intersection of null hypotheses that contains its own is rejected, and an intersection is rejected once a
weighted mean of its members' e-values reaches 1 / alpha. In each intersection the members of the first batch share
nine tenths equally; of the last tenth, the reserve, the k-th latecomer has 1 / (k (k + 1)) and whoever may still come
the rest; weights of those who are not in it are left out of the mean.

Of all intersections only the hardest has to be looked at, which is the one with everybody who lacks evidence:

    first batch:  E_i >= A' + sum over the others of the batch of max(0, A' - E_j),       A' = 1/alpha + L / 0.9
    latecomer:    E_i >= 1/alpha + (0.9 max(0, 1/alpha - min over the batch of E_j) + L) / w_i

where L is the sum of w_j max(0, 1/alpha - E_j) over the (other) latecomers and the reserve, whose e-value is 1.

Why that is valid at every moment: let V be the variants that are truly too bad. A false green rejects the
intersection of V, so the weighted mean of the e-values of V reached 1 / alpha. That mean is itself an e-process: each
E_j begins at 1 and is fair to its own null, an e-process that was stopped stays one, a member that has not begun
counts 1, and weights are named before the member is seen. So this happens with probability alpha at most (Ville). It
beats Holm because evidence below the threshold counts too: a variant that is nearly proven hardly stands in the way.

The e-values are the *current* ones: running maxima are no e-values, and their mean would reach 1 / alpha too often.

What the proof does not cover: a latecomer is asked the same cases again, after the others' answers to them are known.
That its e-process stays fair given those answers is an assumption; `benchmarks/policies.py` measures the error rate
with variants that flip on the same cases and arrive because nobody was green.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np

from evalgate.errors import StatisticsError
from evalgate.stats._input import FloatArray, between, numbers, whole
from evalgate.stats._wealth import CERTAIN

RESERVE = 0.1
"""The share that is kept for all latecomers together; the first batch has the rest."""

_FIRST_SHARE = 0.9


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

    What that costs: the first latecomer is asked for an e-value of 400 at alpha = .05 if somebody of the first batch
    is red, and for 40 if all are green. The reserve costs the first batch 1 to 3 % of its cases.
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
    maxima. Paths may differ in length: one that ended keeps its last e-value. `weights`: one for each, in (0, 1]; 1
    says that it was in the first batch, `arrival_weight(k)` that it is a latecomer; all 1 if not given. `absent`:
    (weight, e-value) of members that are not judged now: earlier verdicts with their e-value at the stop, and
    `(reserve_left(K), 1.0)` for whoever may still come. `scale`: one for each path, in (0, 1], where a variant is
    tested at a level of its own, alpha_i = scale alpha (`e_lond_level`): its e-values count so much less, absent ones
    are to be given scaled.

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
    members = [_Member(*pair) for pair in zip(shares, _together(paths, scales), strict=True)]
    gone = _Absent(absent, asked)
    decided: list[int | None] = [None] * len(paths)
    thresholds = [0.0] * len(paths)
    open_ = list(range(len(paths)))
    done = 0  # rounds in which nothing can change any more
    while open_:
        needed = dict(zip(open_, _needed([members[v].since(done) for v in open_], gone, asked), strict=True))
        reached = {v: members[v].evidence[done:] >= needed[v] for v in open_}
        now = np.flatnonzero(np.logical_or.reduce(list(reached.values())))
        if not now.size:
            break
        for variant in [v for v in open_ if reached[v][now[0]]]:
            decided[variant] = done + int(now[0]) + 1
            thresholds[variant] = float(needed[variant][now[0]]) / scales[variant]
            open_.remove(variant)
        # Intersections with these are rejected for good, so the others may be green in this very round.
        done += int(now[0])
    for variant in open_:
        thresholds[variant] = float(needed[variant][-1]) / scales[variant]
    return FamilyOutcome(tuple(decided), tuple(thresholds))


@dataclass(frozen=True, slots=True)
class _Member:
    """A variant that is judged: its weight and its e-values, one for each round."""

    weight: float
    evidence: FloatArray

    def since(self, done: int) -> _Member:
        return _Member(self.weight, self.evidence[done:])

    @property
    def first(self) -> bool:
        return self.weight == 1.0


class _Absent:
    """The members that are not judged now: e-values of the first batch, and what latecomers and reserve lack."""

    def __init__(self, absent: Sequence[tuple[float, float]], asked: float) -> None:
        self.first: list[float] = []
        lacking = []
        for member, (weight, e_value) in enumerate(absent):
            share = between(weight, f"absent[{member}]: weight", 0.0, 1.0, closed="high")
            known = between(e_value, f"absent[{member}]: e-value", 0.0, CERTAIN, closed="low high")
            if share == 1.0:
                self.first.append(known)
            else:
                lacking.append(share * max(asked - known, 0.0))
        self.late_lacking = fsum(lacking)


def _needed(members: Sequence[_Member], gone: _Absent, asked: float) -> list[FloatArray]:
    """The e-value asked of each member in each round, in the order given; what it lacks itself is not counted."""
    rounds = members[0].evidence.size
    late = [member.weight * np.maximum(asked - member.evidence, 0.0) for member in members if not member.first]
    late_lacking = _sum([*late, np.full(rounds, gone.late_lacking)])
    first = [member.evidence for member in members if member.first]
    first += [np.full(rounds, known) for known in gone.first]
    of_first = asked + late_lacking / _FIRST_SHARE
    first_lacking = _sum([np.zeros(rounds), *(np.maximum(of_first - each, 0.0) for each in first)])
    behind = _FIRST_SHARE * np.maximum(asked - np.minimum.reduce([np.full(rounds, asked), *first]), 0.0)
    needed = []
    for member in members:
        if member.first:
            others = first_lacking - np.maximum(of_first - member.evidence, 0.0)
            needed.append(of_first + np.maximum(others, 0.0))
        else:
            others = late_lacking - member.weight * np.maximum(asked - member.evidence, 0.0)
            needed.append(asked + (behind + np.maximum(others, 0.0)) / member.weight)
    return needed


def _sum(rows: Sequence[FloatArray]) -> FloatArray:
    """Row after row, in an order of their own: rounding does not depend on who is listed first."""
    total: FloatArray = np.zeros(rows[0].shape)
    for row in sorted(rows, key=lambda row: row.tobytes()):
        total = total + row
    return total


def _together(paths: Sequence[FloatArray], scales: Sequence[float]) -> list[FloatArray]:
    """The e-values of all in as many rounds as the longest path has."""
    rounds = max(len(path) for path in paths)
    together = []
    for variant, path in enumerate(paths):
        known = scales[variant] * numbers(path, f"paths[{variant}]", low=0.0, high=CERTAIN)
        together.append(np.concatenate([known, np.full(rounds - known.size, known[-1])]))
    return together


def _one_each(values: Sequence[float] | None, name: str, count: int) -> list[float]:
    if values is None:
        return [1.0] * count
    if len(values) != count:
        msg = f"{name}: {len(values)} values, expected {count}: one for each variant"
        raise StatisticsError(msg)
    return [between(value, f"{name}[{v}]", 0.0, 1.0, closed="high") for v, value in enumerate(values)]
