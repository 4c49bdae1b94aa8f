"""Who is green, who is red, who needs more cases: the sequential decision for all variants of one operation.

Pure: score arrays in, rulings out. The variants advance in synchronous rounds, one unit a round, so the outcome depends
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
from evalgate.gate.transcript import AVAILABILITY, FloatArray
from evalgate.suite import Gate


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is decided of one variant, after how many units, and the e-value that green was asked for."""

    outcome: Outcome
    units: int
    e_needed: float
    measurably_worse: bool = False


@dataclass(frozen=True)
class Differences:
    """D = variant − baseline per unit, in the order asked, by gating metric; all arrays have one length, in [−1, 1].

    `answered` marks the units in which both sides answered everything; None: all. Failures score 0 on either side, but
    no proof may rest on that: it must hold with the failures left out as well, or the verdict stays open. Availability
    alone is about the failures themselves, and is judged with all of them.
    """

    metrics: Mapping[str, FloatArray]
    gate: Gate
    answered: npt.NDArray[np.bool_] | None = None
    population: int | None = None

    @cached_property
    def max_e_green(self) -> FloatArray:
        """Evidence so far that *all* metrics are as good (intersection–union: the weakest speaks for all)."""
        return stats.intersection_union([green for green, _ in self._evidence])

    @cached_property
    def red_at(self) -> int:
        """The unit (from 1) after which some metric is proven worse, 0 if none is. A union: each gets β / M."""
        return stats.first_reach(stats.union_red([red for _, red in self._evidence]), 1 / self.gate.beta) or 0

    @property
    def units(self) -> int:
        """How many units there are so far."""
        return int(self.max_e_green.size)

    @cached_property
    def _evidence(self) -> list[tuple[FloatArray, FloatArray]]:
        return [self._running(metric, values) for metric, values in self.metrics.items()]

    def _running(self, metric: str, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Largest e-values so far, for green and for red, of one metric; shape (units,)."""
        path = self._path(values)
        if metric == AVAILABILITY or self.answered is None or self.answered.all():
            return path.max_e_green, path.max_e_red
        green, red = np.ones(values.size), np.ones(values.size)
        kept = np.flatnonzero(self.answered)
        if kept.size:
            without = self._path(values[kept])
            # after unit i, the evidence of the answered units up to i
            upto = np.searchsorted(kept, np.arange(values.size), side="right")
            green = np.concatenate(([1.0], without.max_e_green))[upto]
            red = np.concatenate(([1.0], without.max_e_red))[upto]
        return np.minimum(path.max_e_green, green), np.minimum(path.max_e_red, red)

    def _path(self, values: FloatArray) -> stats.EvidencePath:
        gate = self.gate
        return stats.evidence_path(
            values, margin=gate.margin, red_margin=gate.red_margin, claim=gate.claim, population=self.population
        )


def rule(variants: Mapping[str, Differences], gate: Gate, *, family: int = 0) -> dict[str, Ruling]:
    """Rule on every variant with what is known so far; `inconclusive` is whoever is neither green nor red (yet).

    Green under `control: family` asks for Holm's threshold, m/α with m variants not yet green; under `verdict` for 1/α.
    `family` is the size of the whole family where not all of it is judged now: those who are absent still count in m,
    or judging variants one at a time would be a way around the correction.

    A variant is asked no more after its first proof. A red one still counts in m, and may turn green without another
    answer: when others leave the family, what it proved before it was red may be enough. Green wins over red.
    """
    # sorted, so that a tie between two variants does not depend on who is listed first
    heard = {name: each.max_e_green[: each.red_at or each.units] for name, each in sorted(variants.items())}
    if gate.control == "family":
        absent = [np.ones(1)] * (family - len(heard))
        outcome = stats.holm_sequential([*heard.values(), *absent], gate.alpha)
        green_at = dict(zip(heard, outcome.decided_at, strict=False))
        needed = dict(zip(heard, outcome.thresholds, strict=False))
    else:
        needed = dict.fromkeys(heard, 1 / gate.alpha)
        green_at = {name: stats.first_reach(values, 1 / gate.alpha) for name, values in heard.items()}
    rulings = {}
    for name, each in variants.items():
        red_at = each.red_at
        if greened := green_at[name]:
            # Holm may grant green in a later round, when others have left the family; no case was added for that
            units = min(greened, heard[name].size)
            rulings[name] = Ruling("green", units, needed[name], measurably_worse=bool(red_at and red_at <= units))
        elif red_at:
            rulings[name] = Ruling("red", red_at, needed[name])
        else:
            rulings[name] = Ruling("inconclusive", each.units, needed[name])
    return rulings
