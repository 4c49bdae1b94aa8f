"""Holds one side against the baseline, unit by unit: what is subtracted from what, and what the proof may rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evalgate import stats
from evalgate.gate.differences import Differences, Failures
from evalgate.gate.policy import Policy
from evalgate.gate.transcript import PROMPT_TOKENS, BoolArray, FloatArray, Transcript

FAMILY_ASKS = 1.25  # of 1 / level, when the others of a family are good too: what the stakes aim at
APART_SECONDS = 3600.0  # an incident of the baseline is over by then, or has become its normal state


@dataclass(frozen=True, slots=True)
class Sides:
    """Who is held against whom: the variants against the baseline, and the baseline, asked again, against itself."""

    baseline: Transcript
    again: Transcript | None
    variants: dict[str, Transcript]


@dataclass
class Pairing:
    """The scores of all sides by unit. `units` says how many consecutive cases make one; `suite_units` for all cases.

    While the baseline is asked twice, to be held against itself, both its answers are paid: a variant is then held
    against their mean, which has half the noise. `asked_twice` counts the cases until that was decided, None: it is
    still open.
    """

    sides: Sides
    policy: Policy
    units: Sequence[int]
    suite_units: Sequence[int]
    asked_twice: int | None = None

    def both(self, side: Transcript) -> int:
        """The cases that `side` and the baseline have answered; a budget may cut a wave short for one of them."""
        return min(side.cases, self.sides.baseline.cases)

    def twice(self, side: Transcript) -> int:
        """The cases on which `side` is held against two answers of the baseline."""
        again = self.sides.again
        if again is None or again is side:
            return 0
        most = min(again.cases, self.both(side))
        return most if self.asked_twice is None else min(most, self.asked_twice)

    def counted(self, side: Transcript, cases: int) -> list[tuple[Transcript, int]]:
        """Whose answers the differences of `side` are made of, and to how many of the first `cases` cases."""
        both = min(cases, self.both(side))
        sides = [(side, both), (self.sides.baseline, both)]
        return sides if self.sides.again is None else [*sides, (self.sides.again, min(both, self.twice(side)))]

    def moved(self, side: Transcript) -> BoolArray:
        """The units on which some deciding metric differs from the baseline's first answer; shape (units,)."""
        cases = self.both(side)
        first = [self._own(side, metric, cases) - self._first(metric, cases) for metric in self.policy.metrics]
        return np.asarray(np.logical_or.reduce([np.abs(self._by_unit(each)) > 0 for each in first]))

    def first(self, metric: str) -> FloatArray:
        """The baseline's first scores so far; shape (units,)."""
        return self._by_unit(self._first(metric, self.sides.baseline.cases))

    def flipped(self, side: Transcript, metric: str, units: int) -> tuple[int, int]:
        """How many of the first `units` units broke and were fixed, beside the baseline's first answer."""
        cases = self.both(side)
        change = self._by_unit(self._own(side, metric, cases) - self._first(metric, cases))[:units]
        return int((change < 0).sum()), int((change > 0).sum())

    def scores(self, side: Transcript, metric: str) -> tuple[FloatArray, FloatArray]:
        """The baseline's scores and the differences to them, per unit."""
        cases = self.both(side)
        baseline = self._baseline(side, metric, cases)
        return self._by_unit(baseline), self._by_unit(self._own(side, metric, cases) - baseline)

    def differences(
        self, side: Transcript, design: stats.Design, known: Mapping[str, FloatArray] | None = None
    ) -> Differences:
        """All that the policy's metrics say of `side`, with what of it hangs on failures.

        `known`: by metric, the baseline's scores on the whole suite, where they serve as control variate.
        """
        cases, policy = self.both(side), self.policy
        answered = self._by_unit((side.answered()[:cases] & self._baseline_answered(side, cases)).astype(float)) == 1
        scored, failures = answered & (self._by_unit(self._silent(side, cases)) == 0), None
        if not scored.all():
            best = {metric: self._at_best(side, metric, cases) for metric in policy.metrics}
            failures = Failures(answered, scored, {} if side is self.sides.again else best)
        return Differences(
            metrics={metric: self.scores(side, metric)[1] for metric in policy.metrics},
            policy=policy,
            design=design,
            failures=failures,
            absolute={metric: self._by_unit(self._own(side, metric, cases)) for metric in policy.min_score},
            known=known or {},
        )

    def apart(self) -> BoolArray:
        """The units whose two answers of the baseline lie at least an hour apart; shape (units,)."""
        again = self.sides.again
        if again is None:
            return np.zeros(0, dtype=np.bool_)
        cases = self.both(again)
        gap = np.abs(again.answered_at()[:cases] - self.sides.baseline.answered_at()[:cases])
        return np.asarray(self._by_unit((gap >= APART_SECONDS).astype(float)) == 1)

    def design(self, claim: stats.Claim, deadline: int, level: float) -> stats.Design:
        """The design of a proof at this level; `deadline` counts units.

        All of it is settled before the first answer and stays the same when the test goes on, or it would be another.
        """
        design: stats.Design = {
            "claim": claim,
            "red_margin": self.policy.red_margin,
            "deadline": deadline,
            "goal": FAMILY_ASKS / level,
            "red_goal": self.policy.proofs / self.policy.beta,
        }
        finite = claim == "suite"
        if finite:  # the whole suite, also where `max_cases` lets only a part of it be asked: the proof is about all
            design["population"] = len(self.suite_units)
        largest = max(self.suite_units, default=1)
        if min(self.suite_units, default=1) < largest and self.policy.cluster_weight == "cases":
            design["weights"] = np.asarray(self.units, dtype=np.float64) / largest
            if finite:
                design["total_weight"] = float(sum(self.suite_units)) / largest
        return design

    def _own(self, side: Transcript, metric: str, cases: int) -> FloatArray:
        if metric == PROMPT_TOKENS and side is not self.sides.baseline:
            ours, theirs = side.prompt_tokens()[:cases], self.sides.baseline.prompt_tokens()[:cases]
            return np.where(np.isnan(ours) | np.isnan(theirs), 1.0, (ours == theirs).astype(float))
        return side.scores(metric)[:cases]

    def _baseline(self, side: Transcript, metric: str, cases: int, *, at_best: bool = False) -> FloatArray:
        first, twice = self._first(metric, cases, at_best=at_best), self.twice(side)
        if not twice or self.sides.again is None:
            return first
        second = self._scored(self.sides.again, metric, twice, at_best=at_best)
        return np.concatenate([(first[:twice] + second) / 2, first[twice:]])

    def _first(self, metric: str, cases: int, *, at_best: bool = False) -> FloatArray:
        return self._scored(self.sides.baseline, metric, cases, at_best=at_best)

    @staticmethod
    def _scored(side: Transcript, metric: str, cases: int, *, at_best: bool) -> FloatArray:
        if metric == PROMPT_TOKENS:  # is about a variant beside the baseline
            return np.ones(cases)
        scores = side.scores(metric)[:cases]
        return np.minimum(scores + side.failed_share()[:cases], 1.0) if at_best else scores

    def _baseline_answered(self, side: Transcript, cases: int) -> BoolArray:
        answered, twice = self.sides.baseline.answered()[:cases].copy(), self.twice(side)
        if self.sides.again is not None:
            answered[:twice] &= self.sides.again.answered()[:twice]
        return answered

    def _silent(self, side: Transcript, cases: int) -> FloatArray:
        """How much of what was said to each case, by `side` or the baseline, says nothing; shape (cases,)."""
        silent, twice = side.silent_share()[:cases] + self.sides.baseline.silent_share()[:cases], self.twice(side)
        if self.sides.again is not None:
            silent[:twice] += self.sides.again.silent_share()[:twice]
        return silent

    def _at_best(self, side: Transcript, metric: str, cases: int) -> FloatArray:
        return self._by_unit(self._own(side, metric, cases) - self._baseline(side, metric, cases, at_best=True))

    def _by_unit(self, values: FloatArray) -> FloatArray:
        """Means over consecutive groups of cases; as many units as `values` fills."""
        ends = np.cumsum(self.units)
        whole = int(np.searchsorted(ends, values.size, side="right"))
        if whole == 0:
            return np.zeros(0)
        starts = np.concatenate(([0], ends[: whole - 1]))
        means: FloatArray = np.add.reduceat(values[: ends[whole - 1]], starts) / np.asarray(self.units[:whole])
        return means
