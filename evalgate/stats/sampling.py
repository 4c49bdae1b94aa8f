"""The order in which cases are asked: random, fixed by a seed, and fragile cases first where that pays.

Cases that flipped for other variants, that are unstable under repeats or that have a thin logprob margin carry most
of the flips. Drawing them with higher probability, and weighting each by what its stratum holds over the probability
with which it was drawn, keeps the bets fair whatever the labels are worth: a bad label costs cases, never an error
rate. (Waudby-Smith & Ramdas 2020 for sampling without replacement; Horvitz & Thompson 1952 for the weights.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evalgate.errors import StatisticsError
from evalgate.stats._input import FloatArray, IntArray, whole


@dataclass(frozen=True, slots=True)
class SamplingOrder:
    """An order over a whole suite of N cases, and the weights that make it fair.

    `order` (N,): indices of the cases in the order in which to ask them.
    `importance` (N,): the weight of each case in that order, (R_k / R) / pi_k: the share of its stratum among the
    cases still to come, over the probability with which the stratum was drawn.
    `largest_importance` (N,): the largest weight that could have been drawn at each place.
    """

    order: IntArray
    importance: FloatArray
    largest_importance: FloatArray


def random_order(cases: int, *, seed: int) -> IntArray:
    """A random order of `cases` cases, shape (cases,): the same for the same seed on every machine.

    PCG64 and a sort of its raw 64-bit draws: both are fixed by definition, whatever the release of numpy.
    """
    whole(cases, "cases", at_least=1)
    return np.argsort(_raw_draws(cases, seed), kind="stable").astype(np.int64)


def fragile_first(strata: IntArray | list[int], attention: Mapping[int, float], *, seed: int) -> SamplingOrder:
    """An order that draws stratum k with probability proportional to (cases left in k) x `attention[k]`.

    `strata` (N,): the label of each case of the suite. `attention`: for each label a positive number; the fewest
    cases are needed when it is proportional to the square root of the stratum's flip rate (Neyman 1934). Raises
    `StatisticsError` if a label has no attention, or an attention is not a positive number.
    """
    labels = np.asarray(strata)
    if labels.ndim != 1 or labels.size == 0 or labels.dtype.kind not in "iu":
        msg = f"strata: expected one whole number for each case, got {labels.dtype} of shape {labels.shape}"
        raise StatisticsError(msg)
    names = np.unique(labels)
    missing = [int(name) for name in names if int(name) not in attention]
    if missing:
        msg = f"attention: nothing for strata {missing}; every stratum needs a positive number"
        raise StatisticsError(msg)
    weights = np.array([float(attention[int(name)]) for name in names])
    if not (np.isfinite(weights) & (weights > 0.0)).all():
        msg = f"attention: {dict(attention)} must be finite and positive for every stratum"
        raise StatisticsError(msg)

    shuffled = random_order(labels.size, seed=seed)
    waiting = [list(shuffled[labels[shuffled] == name][::-1]) for name in names]
    left = np.array([float(len(members)) for members in waiting])
    choices = _raw_draws(2 * labels.size, seed)[labels.size :] * 2.0**-53  # a stretch the shuffle did not use
    order = np.empty(labels.size, dtype=np.int64)
    importance, largest = np.empty(labels.size), np.empty(labels.size)
    for place in range(labels.size):
        pull = np.cumsum(left * weights)
        # The last stratum that still holds cases also takes a draw that rounding put beyond all of them.
        stratum = min(int(np.searchsorted(pull, choices[place] * pull[-1], side="right")), _last_open(left))
        fairness = pull[-1] / (left.sum() * weights)
        importance[place] = fairness[stratum]
        largest[place] = fairness[left > 0].max()
        order[place] = waiting[stratum].pop()
        left[stratum] -= 1.0
    return SamplingOrder(order, importance, largest)


def _last_open(left: FloatArray) -> int:
    return int(np.flatnonzero(left)[-1])


def _raw_draws(count: int, seed: int) -> FloatArray:
    """53-bit whole numbers as floats, shape (count,)."""
    raw = np.random.PCG64(whole(seed, "seed", at_least=0)).random_raw(count)
    return (raw >> np.uint64(11)).astype(np.float64)
