"""From a record to its board: every verdict with its evidence, its cause, and the reason in one line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import cast

from evalgate.exchange import AnswerKind
from evalgate.facts import Tally, Usage, VariantFacts
from evalgate.facts.triggers import Triggers
from evalgate.gate.board import (
    Cause,
    ControlVariate,
    Diagnostic,
    MetricEvidence,
    OperationBoard,
    Outcome,
    Trying,
    Verdict,
)
from evalgate.gate.contest import Ruling
from evalgate.gate.decide import evidence, flips, other_prompt, required
from evalgate.gate.history import Charge
from evalgate.gate.identity import somebody_else
from evalgate.gate.record import Record
from evalgate.gate.slices import slice_scores
from evalgate.gate.transcript import BUILT_IN, PROMPT_TOKENS, Transcript

_FAULTS: dict[AnswerKind, str] = {
    "empty": "empty",
    "cut_in_reasoning": "empty: the token limit cut the reasoning off before any content",
    "filtered": "stopped by a content filter",
    "refused": "refusals",
    "tool_calls": "tool calls without content",
}
TRIGGER = "tool_trigger_f1"
_NOTABLE = 0.05
_ENOUGH = 10  # answers of the baseline that get no full marks: fewer may be chance
_LOOK = "look at the graders and the targets"


def operation_board(record: Record, metrics: Iterable[str], *, ended: str = "") -> OperationBoard:
    """The verdicts as they stand. `metrics` are all that the suite asserts; `ended` says why the asking ended early."""
    suite, sides = record.suite, record.sides
    shown = [metric for metric in (*metrics, *BUILT_IN) if metric not in record.policy.metrics]
    return OperationBoard(
        operation=suite.operation,
        model=suite.file.model,
        suite=str(suite.path),
        suite_hash=suite.hash,
        grading_hash=record.entry.grading_hash,
        policy=record.policy,
        analysis=record.analysis,
        baseline=VariantFacts.of(sides.baseline.endpoint),
        baseline_check=record.baseline_check(),
        family=record.family_size,
        available=len(record.entry.units),
        verdicts=tuple(_Judging(record, name, side, shown).verdict(ended) for name, side in sides.variants.items()),
    )


class _Judging:
    """One variant of a record, on its way to a verdict."""

    def __init__(self, record: Record, name: str, side: Transcript, shown: Sequence[str]) -> None:
        self.record, self.name, self.side, self.shown = record, name, side, shown
        self.policy, self.baseline = record.policy, record.sides.baseline
        self.ruling = record.rulings.get(name) or Ruling("inconclusive", 0, 1 / self.policy.alpha)
        self.units = self.ruling.units
        self.cases = sum(record.entry.units[: self.units])
        self.charge = record.charges.get(name) or Charge(1, 0, self.policy.alpha, len(record.entry.units))
        self.design = record.design(name)
        ours, theirs = (Tally(one.flat(self.cases)) for one in (self.side, self.baseline))
        self.usage, self.baseline_usage = ours.beside(side.endpoint, theirs, self.baseline.endpoint)

    def verdict(self, ended: str) -> Verdict:
        metrics = (
            *(self._evidence(metric) for metric in self.policy.metrics),
            *(self._required(metric) for metric in self.policy.min_score),
        )
        outcome, cause, reason = self._concluded(metrics, ended)
        worst = max(metrics, key=lambda metric: metric.e_red)
        return Verdict(
            variant=VariantFacts.of(self.side.endpoint),
            outcome=outcome,
            cause=cause,
            reason=reason,
            note=self._note(outcome, cause),
            cases=self.units,
            e_needed=self.ruling.e_needed,
            e_value=self.ruling.e_value,
            beyond_margin=outcome == "red" and (worst.absolute or worst.interval[1] < -self.policy.margin),
            trying=Trying(self.charge.number, self.charge.level, self.charge.arrival),
            metrics=metrics,
            diagnostics=(*(self._diagnostic(metric) for metric in self.shown), *self._triggers()),
            usage=self.usage,
            baseline_usage=self.baseline_usage,
            suspicions=tuple(filter(None, (*self._of_one_kind(), other_prompt(self.side, self.baseline, self.cases)))),
            flips=flips(self.record.suite.cases[: self.cases], self.side, self.baseline, self.policy.metrics),
            control_variate=self._control_variate(),
            slices=slice_scores(self.record.suite, self.cases, self.side, self.baseline, self._compared()),
        )

    def _concluded(self, metrics: Sequence[MetricEvidence], ended: str) -> tuple[Outcome, Cause, str]:
        """What is concluded in the end: a ruling stands only where nothing speaks against it."""
        if objection := self._objection(metrics, ended):
            return "inconclusive", *objection
        if self.ruling.outcome == "inconclusive":
            return "inconclusive", *self._open(metrics, ended)
        return self.ruling.outcome, "proven", self._proof(metrics)

    def _objection(self, metrics: Sequence[MetricEvidence], ended: str) -> tuple[Cause, str] | None:
        """Why there is no verdict, whatever the scores say."""
        if self.name in self.record.down:
            return "unreachable", self.record.down[self.name]
        if other := somebody_else(self.baseline, self.record.sides.again) or somebody_else(self.side):
            return "identity", other
        if unfit := self._unfit(ended):
            return unfit
        if self.ruling.outcome == "green" and (idle := self._idle(metrics)):
            return "scores", idle
        return None

    def _open(self, metrics: Sequence[MetricEvidence], ended: str) -> tuple[Cause, str]:
        """Why neither is proven."""
        if hanging := self._hanging_on_failures():
            return "failures", hanging
        kind = "".join(f"; {told}" for told in self._of_one_kind())
        weakest = min(metrics, key=lambda metric: metric.e_green)
        evidence = f"(e-value for green {weakest.e_green:.3g}, {self.ruling.e_needed:.3g} needed)"
        if ended:
            return "budget", f"{ended}: neither proven after {self.units} {evidence}{kind}"
        if self.record.entry.limited:
            return "limited", f"neither proven after the {self.units} cases that may be asked {evidence}{kind}"
        return "open", f"neither proven after all {self.units} cases {evidence}{kind}"

    def _proof(self, metrics: Sequence[MetricEvidence]) -> str:
        if self.ruling.outcome == "green":
            return f"not worse than {self.policy.margin:g} (e-value {self.ruling.e_value:.3g} at n={self.units})"
        worst = max(metrics, key=lambda metric: metric.e_red)
        if worst.absolute:
            return f"{worst.metric} is not reached (e-value {worst.e_red:.3g} at n={self.units})"
        beyond = worst.interval[1] < -self.policy.margin
        where = f"by more than {self.policy.margin:g}" if beyond else f"perhaps by less than {self.policy.margin:g}"
        kind = "".join(f"; {told}" for told in self._of_one_kind())
        return f"{worst.metric} proven worse, {where} (e-value {worst.e_red:.3g} at n={self.units}){kind}"

    def _note(self, outcome: Outcome, cause: Cause) -> str:
        if outcome == "green":
            return "measurably worse, within margin" if self.ruling.measurably_worse else ""
        if cause not in ("proven", "open", "limited", "budget") or not self.units:
            return ""
        so_far = float(self.record.differences(self.name).e_green[: self.units].max())
        if so_far < 1 / self.policy.alpha:
            return ""
        charged = self.charge.number > 1 or self.policy.control == "verdict"
        why = f"but this is try {self.charge.number}" if charged else "but not proven among so many"
        return f"within the margin on its own (e-value ≥ {1 / self.policy.alpha:g}), {why}"

    def _unfit(self, ended: str) -> tuple[Cause, str] | None:
        """Why nobody can be judged by this suite; None when it is fit, or was not asked to show that it is."""
        check, limited = self.record.baseline_check(), self.record.entry.limited
        if check is None or check.outcome == "green":
            return None
        found = (
            f"the baseline held against itself is {check.outcome} after {check.cases} cases "
            f"(it differs from itself on {100 * check.flip_rate:.1f} %)"
        )
        failed = self._failed_of_check(check.cases)
        if check.outcome == "red":
            cause, why = "noise", f"suite unfit: {found}; either it changed, or an incident lies in its answers"
        elif never := self._never_full():
            cause, why = "scores", never
        elif failed:
            cause, why = "failures", "; ".join((found, failed, *self._of_baseline()))
        elif ended:
            cause, why = "budget", f"{ended} before the baseline was proven equal to itself"
        elif limited:
            cause, why = "limited", f"too few cases were asked: {found}"
        elif check.flip_rate > 0:
            cause, why = "noise", f"suite unfit: {found}"
        else:
            cause, why = "unchecked", f"suite unfit, too few cases: {found}"
        return cast("Cause", cause), why

    def _idle(self, metrics: Sequence[MetricEvidence]) -> str:
        """Why a green would say nothing: nobody can be worse than a baseline that scores no more, or never fully."""
        for metric in metrics:
            if metric.absolute:
                continue
            if metric.baseline_score <= self.policy.margin:
                scores = f"the baseline itself scores {metric.baseline_score:.3f} on {metric.metric}"
                return f"suite unfit: {scores}, so nobody can be worse by {self.policy.margin:g}; {self._look()}"
        return self._never_full()

    def _never_full(self) -> str:
        """Whether the baseline gets no full marks, so that its score says nothing of quality; of answers there are."""
        answered = self.baseline.answered()[: self.cases]
        if answered.sum() < _ENOUGH:
            return ""
        for metric in self.policy.metrics:
            scores = self.baseline.scores(metric)[: self.cases]
            if metric != PROMPT_TOKENS and not (scores >= 1).any():
                never = f"the baseline never reaches full marks on {metric}"
                return f"suite unfit: {never} ({scores.mean():.3f} on average in {self.cases} cases); {self._look()}"
        return ""

    def _look(self) -> str:
        """What to look at when the baseline's scores are no good: at its answers first, where they say nothing."""
        return "; ".join(self._of_baseline()) or _LOOK

    def _of_baseline(self) -> list[str]:
        """What the baseline's own answers have in common that says nothing."""
        return [f"of the baseline's own, {told}" for told in _of_kinds(self.baseline_usage).values()]

    def _failed_of_check(self, units: int) -> str:
        """What is missing of the baseline held against itself, where it is enough to matter."""
        cases, again = sum(self.record.entry.units[:units]), self.record.sides.again
        both = [each for one in (self.baseline, again) if one is not None for each in one.flat(cases)]
        failed, silent = sum(each.answer.failed for each in both), sum(each.silent for each in both)
        for count, what in ((failed, "calls failed"), (silent, "answers say nothing")):
            if both and count / len(both) >= _NOTABLE:
                return f"{count} of its {len(both)} {what}"
        return ""

    def _hanging_on_failures(self) -> str:
        """Why there is no verdict although the scores would prove one: it would rest on calls that failed, or on
        answers that say nothing. Where enough of them did, it is not for want of cases either.
        """
        if not self.units:
            return ""
        green, red = self.record.differences(self.name).scores_prove
        would = "red" if red >= 1 else "green" if green >= self.ruling.e_needed else ""
        kind = "".join(f"; {told}" for told in self._of_one_kind())
        asked = len(self.side.flat(self.cases))
        for what, ours, theirs in (
            ("failed calls", self.usage.failed, self.baseline_usage.failed),
            ("answers that say nothing", self._silent(self.side), self._silent(self.baseline)),
        ):
            counts = f"{ours} of the variant's, {theirs} of the baseline's"
            if would and ours + theirs:
                return f"{would} would rest on {what} ({counts}): it is not proven without them{kind}"
            if max(ours, theirs) >= _NOTABLE * asked:
                return f"neither proven after {self.units} cases, for {what} ({counts}){kind}"
        return ""

    def _silent(self, side: Transcript) -> int:
        """How many answers came and say nothing that was scored."""
        return sum(each.silent for each in side.flat(self.cases))

    def _of_one_kind(self) -> list[str]:
        """What the answers have in common that the baseline's have not: it says more than any score."""
        found = _of_kinds(self.usage, self.baseline_usage)
        return [f"{told} (baseline {_percent(self.baseline_usage.share(kind))})" for kind, told in found.items()]

    def _compared(self) -> list[str]:
        """The metrics that are scores of each case by itself."""
        return [metric for metric in self.policy.metrics if metric != PROMPT_TOKENS]

    def _evidence(self, metric: str) -> MetricEvidence:
        pairing = self.record.pairing
        baseline, differences = (values[: self.units] for values in pairing.scores(self.side, metric))
        return evidence(
            metric,
            differences,
            baseline,
            pairing.flipped(self.side, metric, self.units),
            self.policy,
            self.design,
            self.record.known(self.name).get(metric),
        )

    def _control_variate(self) -> ControlVariate | None:
        """What the known scores of the baseline were worth, at the very same cases; what is needed is left as it is."""
        if not self.units or not self.record.known(self.name):
            return None
        used = self.record.differences(self.name)
        plain = replace(used, known={})
        red = self.ruling.outcome == "red"
        needed = 1 / self.policy.beta if red else self.ruling.e_needed
        e_value, e_without = (
            float((each.e_red if red else each.e_green)[: self.units].max()) for each in (used, plain)
        )
        return ControlVariate(e_value, e_without, e_value >= needed > e_without)

    def _required(self, metric: str) -> MetricEvidence:
        scores = self.record.differences(self.name).absolute[metric][: self.units]
        return required(metric, scores, self.policy, self.design)

    def _diagnostic(self, metric: str) -> Diagnostic:
        baseline, differences = (values[: self.units] for values in self.record.pairing.scores(self.side, metric))
        if not self.units:
            return Diagnostic(metric, 0.0, 0.0)
        return Diagnostic(metric, float(baseline.mean()), float((baseline + differences).mean()))

    def _triggers(self) -> Iterable[Diagnostic]:
        """Whether tools are called where the baseline calls them, and as its yardstick, where it does so itself.

        This is what published verifiers of vendors measure; by itself 0.8 says nothing, for the baseline may not reach
        more when it is asked again.
        """
        called = self.baseline.called(self.cases)
        found = Triggers.of(zip(self.side.called(self.cases), called, strict=False)).f1
        if found is None:
            return []
        again = self.record.sides.again
        itself = Triggers.of(zip(again.called(self.cases), called, strict=False)).f1 if again is not None else None
        return [Diagnostic(TRIGGER, 1.0 if itself is None else itself, found)]


def _of_kinds(usage: Usage, beside: Usage | None = None) -> dict[AnswerKind, str]:
    """What answers have in common that say nothing, by kind; `beside` another side, what they have more than that."""
    told = {}
    for kind, words in _FAULTS.items():
        share = usage.share(kind)
        if share - (beside.share(kind) if beside is not None else 0.0) >= _NOTABLE:
            apart = kind == "empty" and usage.reasoning > _NOTABLE
            told[kind] = (
                f"{_percent(share)} of answers {words}{': reasoning was returned, no content' if apart else ''}"
            )
    return told


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
