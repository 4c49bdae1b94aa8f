"""The record of one operation: what all sides answered so far, what that proves, and who still has to be asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evalgate import stats
from evalgate.gate.board import BaselineCheck, Diagnostic, MetricEvidence, OperationBoard, Verdict
from evalgate.gate.contest import Differences, Ruling, rule
from evalgate.gate.decide import evidence, flips, reason
from evalgate.gate.facts import Tally, VariantFacts
from evalgate.gate.transcript import BUILT_IN, FloatArray, Transcript, unit_means
from evalgate.suite import Gate, Suite


@dataclass(frozen=True)
class Sides:
    """Who is held against whom: the variants against the baseline, and the baseline, asked again, against itself.

    `family` is how many variants the operation has in all, where not all of them are judged now.
    """

    baseline: Transcript
    again: Transcript | None
    variants: Mapping[str, Transcript]
    family: int = 0


class Record:
    """Grows with the transcripts of its sides; pure, so that the same answers always give the same board.

    `metrics` are those that the suite asserts; which of them decide is the gate's choice. `units` says how many
    consecutive cases make one unit.
    """

    def __init__(self, suite: Suite, sides: Sides, metrics: Collection[str], units: Sequence[int]) -> None:
        self._suite, self._sides, self._units = suite, sides, units
        self._gating = list(suite.gate.metrics or metrics)
        self._shown = [metric for metric in (*metrics, *BUILT_IN) if metric not in self._gating]
        self._rulings: dict[str, Ruling] = {}
        self._again: Ruling | None = None
        self._known: dict[int, tuple[int, Differences]] = {}

    @property
    def gate(self) -> Gate:
        """The policy."""
        return self._suite.gate

    def rule(self) -> dict[str, Ruling]:
        """Look at the evidence; returns the ruling on each variant."""
        differences = {name: self._differences(side) for name, side in self._sides.variants.items()}
        self._rulings = rule(differences, self.gate, family=self._sides.family)
        if self._sides.again is not None:
            alone = self.gate.model_copy(update={"control": "verdict"})
            self._again = rule({"again": self._differences(self._sides.again)}, alone)["again"]
        return self._rulings

    def open_sides(self) -> list[Transcript]:
        """Who has to be asked more: nobody when all is ruled on, or when the baseline cannot even match itself."""
        if self._again is not None and self._again.outcome == "red":
            return []
        waiting = [side for name, side in self._sides.variants.items() if self._is_open(self._rulings.get(name))]
        if self._sides.again is not None and self._is_open(self._again):
            waiting.append(self._sides.again)
        return [self._sides.baseline, *waiting] if waiting else []

    def least_further_units(self) -> int:
        """So many units can be asked at once without waste: no verdict is possible before."""
        return min((self._least(side, name) for name, side in self._open()), default=0)

    def board(self, grading_hash: str, *, note: str = "") -> OperationBoard:
        """The verdicts as they stand; `note` says why the asking ended, where it did not end by itself."""
        suite, gate = self._suite, self.gate
        return OperationBoard(
            operation=suite.operation,
            model=suite.file.model,
            suite=str(suite.path),
            suite_hash=suite.hash,
            grading_hash=grading_hash,
            baseline=VariantFacts.of(self._sides.baseline.endpoint),
            baseline_check=self._baseline_check(),
            family=max(self._sides.family, len(self._sides.variants)),
            unit="cluster" if suite.file.cluster_by else "case",
            available=len(self._units),
            repeats=suite.file.repeats,
            seed=gate.seed,
            margin=gate.margin,
            alpha=gate.alpha,
            beta=gate.beta,
            claim=gate.claim,
            control=gate.control,
            valid_seconds=int(gate.valid_for.total_seconds()),
            on_inconclusive=gate.on_inconclusive,
            verdicts=tuple(self._verdict(name, side, note) for name, side in self._sides.variants.items()),
        )

    def _open(self) -> list[tuple[str, Transcript]]:
        named = [*self._sides.variants.items()]
        if self._sides.again is not None:
            named.append(("", self._sides.again))
        asked = self.open_sides()
        return [(name, side) for name, side in named if any(side is one for one in asked)]

    def _least(self, side: Transcript, name: str) -> int:
        needed = self._rulings[name].e_needed if name in self._rulings else 1 / self.gate.alpha
        least = []
        for metric in self._gating:
            further = stats.minimum_further_cases(
                self._paired(side, metric)[1],
                margin=self.gate.margin,
                threshold_green=max(needed / max(1, len(self._sides.variants)), 1 / self.gate.alpha),
                threshold_red=len(self._gating) / self.gate.beta,
                **self._design(),
            )
            least += [count for count in (further.green, further.red) if count]
        return min(least, default=1)

    @staticmethod
    def _is_open(ruling: Ruling | None) -> bool:
        return ruling is None or ruling.outcome == "inconclusive"

    def _design(self) -> stats.Design:
        # the whole suite, also where `max_cases` lets only a part of it be asked: the proof is about all of it
        population = len(self._suite.units) if self.gate.claim == "suite" else None
        return {"claim": self.gate.claim, "red_margin": self.gate.red_margin, "population": population}

    def _paired(self, side: Transcript, metric: str) -> tuple[FloatArray, FloatArray]:
        """Baseline scores and differences per unit, for the cases that both have answered."""
        cases = self._both(side)
        baseline = self._sides.baseline.scores(metric)[:cases]
        differences = side.scores(metric)[:cases] - baseline
        return unit_means(baseline, self._units), unit_means(differences, self._units)

    def _both(self, side: Transcript) -> int:
        """A wave that a budget cut short leaves one side longer than the other."""
        return min(side.cases, self._sides.baseline.cases)

    def _differences(self, side: Transcript) -> Differences:
        known = self._known.get(id(side))
        if known is not None and known[0] == self._both(side):
            return known[1]  # whoever is ruled on is asked no more, and its evidence stays what it was
        metrics = {metric: self._paired(side, metric)[1] for metric in self._gating}
        cases = self._both(side)
        both = side.answered()[:cases] & self._sides.baseline.answered()[:cases]
        answered = unit_means(both.astype(float), self._units) == 1
        made = Differences(metrics, self.gate, answered, self._design()["population"])
        self._known[id(side)] = (cases, made)
        return made

    def _verdict(self, name: str, side: Transcript, note: str) -> Verdict:
        ruling = self._rulings.get(name) or Ruling("inconclusive", 0, 1 / self.gate.alpha)
        cases = sum(self._units[: ruling.units])
        gating = tuple(self._evidence(side, metric, ruling.units) for metric in self._gating)
        outcome, why = ruling.outcome, reason(ruling, gating, self.gate, note)
        if unfit := self._unfit(note) or self._idle(outcome, gating):
            outcome, why = "inconclusive", unfit
        elif hanging := self._hanging_on_failures(ruling, gating, side):
            why = hanging
        so_far = self._differences(side).max_e_green[ruling.units - 1] if ruling.units else 0.0
        proven_alone = so_far >= 1 / self.gate.alpha
        remark = "measurably worse, within margin" if ruling.measurably_worse else ""
        if ruling.outcome != "green" and proven_alone and not unfit:
            alone = (
                f"within the margin on its own (e-value ≥ {1 / self.gate.alpha:g}), but not proven among so many (Holm)"
            )
            remark = f"measurably worse; {alone}" if ruling.outcome == "red" else alone
        return Verdict(
            variant=VariantFacts.of(side.endpoint),
            outcome=outcome,
            reason=why,
            note=remark,
            cases=ruling.units,
            e_needed=ruling.e_needed,
            metrics=gating,
            diagnostics=tuple(self._diagnostic(side, metric, ruling.units) for metric in self._shown),
            usage=Tally(side.flat(cases)).usage(side.endpoint),
            baseline_usage=Tally(self._sides.baseline.flat(cases)).usage(self._sides.baseline.endpoint),
            flips=flips(self._suite.cases[:cases], side, self._sides.baseline, self._gating),
        )

    def _evidence(self, side: Transcript, metric: str, units: int) -> MetricEvidence:
        baseline, differences = self._paired(side, metric)
        return evidence(metric, differences[:units], baseline[:units], self.gate, self._design())

    def _diagnostic(self, side: Transcript, metric: str, units: int) -> Diagnostic:
        baseline, differences = (values[:units] for values in self._paired(side, metric))
        if not units:
            return Diagnostic(metric, 0.0, 0.0)
        return Diagnostic(metric, float(baseline.mean()), float((baseline + differences).mean()))

    def _unfit(self, note: str) -> str:
        """Why nobody can be judged by this suite; empty when it is fit, or was not asked to show that it is."""
        if self._sides.again is None or (self._again is not None and self._again.outcome == "green"):
            return ""
        check = self._baseline_check()
        assert check is not None
        if note and check.outcome == "inconclusive":
            return f"{note} before the baseline was proven equal to itself"
        return (
            f"suite unfit: the baseline held against itself is {check.outcome} after {check.cases} cases "
            f"(it differs from itself on {check.flip_rate:.1%}); widen the margin, add cases or repeats"
        )

    def _idle(self, outcome: str, gating: Sequence[MetricEvidence]) -> str:
        """Why a green would say nothing: nobody can be worse by the margin than a baseline that scores no more."""
        low = [metric for metric in gating if metric.baseline_score <= self.gate.margin]
        if outcome != "green" or not low:
            return ""
        return (
            f"suite unfit: the baseline itself scores {low[0].baseline_score:.3f} on {low[0].metric}, so nobody can be "
            f"worse by {self.gate.margin:g}; look at the graders and the targets"
        )

    def _hanging_on_failures(self, ruling: Ruling, gating: Sequence[MetricEvidence], side: Transcript) -> str:
        """Why there is no verdict although the scores would prove one: it would rest on calls that failed."""
        red = any(metric.e_red >= len(gating) / self.gate.beta for metric in gating)
        green = all(metric.e_green >= ruling.e_needed for metric in gating)
        if ruling.outcome != "inconclusive" or not (red or green):
            return ""
        cases = sum(self._units[: ruling.units])
        ours, theirs = (sum(answer.failed for answer in one.flat(cases)) for one in (side, self._sides.baseline))
        return (
            f"{'red' if red else 'green'} would rest on failed calls ({ours} of the variant's, {theirs} of the "
            "baseline's): it is not proven without them"
        )

    def _baseline_check(self) -> BaselineCheck | None:
        side = self._sides.again
        if side is None:
            return None
        ruling = self._again or Ruling("inconclusive", 0, 1 / self.gate.alpha)
        moved = [np.abs(self._paired(side, metric)[1][: ruling.units]) > 0 for metric in self._gating]
        rate = float(np.mean(np.logical_or.reduce(moved))) if ruling.units else 0.0
        return BaselineCheck(ruling.outcome, ruling.units, rate)
