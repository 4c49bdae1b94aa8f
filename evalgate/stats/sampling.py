"""The order in which cases are asked: random, fixed by a seed, and fragile cases first where that pays.

Cases that flipped for other variants, that are unstable under repeats or that have a thin logprob margin carry most
of the flips. Drawing them with higher probability, and weighting each by what its stratum holds over the probability
with which it was drawn, keeps the bets fair whatever the labels are worth: a bad label costs cases, never an error
rate. (Waudby-Smith & Ramdas 2020 for sampling without replacement; Horvitz & Thompson 1952 for the weights.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

import numpy as np

from evalgate.errors import StatisticsError
from evalgate.stats._input import FloatArray, IntArray, between, whole


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
    weights = [between(attention[int(name)], f"attention[{name}]", 0.0, 1e9) for name in names]

    shuffled = random_order(labels.size, seed=seed)
    waiting = [shuffled[labels[shuffled] == name].tolist()[::-1] for name in names]
    choices = (_raw_draws(2 * labels.size, seed)[labels.size :] * 2.0**-53).tolist()  # beyond what the shuffle used
    order, importance, largest = [], [], []
    for place, choice in enumerate(choices):
        pulls = [len(members) * weight for members, weight in zip(waiting, weights, strict=True)]
        pull = fsum(pulls)  # exactly rounded, unlike `sum`, which differs between releases of Python
        stratum = _drawn(pulls, choice * pull)
        fair = pull / (labels.size - place)
        order.append(waiting[stratum].pop())
        importance.append(fair / weights[stratum])
        largest.append(fair / min(weight for weight, each in zip(weights, pulls, strict=True) if each))
    return SamplingOrder(np.array(order), np.array(importance), np.array(largest))


def _drawn(pulls: list[float], point: float) -> int:
    """The stratum at `point` if strata are laid end to end; one that is empty has no length and is never drawn."""
    last = 0
    for stratum, pull in enumerate(pulls):
        if pull:
            if point < pull:
                return stratum
            last = stratum
        point -= pull
    return last  # rounding put the point beyond all of them


def _raw_draws(count: int, seed: int) -> FloatArray:
    """53-bit whole numbers as floats, shape (count,)."""
    raw = np.random.PCG64(whole(seed, "seed", at_least=0)).random_raw(count)
    return (raw >> np.uint64(11)).astype(np.float64)
