"""From a suite's assertions to one function: answer in, score per metric out.

Binding finds every mistake that a suite can make about its graders before anything is asked: an unknown grader, an
option that it does not have, a case whose target it cannot use.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import cast

from evalgate.catalog import Endpoint
from evalgate.errors import GraderError, InputError
from evalgate.exchange import Answer, JsonValue, Request, split_reasoning
from evalgate.exchange.answer import is_blank
from evalgate.formats.canonical import digest, distinct
from evalgate.formats.documents import told_at_once
from evalgate.graders import registry
from evalgate.graders.alike import Alike
from evalgate.graders.expectations import no_value
from evalgate.graders.transform import Step, step_of, undone
from evalgate.suite import Assertion, Case, Suite
from evalgate.suite.digests import Digests

# Part of every grading's hash. Whoever changes a grader so that any answer gets another score than before raises it by
# one: scores that the store remembers from the older code are then not taken for new ones.
GRADERS_VERSION = 3


@dataclass(frozen=True, slots=True)
class Bound:
    """One assertion with its grader: `place` is where the suite says it, `score` what scores in the grader's place."""

    assertion: Assertion
    grader: registry.Grader
    score: registry.Score
    value: JsonValue
    options: Mapping[str, object]
    steps: tuple[Step, ...]
    place: str
    remark: str = ""

    def expected(self, case: Case) -> JsonValue:
        """What an answer to `case` is held against."""
        return case.target if self.value is None else self.value

    def ideal(self, case: Case) -> Answer | None:
        """An answer to `case` that this assertion has to give 1; None where none can be made of what is expected."""
        answer = self.grader.ideal_answer(self.expected(case), self.options)
        text = None if answer is None else undone(self.assertion.transform, answer.text)
        return None if answer is None or text is None else replace(answer, text=text)

    def grade(self, seen: registry.Seen) -> float:
        """The score, in [0, 1]; raises `GraderError` when the grader does."""
        try:
            score = self._score(seen)
        except Exception as failure:
            case = seen.case
            raised = f"{type(failure).__name__}: {failure}"[:500]
            who = f"{self.place}: grader {self.grader.name!r} failed on the answer to case {case.id!r} ({case.place})"
            message = f"{who}: {raised} [{_raised_at(failure)}]; mend it and run again: what was answered is kept"
            raise GraderError(message) from failure
        threshold = self.assertion.threshold
        return score if threshold is None else float(score >= threshold)

    def requests(self, seen: registry.Seen) -> list[Request]:
        """What the judge has to be asked before `seen` can be graded."""
        text = None if seen.answer.failed else self._text(seen)
        return [] if text is None else self.grader.requests(text, self.expected(seen.case), seen, self.options)

    @property
    def judge(self) -> str | None:
        """The variant that has to be asked; None for a grader that asks nobody."""
        return str(self.options["judge"]) if self.grader.asks is not None else None

    def _score(self, seen: registry.Seen) -> float:
        text = self._text(seen)
        if text is None:
            return 0.0
        expected = self.expected(seen.case)
        if self.grader.sees:
            return min(1.0, max(0.0, self.score(text, expected, seen=seen, **self.options)))
        return min(1.0, max(0.0, self.score(text, expected, **self.options)))

    def read(self, answer: Answer) -> str:
        """What is graded of an answer."""
        text = answer.text
        if self.assertion.reasoning == "strip":
            text = split_reasoning(text)[1]
        for step in self.steps:
            text = step(text)
        return text

    def _text(self, seen: registry.Seen) -> str | None:
        """What is graded; None where it says nothing, or whoever says nothing would pass whatever only forbids."""
        text = self.read(seen.answer)
        return None if is_blank(text) and not (self.assertion.allow_empty or self.grader.silence) else text


