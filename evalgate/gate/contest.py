"""Who is green, who is red, who needs more cases: the sequential decision for all variants of one operation.

Pure: score arrays in, rulings out. The variants advance in synchronous rounds, one case a round, so the outcome depends
on the cases and their order alone and not on how many were asked at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from evalgate import stats
from evalgate.gate.board import Outcome
from evalgate.suite import Gate

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is decided of one variant, after how many cases, and the e-value that green was asked for."""

    outcome: Outcome
    cases: int
    e_needed: float
    measurably_worse: bool = False


@dataclass(frozen=True)
class Differences:
    """D = variant − baseline in the order asked, by metric; all arrays have one length and lie in [−1, 1]."""

    metrics: Mapping[str, FloatArray]
    gate: Gate

    @cached_property
    def paths(self) -> Mapping[str, stats.EvidencePath]:
        """The e-processes of each metric."""
        return {name: stats.evidence_path(values, margin=self.gate.margin) for name, values in self.metrics.items()}

    @cached_property
    def max_e_green(self) -> FloatArray:
        """Evidence so far that *all* metrics are as good (intersection–union: the weakest speaks for all)."""
        weakest: FloatArray = np.minimum.reduce([path.max_e_green for path in self.paths.values()])
        return weakest

    @cached_property
    def red_at(self) -> int:
        """The case (from 1) after which some metric is proven worse, 0 if none is. A union: each gets β / M."""
        threshold = len(self.paths) / self.gate.beta
        firsts = (_first(path.max_e_red >= threshold) for path in self.paths.values())
        return min((first for first in firsts if first), default=0)

    @property
    def cases(self) -> int:
        """How many cases there are so far."""
        return int(self.max_e_green.size)


def rule(variants: Mapping[str, Differences], gate: Gate) -> dict[str, Ruling]:
    """Rule on every variant with what is known so far; `inconclusive` is whoever is neither green nor red (yet).

    Green under `control: family` asks for Holm's threshold, m/α with m variants not yet green; under `verdict` for 1/α.
    A variant stops at its first proof, so a red one takes no part in later rounds but still counts in m.
    """
    # sorted, so that a tie between two variants does not depend on who is listed first
    heard = {name: each.max_e_green[: each.red_at or each.cases] for name, each in sorted(variants.items())}
    if gate.control == "family":
        outcome = stats.holm_sequential(list(heard.values()), gate.alpha)
        green_at = dict(zip(heard, outcome.decided_at, strict=True))
        needed = dict(zip(heard, outcome.threshold, strict=True))
    else:
        needed = dict.fromkeys(heard, 1 / gate.alpha)
        green_at = {name: _first(values >= 1 / gate.alpha) for name, values in heard.items()}
    rulings = {}
    for name, each in variants.items():
        red_at = each.red_at
        if green_at[name]:
            # Holm may grant green in a later round, when others have left the family; no case was added for that
            cases = min(green_at[name], heard[name].size)
            rulings[name] = Ruling("green", cases, needed[name], measurably_worse=bool(red_at and red_at <= cases))
        elif red_at:
            rulings[name] = Ruling("red", red_at, needed[name])
        else:
            rulings[name] = Ruling("inconclusive", each.cases, needed[name])
    return rulings


def _first(reached: npt.NDArray[np.bool_]) -> int:
    return int(np.argmax(reached)) + 1 if reached.any() else 0
