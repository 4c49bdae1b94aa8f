"""From a suite's assertions to one function: answer in, score per metric out.

Binding finds every mistake that a suite can make about its graders before anything is asked: an unknown grader, an
option that it does not have, a case whose target it cannot use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evalgate.errors import InputError
from evalgate.exchange import Answer, JsonValue, split_reasoning
from evalgate.exchange.answer import is_blank
from evalgate.formats.canonical import digest, distinct
from evalgate.graders import registry
from evalgate.graders.alike import Alike
from evalgate.suite import Assertion, Case, Suite
from evalgate.suite.digests import Digests

# Part of every grading's hash. Whoever changes a grader so that any answer gets another score than before raises it by
# one: scores that the store remembers from the older code are then not taken for new ones.
GRADERS_VERSION = 2


@dataclass(frozen=True, slots=True)
class _Bound:
    assertion: Assertion
    score: registry.Score
    options: Mapping[str, object]

    def expected(self, case: Case) -> JsonValue:
        return case.target if self.assertion.value is None else self.assertion.value

    def grade(self, text: str, case: Case) -> float:
        if self.assertion.reasoning == "strip":
            text = split_reasoning(text)[1]
        if not self.assertion.allow_empty and is_blank(text):
            return 0.0  # or whoever says nothing at all would pass whatever only forbids
        score = min(1.0, max(0.0, self.score(text, self.expected(case), **self.options)))
        threshold = self.assertion.threshold
        return score if threshold is None else float(score >= threshold)


@dataclass(frozen=True)
class Grading:
    """How the answers of a suite are scored; `hash` changes with anything that could change a score.

    `rules` is the same without the targets: it does not change with the cases.
    """

    metrics: Mapping[str, tuple[_Bound, ...]]
    hash: str
    rules: str = ""

    def grade(self, answer: Answer, case: Case) -> dict[str, float]:
        """Score per metric, each in [0, 1]. An answer that failed scores 0: errors are not missing at random."""
        return {
            metric: 0.0 if answer.failed else _mean(bound, answer.text, case) for metric, bound in self.metrics.items()
        }


def bind(suite: Suite) -> Grading:
    """Bind the suite's assertions to graders; raises `InputError` with file, line and what to do."""
    metrics: dict[str, list[_Bound]] = {}
    held_against_targets: list[_TargetCheck] = []
    for index, assertion in enumerate(suite.assertions):
        try:
            found = registry.find(assertion.type)
        except LookupError as failure:
            raise suite.error(str(failure.args[0]), "assert", index, "type") from None
        try:
            options = found.check_options(assertion.options)
        except ValueError as failure:
            key, message = failure.args
            raise suite.error(message, "assert", index, key) from None
        if assertion.value is None:
            held_against_targets.append(_TargetCheck(index, found, options, suite))
        elif problem := found.problem_with(assertion.value, options):
            raise suite.error(problem.replace("as target", "as value"), "assert", index, "value")
        metrics.setdefault(assertion.metric, []).append(_Bound(assertion, found.score, options))
    targets = Digests()
    for case in suite.cases:
        for check in held_against_targets:
            check.look(case)
        targets.add(distinct([case.id, case.target]))
    for check in held_against_targets:
        check.refuse_ambiguous()
    assertions = [assertion.identity for assertion in suite.assertions]
    identity = digest([GRADERS_VERSION, assertions, targets.of_all()])
    rules = digest([GRADERS_VERSION, assertions])
    return Grading({metric: tuple(bound) for metric, bound in metrics.items()}, identity, rules)


class _TargetCheck:
    """Holds every case's target against what one assertion needs of it."""

    def __init__(self, index: int, grader: registry.Grader, options: Mapping[str, object], suite: Suite) -> None:
        self._grader, self._options, self._suite = grader, options, suite
        self._place = suite.document.at("assert", index)
        self._alike = Alike() if grader.texts is not None else None

    def look(self, case: Case) -> None:
        """Raises `InputError` when the grader cannot use the target of `case`."""
        if problem := self._grader.problem_with(case.target, self._options):
            message = f"case {case.id!r}: {problem}, which grader {self._grader.name!r} needs"
            raise InputError(f"{case.place}: {message} ({self._place})")
        if self._alike is not None:
            self._alike.add(self._grader.texts_of(case.target, self._options))

    def refuse_ambiguous(self) -> None:
        """Raises `InputError` when two targets that are written differently would be compared as one."""
        if self._alike is None or (pair := self._alike.first()) is None:
            return
        first, second = (self._suite.cases[position] for position in pair)
        texts = [text for case in (first, second) for text in self._grader.texts_of(case.target, self._options)]
        one, other = next(
            (one, other)
            for number, other in enumerate(texts)
            for one in texts[:number]
            if one.written != other.written and (one.field, one.compared) == (other.field, other.compared)
        )
        field = f"field {other.field!r} of the target" if other.field else "target"
        message = f"{field} {other.written[:60]!r} is the same as {one.written[:60]!r} of case {first.id!r}"
        ways = "write both alike, or tell them apart with `normalise: strict` or `none`"
        told = f"{message} ({first.place}) once it is normalised; {ways} ({self._place})"
        raise InputError(f"{second.place}: case {second.id!r}: {told}")


def _mean(bound: tuple[_Bound, ...], text: str, case: Case) -> float:
    total = sum(each.assertion.weight for each in bound)
    return sum(each.assertion.weight * each.grade(text, case) for each in bound) / total