@dataclass(frozen=True)
class Grading:
    """How the answers of a suite are scored; `hash` changes with anything that could change a score.

    `rules` is the same without the targets: it does not change with the cases.
    """

    metrics: Mapping[str, tuple[Bound, ...]]
    hash: str
    rules: str = ""
    judges: Mapping[str, Endpoint] = field(default_factory=dict)

    @property
    def slow(self) -> bool:
        """Whether a grader waits for something: then several answers are better graded at once (`waves.graded`)."""
        return any(each.grader.slow for bound in self.metrics.values() for each in bound)

    @property
    def cpus(self) -> float:
        """The cores that grading one answer takes; 0 where it takes next to nothing."""
        return max((each.grader.cpus for bound in self.metrics.values() for each in bound), default=0.0)

    @property
    def remarks(self) -> list[str]:
        """What whoever starts a check should be told of the graders."""
        every = (each.remark for bound in self.metrics.values() for each in bound)
        return [remark for remark in dict.fromkeys(every) if remark]

    def grade(self, answer: Answer, case: Case, endpoint: Endpoint | None = None) -> dict[str, float]:
        """Score per metric, each in [0, 1]. An answer that failed scores 0: errors are not missing at random.

        `endpoint` gave the answer; what is not told scores 0 where a grader asks for its price. Raises `GraderError`
        when a grader does.
        """
        return self.grade_seen(registry.Seen(answer, case, endpoint))

    def grade_seen(self, seen: registry.Seen) -> dict[str, float]:
        """The same, with all that graders may ask for; `seen.replies` are those to `requests(seen)`, in that order."""
        if seen.answer.failed:
            return dict.fromkeys(self.metrics, 0.0)
        if not self.judges:
            return {metric: _mean(bound, seen) for metric, bound in self.metrics.items()}
        replies = iter(seen.replies)
        return {metric: _mean_of_judged(bound, seen, replies) for metric, bound in self.metrics.items()}

    def requests(self, seen: registry.Seen) -> list[tuple[Endpoint, Request]]:
        """Who has to be asked what before `seen` can be graded."""
        asking = [each for bound in self.metrics.values() for each in bound if each.judge is not None]
        return [(self.judges[str(each.judge)], request) for each in asking for request in each.requests(seen)]

    def example_requests(self, case: Case) -> list[tuple[Endpoint, Request]]:
        """What the judges would be asked of some answer to `case`: to see beforehand that they can be."""
        answers = (Answer(text, "stop") for text in ("An answer.", "Another one."))
        return self.requests(registry.Seen(next(answers), case, baseline=next(answers))) if self.judges else []

    @property
    def asked(self) -> dict[str, str]:
        """The judges by name, with the place where the suite names each."""
        every = [each for bound in self.metrics.values() for each in bound]
        return {each.judge: each.place for each in every if each.judge is not None}

    @property
    def compares(self) -> bool:
        """Whether a grader needs the baseline's answer."""
        return any(each.grader.compares for bound in self.metrics.values() for each in bound)

    def with_judges(self, judges: Mapping[str, Endpoint]) -> Grading:
        """The same, asking these: another judge is another grading."""
        if not judges:
            return self
        kin = sorted(endpoint.kin for endpoint in judges.values())
        return replace(self, judges=judges, hash=digest([self.hash, kin]), rules=digest([self.rules, kin]))

    def labels(self, answer: Answer, case: Case) -> Iterator[tuple[str, str, str | None]]:
        """For each assertion that asks for a label: its metric, the target, and the label that the answer gives."""
        for metric, bound in self.metrics.items():
            for each in bound:
                if each.grader.label is not None:
                    said = None if answer.failed else each.grader.label(each.read(answer), **each.options)
                    yield metric, str(each.expected(case)), said


