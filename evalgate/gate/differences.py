"""What one variant's scores prove, held against its baseline's: the evidence after each unit, for green and for red.

Answers that failed score 0, on either side, and no proof may rest on that. So three things have to be proven: the
scores as they are; without the units in which a side failed; and with the baseline's failures scored as if they had
been perfect, because a baseline that times out just where the variant loses would hide the loss. The weakest counts.

An answer that came and says nothing is a loss of whoever gave it, and red may rest on it; but no green may rest on
units in which a side said nothing, or two endpoints that hardly ever answer would be as good as each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import cast

import numpy as np
import numpy.typing as npt

from evalgate import stats
from evalgate.gate.policy import Policy
from evalgate.gate.transcript import AVAILABILITY, BUILT_IN, FloatArray

MIRRORED = " (mirrored)"


@dataclass(frozen=True)
class Failures:
    """What of the differences hangs on calls that failed, or that say nothing; all arrays have one length.

    `answered` marks the units in which both sides answered everything, and `scored` those in which all of that says
    something. `at_best`: by metric, the differences with every failure of the baseline's scored 1.
    """

    answered: npt.NDArray[np.bool_]
    scored: npt.NDArray[np.bool_]
    at_best: Mapping[str, FloatArray] = field(default_factory=dict)


@dataclass(frozen=True)
class Differences:
    """D = variant − baseline per unit, in the order asked, by gating metric; all arrays have one length, in [−1, 1].

    `design` is that of the proof: claim, population, deadline, weights. `absolute` holds, by metric, the variant's own
    scores where the policy requires a least mean of them. `known` holds, by metric, the baseline's scores on the whole
    suite where they serve as control variate.
    """

    metrics: Mapping[str, FloatArray]
    policy: Policy
    design: stats.Design = field(default_factory=stats.Design)
    failures: Failures | None = None
    absolute: Mapping[str, FloatArray] = field(default_factory=dict)
    known: Mapping[str, FloatArray] = field(default_factory=dict)
    # most metrics of most variants never differ at all, and their evidence is one and the same
    _paths: dict[bytes, stats.EvidencePath] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def e_green(self) -> FloatArray:
        """Evidence after each unit that *all* is as good (intersection–union: the weakest speaks for all)."""
        return np.asarray(np.minimum.reduce([green for green, _ in self._evidence]))

    @cached_property
    def red_at(self) -> int:
        """The unit (from 1) after which something is proven worse, 0 if nothing is. A union: each gets its share of β.

        Differences and absolute requirements share it alike.
        """
        return stats.first_reach(self.e_red, 1 / self.policy.beta) or 0

    @cached_property
    def e_red(self) -> FloatArray:
        """The largest evidence up to each unit that something is worse, as a share of what a union asks for."""
        return np.asarray(np.maximum.reduce([red for _, red in self._evidence]) / len(self._evidence))

    @property
    def units(self) -> int:
        """How many units there are so far."""
        return int(self.e_green.size)

    @property
    def scores_prove(self) -> tuple[float, float]:
        """The evidence that the scores alone would give after all units: for green, and for red as a share of 1/β."""
        paths = [self._path(values, self.design, self.known.get(name)) for name, values in self.metrics.items()]
        green = min((float(path.max_e_green[-1]) for path in paths if path.e_green.size), default=1.0)
        red = max((float(path.max_e_red[-1]) for path in paths if path.e_red.size), default=1.0)
        return green, red / len(self._evidence) * self.policy.beta

    def two_sided(self) -> Differences:
        """The same for "neither worse nor better": every metric also mirrored, so that red is β/2 on either side."""
        mirrored = {f"{metric}{MIRRORED}": -values for metric, values in self.metrics.items()}
        failures = replace(self.failures, at_best={}) if self.failures is not None else None
        return replace(self, metrics={**self.metrics, **mirrored}, failures=failures, absolute={})

    def only(self, units: npt.NDArray[np.intp]) -> Differences:
        """The same for some of the units, as a sample of traffic."""
        failures = self.failures
        if failures is not None:
            best = {metric: values[units] for metric, values in failures.at_best.items()}
            failures = Failures(failures.answered[units], failures.scored[units], best)
        return Differences(
            metrics={metric: values[units] for metric, values in self.metrics.items()},
            policy=self.policy,
            design={"claim": "traffic", "red_margin": self.policy.red_margin},
            failures=failures,
        )

    @cached_property
    def _evidence(self) -> list[tuple[FloatArray, FloatArray]]:
        """For each proof that is asked for: current evidence for green, largest evidence for red; shapes (units,)."""
        relative = [self._running(metric, values) for metric, values in self.metrics.items()]
        return [*relative, *(self._required(metric, values) for metric, values in self.absolute.items())]

    def _running(self, metric: str, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        if not values.size:
            return np.ones(0), np.ones(0)
        path = self._path(values, self.design, self.known.get(metric))
        green, red = path.e_green, path.max_e_red
        # availability is about the failures themselves, and is judged with all of them
        if self.failures is None or metric.startswith(AVAILABILITY):
            return green, red
        if not self.failures.scored.all() and metric.removesuffix(MIRRORED) not in BUILT_IN:
            green = np.minimum(green, self._among(self.failures.scored, metric, values)[0])
        if not self.failures.answered.all():
            for other in (self._among(self.failures.answered, metric, values), self._at_best(metric, values)):
                if other is not None:
                    green, red = np.minimum(green, other[0]), np.minimum(red, other[1])
        return green, red

    def _among(self, some: npt.NDArray[np.bool_], metric: str, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The evidence of `some` of the units up to each unit; a finite suite shrinks by those that are left out."""
        kept = np.flatnonzero(some)
        upto = np.searchsorted(kept, np.arange(values.size), side="right")
        if not kept.size:
            return np.ones(values.size), np.ones(values.size)
        known = self.known.get(metric)
        if known is not None:
            known = np.delete(known, np.flatnonzero(~some))
        path = self._path(values[kept], self._without(kept, values.size), known)
        green, red = np.concatenate(([1.0], path.e_green)), np.concatenate(([1.0], path.max_e_red))
        return green[upto], red[upto]

    def _without(self, kept: npt.NDArray[np.intp], units: int) -> stats.Design:
        design, lost = self.design.copy(), units - kept.size
        for key in ("population", "deadline"):
            if (number := cast("int | None", design.get(key))) is not None:
                design[key] = max(number - lost, kept.size)
        weights = design.get("weights")
        if weights is not None:
            all_weights = np.asarray(weights, dtype=np.float64)[:units]
            design["weights"] = all_weights[kept]
            if (total := design.get("total_weight")) is not None:
                design["total_weight"] = max(total - float(all_weights.sum() - all_weights[kept].sum()), 0.0)
        return design

    def _at_best(self, metric: str, values: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        assert self.failures is not None
        best = self.failures.at_best.get(metric)
        if best is None or np.array_equal(best, values):  # only the variant failed: that is proven already
            return None
        path = self._path(best, self.design)
        return path.e_green, path.max_e_red

    def _required(self, metric: str, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        if not values.size:
            return np.ones(0), np.ones(0)
        green, red = self._score_path(metric, values)
        if self.failures is not None and not self.failures.answered.all() and not metric.startswith(AVAILABILITY):
            kept = np.flatnonzero(self.failures.answered)
            without = self._score_path(metric, values[kept]) if kept.size else (np.ones(0), np.ones(0))
            upto = np.searchsorted(kept, np.arange(values.size), side="right")
            red = np.minimum(red, np.concatenate(([1.0], without[1]))[upto])
        return green, red

    def _score_path(self, metric: str, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        policy = self.policy
        minimum = policy.min_score[metric]
        path = stats.score_evidence(
            values,
            minimum=minimum,
            margin=min(policy.margin, minimum / 2),
            claim=self.design.get("claim", "traffic"),
            population=self.design.get("population"),
        )
        return path.e_green, path.max_e_red

    def _path(self, values: FloatArray, design: stats.Design, known: FloatArray | None = None) -> stats.EvidencePath:
        if not values.size:
            return stats.EvidencePath(np.ones(0), np.ones(0))
        if known is not None:
            design = {**design, "baseline": known}
        shared = design is self.design
        if shared and (before := self._paths.get(values.tobytes())) is not None:
            return before
        weights = design.get("weights")
        if weights is not None:
            design = {**design, "weights": np.asarray(weights, dtype=np.float64)[: values.size]}
        path = stats.evidence_path(values, margin=self.policy.margin, **design)
        if shared:
            self._paths[values.tobytes()] = path
        return path
