"""Many metrics, many variants, many operations, every day: how the error rates stay what was promised.

- Metrics of one variant: green needs all of them, so no correction is due (intersection-union, Berger 1982); red is a
  union, so each gets beta / M.
- Variants of one operation: the router takes the *cheapest* green, so errors are selected for. Closed testing bounds
  the chance of any false green in the operation: see `family`, which is more powerful than the Holm kept here.
- The whole board: e-BH bounds the share of false greens among all greens, under any dependence.
- Time: every new certification is charged to an e-LOND budget.

All thresholds are compared with e-values, which are the same bits on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalgate.errors import StatisticsError
from evalgate.stats._input import BoolArray, FloatArray, Numbers, between, numbers, whole
from evalgate.stats._wealth import CERTAIN
from evalgate.stats.certify import Verdict
from evalgate.stats.family import FamilyOutcome
from evalgate.stats.sequential import first_reach

_FIRST, _LATER = 0.9, 0.1  # shares of the budget: for the first certification, and for all later ones together


def holm_sequential(e_values: Sequence[FloatArray], alpha: float = 0.05) -> FamilyOutcome:
    """Holm's step-down procedure on running maxima of e-values, in synchronous rounds t = 1, 2, ...

    `e_values`: for each variant the e-values after each case, shape (cases,); paths may differ in length, and a
    variant that is no longer asked keeps its last maximum. In every round, a variant is proven once its maximum
    reaches (m - those already proven) / alpha. One over the running maximum of an e-process is a p-value at every
    moment at once (Ville), so Holm's bound on any false proof holds for every stopping rule (Holm 1979).

    The outcome depends on the evidence after each case only: not on batches, nor on which variant answered first.
    Raises `StatisticsError` if there is no variant, a path is empty, or `alpha` is not in (0, 1).
    """
    between(alpha, "alpha", 0.0, 1.0)
    if not e_values:
        msg = "e_values: empty; Holm needs at least one variant"
        raise StatisticsError(msg)
    paths = [
        np.maximum.accumulate(numbers(path, f"e_values[{variant}]", low=0.0, high=CERTAIN))
        for variant, path in enumerate(e_values)
    ]
    decided: list[int | None] = [None] * len(paths)
    thresholds = [0.0] * len(paths)
    open_ = list(range(len(paths)))
    current_round = 1
    while open_:
        threshold = len(open_) / alpha
        rounds = {variant: first_reach(paths[variant], threshold) for variant in open_}
        # A threshold that has just become lower is met in the current round by whoever passed it earlier.
        reached = {v: max(at, current_round) for v, at in rounds.items() if at is not None}
        if not reached:
            break
        first = min(open_, key=lambda v: reached.get(v, np.inf))
        current_round = reached[first]
        decided[first], thresholds[first] = current_round, threshold
        open_.remove(first)
    for variant in open_:
        thresholds[variant] = len(open_) / alpha
    return FamilyOutcome(tuple(decided), tuple(thresholds))


def e_bh(e_values: Numbers, level: float = 0.05) -> BoolArray:
    """Which hypotheses the e-BH procedure rejects, at a false discovery rate of `level`; shape as `e_values`, (m,).

    Rejects the k largest e-values, for the largest k whose k-th e-value is at least m / (k level). Valid under any
    dependence; feed it e-values at a stopping time, not their running maxima, whose mean may exceed one.
    Wang & Ramdas 2022 (JRSS-B 84:822), definition 1.
    """
    values = numbers(e_values, "e_values", low=0.0, high=CERTAIN)
    between(level, "level", 0.0, 1.0)
    ranked = np.sort(values)[::-1]
    ranks = np.arange(1, values.size + 1)
    enough = np.flatnonzero(ranked * ranks >= values.size / level)
    if enough.size == 0:
        return np.zeros(values.shape, dtype=np.bool_)
    return np.asarray(values >= ranked[enough[-1]])


def e_lond(e_values: Numbers, level: float = 0.05) -> BoolArray:
    """Which of a sequence of hypotheses e-LOND rejects, at a false discovery rate of `level`; shape (m,).

    The t-th is rejected if its e-value reaches 1 / `e_lond_level` of the decisions before it. Whatever comes later
    changes nothing, and the dependence may be arbitrary. Xu & Ramdas 2024 (AISTATS, arXiv 2306.06793), theorem 1.
    """
    values = numbers(e_values, "e_values", low=0.0, high=CERTAIN)
    decisions: list[bool] = []
    for value in values:
        decisions.append(bool(value >= 1.0 / e_lond_level(decisions, level)))
    return np.array(decisions)


def e_lond_level(decisions: Sequence[bool], level: float = 0.05) -> float:
    """The alpha that the next certification may use, after the `decisions` (green or not) of those before it.

    level x gamma_t x (greens so far + 1) with gamma_1 = 0.9 and gamma_t = 0.1 / (t (t - 1)), which sums to one: most
    certify once, and a second attempt after an unwelcome verdict pays for being one. As long as nothing was green,
    the levels of all attempts together stay below `level`, so that is also the chance that any of them is falsely so.
    """
    between(level, "level", 0.0, 1.0)
    turn = len(decisions) + 1
    share = _FIRST if turn == 1 else _LATER / (turn * (turn - 1))
    return level * share * (sum(map(bool, decisions)) + 1)


def intersection_union(e_values: Sequence[FloatArray]) -> FloatArray:
    """The evidence that *all* metrics are fine after each case, shape (cases,): the smallest running maximum.

    `e_values`: for each metric the e-values after each case, all of one length. Reaching 1/alpha at level alpha
    needs no correction (Berger 1982): where one metric is truly worse, its own evidence stays below.
    """
    return np.asarray(np.minimum.reduce(_maxima(_checked(e_values))))


def union_red(e_values: Sequence[FloatArray]) -> FloatArray:
    """The evidence that *some* metric is worse after each case, shape (cases,): the largest maximum over M.

    Reaching 1/beta is the same as one metric reaching M/beta, and that metric can be named.
    """
    return np.asarray(np.maximum.reduce(_maxima(_checked(e_values))) / len(e_values))


def combine_verdicts(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict for all gating metrics: red if any is, green if all are. Reds must have been held to beta / M."""
    if not verdicts:
        msg = "verdicts: empty; a gate needs at least one metric"
        raise StatisticsError(msg)
    if "red" in verdicts:
        return "red"
    return "green" if all(verdict == "green" for verdict in verdicts) else "inconclusive"


def _checked(e_values: Sequence[FloatArray]) -> list[FloatArray]:
    whole(len(e_values), "e_values: the number of metrics", at_least=1)
    length = len(e_values[0])
    return [
        numbers(path, f"e_values[{metric}]", low=0.0, high=CERTAIN, length=length)
        for metric, path in enumerate(e_values)
    ]


def _maxima(paths: Sequence[FloatArray]) -> list[FloatArray]:
    return [np.maximum.accumulate(path) for path in paths]