def bind(suite: Suite) -> Grading:
    """Bind the suite's assertions to graders; raises `InputError` with file, line and what to do."""
    metrics: dict[str, list[Bound]] = {}
    held_against_targets: list[_TargetCheck] = []
    identities: list[JsonValue] = []
    wrong: list[str] = []
    for index, assertion in enumerate(suite.assertions):
        try:
            bound, identity = _bound(suite, index, assertion)
        except InputError as failure:
            wrong.append(str(failure))
            continue
        if bound.value is None:
            held_against_targets.append(_TargetCheck(index, bound.grader, bound.options, suite))
        metrics.setdefault(assertion.metric, []).append(bound)
        identities += [] if identity is None else [identity]
    targets = _looked_at(suite, held_against_targets, wrong)
    assertions = [assertion.identity for assertion in suite.assertions]
    identity = digest([GRADERS_VERSION, assertions, targets, *identities])
    rules = digest([GRADERS_VERSION, assertions, *identities])
    return Grading({metric: tuple(bound) for metric, bound in metrics.items()}, identity, rules)


def _looked_at(suite: Suite, checks: Sequence[_TargetCheck], wrong: list[str]) -> JsonValue:
    """The digest of all targets; raises `InputError` for all that is `wrong` and the first target that each check
    cannot use.
    """
    targets = Digests()
    left = list(checks)
    for case in suite.cases:
        for check in left:
            try:
                check.look(case)
            except InputError as failure:
                wrong.append(str(failure))
                left = [each for each in left if each is not check]
        targets.add(distinct([case.id, case.target]))
    for check in left:
        try:
            check.refuse_ambiguous()
        except InputError as failure:
            wrong.append(str(failure))
    if wrong:
        raise told_at_once(wrong)
    return targets.of_all()


def _bound(suite: Suite, index: int, assertion: Assertion) -> tuple[Bound, JsonValue]:
    """One assertion with its grader, and what of the grader goes into the hash."""
    try:
        found = registry.find(assertion.type)
    except LookupError as failure:
        raise suite.error(str(failure.args[0]), "assert", index, "type") from None
    try:
        given, value = _value_and_options(found, assertion)
        options = found.check_options(given)
        prepared = found.prepare(options, suite.path.parent) if found.prepare else None
        steps = tuple(map(step_of, assertion.transform))
    except ValueError as failure:
        key, message = failure.args
        raise suite.error(message, "assert", index, key) from None
    if found.for_suite is not None:
        prepared = found.for_suite(options, suite, index)
    if value is not None and (problem := found.problem_with(value, options)):
        key = found.value_as if found.value_as in assertion.options else "value"
        raise suite.error(problem.replace("as target", "as value"), "assert", index, key)
    score, identity, remark = registry.Prepared(found.score, None) if prepared is None else prepared
    place = suite.document.at("assert", index)
    return Bound(assertion, found, score, value, options, steps, place, remark), identity


def _value_and_options(found: registry.Grader, assertion: Assertion) -> tuple[dict[str, object], JsonValue]:
    """The options, and the value by whichever of its two names; raises `ValueError(key, message)`."""
    options, value = assertion.options, assertion.value
    if found.value_as in options:
        if value is not None:
            raise ValueError(found.value_as, "another word for 'value', which is given as well; write one of them")
        value = cast("JsonValue", options.pop(found.value_as))
        if value is None:
            raise ValueError(found.value_as, "empty; leave it out to compare with each case's target")
    if value is not None and found.expects is no_value:
        raise ValueError("value", f"grader {found.name!r} takes no value")
    return options, value


def _raised_at(failure: BaseException) -> str:
    """Where it was raised, as a person looks it up."""
    frames = traceback.extract_tb(failure.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"


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


def _mean(bound: tuple[Bound, ...], seen: registry.Seen) -> float:
    total = sum(each.assertion.weight for each in bound)
    return sum(each.assertion.weight * each.grade(seen) for each in bound) / total


def _mean_of_judged(bound: tuple[Bound, ...], seen: registry.Seen, replies: Iterator[Answer]) -> float:
    """The same, where each grader that asks is given the replies to what it asked."""
    total = sum(each.assertion.weight for each in bound)
    scores = 0.0
    for each in bound:
        own = () if each.judge is None else tuple(islice(replies, len(each.requests(seen))))
        scores += each.assertion.weight * each.grade(replace(seen, replies=own))
    return scores / total
