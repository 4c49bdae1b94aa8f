"""What is wrong with a suite, or may be: the rules by which the figures of a validation become sentences.

An error is what makes a verdict mean nothing or cannot be proven at all; a warning is what its author should look at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evalgate.suite import Suite
from evalgate.validate.constant import Constant
from evalgate.validate.trial import RIGHT, Trial

Severity = Literal["error", "warning", "note"]
CONFUSED = 0.01  # share of pairs
NAMED = 3  # cases
SMALL = 30  # cases of a slice
# they look at a whole answer, and an answer that another grader's target means may be a part of one
_OF_WHOLE_ANSWERS = {"length", "instructions", "regex", "python"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know, and where it is written."""

    severity: Severity
    place: str
    told: str


def of_trial(trial: Trial) -> Iterator[Finding]:
    """What one assertion's trial says."""
    severity: Severity
    name, place = repr(trial.grader), trial.place
    if trial.failure:
        yield Finding("error", "", trial.failure)
    if trial.vacuous:
        told = f"{name} gives 1 to everything, also to answers that mean nothing: it asserts nothing"
        yield Finding("error", place, told)
    missed = trial.targets - trial.right
    if missed and not trial.borrowed:
        named = _named([f"{miss.case_id} ({miss.score:.2g})" for miss in trial.misses], missed)
        first = trial.misses[0]
        told = f"{missed} of {trial.targets} targets do not score 1 by {name}: {named}"
        yield Finding("error", place, f"{told}; the first at {first.place}")
    elif missed:
        named = _named([miss.case_id for miss in trial.misses], missed)
        told = f"{name} would fail the right answers to {missed} of {trial.targets} cases: {named}"
        severity = "note" if trial.grader in _OF_WHOLE_ANSWERS else "warning"
        yield Finding("error" if severity == "warning" and not trial.right else severity, place, told)
    if trial.confused > 0:
        worst = trial.confusions[0]
        share = f"{100 * trial.confused:.3g} % of"
        pair = f"{worst.answer[:40]!r} ({worst.other_id}) passes for {worst.expected[:40]!r} ({worst.case_id})"
        told = f"{name} gives 1 to {share} right answers to other questions: {pair}"
        severity = "error" if trial.confused >= RIGHT else "warning" if trial.confused > CONFUSED else "note"
        yield Finding(severity, place, told)
    if trial.giveaways:
        told = f"answers that have nothing to do with it pass by {name}, for {_counted(len(trial.giveaways), 'case')}"
        yield Finding("warning", place, f"{told}: {_named(trial.giveaways, len(trial.giveaways))}")


def of_constant(suite: Suite, constant: Constant | None, trials: Sequence[Trial]) -> Iterator[Finding]:
    """Whether one and the same answer to everything would pass."""
    if constant is None or not constant.whole or not _says_what_is_right(trials):
        return
    margin = suite.gate.margin
    told = f"the answer {constant.answer[:40]!r} to every case scores {constant.least:.3g}"
    if constant.least >= 1 - margin - 1e-9:
        lost = f"{told}, which is within the margin of a perfect baseline: a variant that says nothing else is green"
        yield Finding("error", suite.document.at("gate", "margin"), lost)
    elif constant.least >= 0.8:
        yield Finding("warning", _cases_of(suite), f"{told}: most cases have one answer, few can tell")


def of_targets(suite: Suite, trials: Sequence[Trial], *, looked_at: bool, targets: int) -> Iterator[Finding]:
    """Targets that no grader looks at, and suites in which nothing says what is right."""
    if targets and not looked_at:
        told = f"{targets} cases have a target, and no grader looks at it"
        yield Finding("warning", suite.document.at("assert"), told)
    if not _says_what_is_right(trials):
        told = "no grader says what is right: all of them only forbid or limit something"
        yield Finding("warning", suite.document.at("assert"), told)


def of_size(suite: Suite, units: int, least: int | None, smallest: float) -> Iterator[Finding]:
    """Whether there are enough cases for the margin."""
    margin, place = suite.gate.margin, suite.document.at("gate", "margin")
    if least is None or least > units:
        needs = "can never be" if least is None else f"needs {least}"
        told = f"a margin of {margin:g} cannot be proven with {units} cases: even a variant that never differs {needs}"
        yield Finding("error", place, told)
    elif smallest > margin:
        told = f"{units} cases certify {100 * smallest:.3g} pp nine times in ten, and the margin is {100 * margin:g} pp"
        yield Finding("warning", place, f"{told}: many verdicts will be inconclusive")


def of_cases(suite: Suite, units: int, slices: Mapping[str, Mapping[str, int]]) -> Iterator[Finding]:
    """Near-duplicates, clusters, slices."""
    for remark in suite.remarks:
        yield Finding("note", _cases_of(suite), remark)
    if units < 0.9 * len(suite.cases):
        told = f"{len(suite.cases)} cases count as {units}: the others share a source, or ask nearly the same"
        yield Finding("note", _cases_of(suite), told)
    for key, sizes in slices.items():
        small = [f"{value} ({count})" for value, count in sizes.items() if count < SMALL]
        if small:
            told = f"{key}: less than {SMALL} cases, so their scores say little: {_named(small, len(small))}"
            yield Finding("note", suite.document.at("slices"), told)


def _says_what_is_right(trials: Sequence[Trial]) -> bool:
    return any(trial.role != "guard" or trial.grader in ("instructions", "python") for trial in trials)


def _cases_of(suite: Suite) -> str:
    return suite.document.at("cases" if suite.file.cases is not None else "dataset")


def _counted(count: int, noun: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _named(names: Sequence[str], count: int) -> str:
    shown = ", ".join(names[:NAMED])
    return f"{shown}, …" if count > NAMED else shown
