"""One suite, from its cases to findings: nobody is asked, and nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from evalgate.exchange import Answer, Request, as_text
from evalgate.gate import Policy
from evalgate.graders import Grading, bind
from evalgate.graders.bind import Bound
from evalgate.graders.expectations import no_value
from evalgate.plan.contest import units_within
from evalgate.plan.forecast import least_cases, smallest_margin
from evalgate.suite import Case, Suite
from evalgate.validate.constant import Constant, best_constant
from evalgate.validate.findings import Finding, of_cases, of_constant, of_size, of_targets, of_trial
from evalgate.validate.trial import Trial, trial_of

MOST_CLASSES = 50  # different targets; where there are more, they are no classes
MOST_VALUES = 50  # of a slice
# what they make of a target passes, and is no answer that anything else may be tried on
_NOT_LENT = {"refusal", "tool_trigger"}


@dataclass(frozen=True, slots=True)
class Validation:
    """What there is to know of a suite.

    `units` is what `cases` count as; `tried` of them were tried. `classes` are the targets and their numbers, the most
    frequent first, where there are few of them. `smallest_margin` is what the units certify nine times in ten for one
    variant with a flip rate of 5 %, `least_cases` what green takes where nothing ever differs (None: nothing is
    enough). `slices` are numbers of cases by key and value.
    """

    operation: str
    path: str
    cases: int
    tried: int
    units: int
    largest_unit: int
    first: Case
    request: Request
    classes: Mapping[str, int]
    constant: Constant | None
    margin: float
    smallest_margin: float
    least_cases: int | None
    trials: tuple[Trial, ...]
    slices: Mapping[str, Mapping[str, int]]
    findings: tuple[Finding, ...]

    @property
    def broken(self) -> bool:
        """Whether a verdict of it would mean nothing, or there can be none."""
        return any(each.severity == "error" for each in self.findings)

    @property
    def warned(self) -> bool:
        """Whether its author should look at something."""
        return any(each.severity == "warning" for each in self.findings)

    def to_json(self) -> dict[str, object]:
        """All of it as plain values."""
        prompt = self.request.prompt
        asked = prompt if isinstance(prompt, str) else [message.to_json() for message in prompt]
        first = {"id": self.first.id, "prompt": asked, "parameters": self.request.parameters}
        outcome = "broken" if self.broken else "warned" if self.warned else "fine"
        told = {name: getattr(self, name) for name in (field.name for field in fields(self))}
        trials = [asdict(trial) for trial in self.trials]
        findings = [asdict(finding) for finding in self.findings]
        constant = None if self.constant is None else asdict(self.constant)
        return {
            "outcome": outcome,
            **{name: value for name, value in told.items() if name != "request"},
            "first": first,
            "trials": trials,
            "findings": findings,
            "constant": constant,
        }


def validate(suite: Suite, max_cases: int | None = None) -> Validation:
    """Try `suite` on what its own cases mean; of long ones the first `max_cases` in the order asked are tried.

    Raises `InputError` for all that its graders cannot work with.
    """
    grading = bind(suite)
    cases = suite.cases if max_cases is None else suite.cases[:max_cases]
    bounds = _in_order(suite, grading)
    made = [{case.id: ideal for case in cases if (ideal := each.ideal(case)) is not None} for each in bounds]
    trials = []
    for bound, own in zip(bounds, made, strict=True):
        lent = own or _lent(bound, bounds, made)
        trials.append(trial_of(bound, cases, lent, borrowed=not own))
    policy = Policy.of(suite, grading.metrics)
    units = len(units_within(suite, suite.gate.max_cases or len(suite.cases)))
    population = len(suite.units) if policy.claim == "suite" else None
    least = least_cases(policy, units, population, 1 / policy.alpha)
    smallest = smallest_margin(policy, units, population, 1 / policy.alpha)
    slices = _slices(suite)
    ideals = [answer for each in made for answer in each.values()]
    failed = any(trial.failure for trial in trials)
    constant = None if failed else best_constant(grading, policy.metrics, cases, ideals)
    looked_at = any(each.value is None and each.grader.expects is not no_value for each in bounds)
    targets = sum(case.target is not None for case in cases)
    findings = [
        *(finding for trial in trials for finding in of_trial(trial)),
        *of_targets(suite, trials, looked_at=looked_at, targets=targets),
        *of_constant(suite, constant, trials),
        *of_size(suite, units, least, smallest),
        *of_cases(suite, len(suite.units), slices),
    ]
    return Validation(
        operation=suite.operation,
        path=str(suite.path),
        cases=len(suite.cases),
        tried=len(cases),
        units=len(suite.units),
        largest_unit=max(suite.units, default=1),
        first=cases[0],
        request=suite.request(cases[0]),
        classes=_classes(cases),
        constant=constant,
        margin=policy.margin,
        smallest_margin=smallest,
        least_cases=least,
        trials=tuple(trials),
        slices=slices,
        findings=tuple(findings),
    )


def _in_order(suite: Suite, grading: Grading) -> list[Bound]:
    """All assertions with their graders, as the suite has them."""
    places = {id(assertion): at for at, assertion in enumerate(suite.assertions)}
    every = (bound for some in grading.metrics.values() for bound in some)
    return sorted(every, key=lambda bound: places[id(bound.assertion)])


def _lent(bound: Bound, others: Sequence[Bound], made: Sequence[Mapping[str, Answer]]) -> Mapping[str, Answer]:
    """Right answers for a grader that can make none itself: of one that reads the same of an answer."""
    for other, answers in zip(others, made, strict=True):
        whole = bound.assertion.transform in ([], other.assertion.transform)
        if answers and whole and other.grader.silence == bound.grader.silence and other.grader.name not in _NOT_LENT:
            return answers
    return {}


def _classes(cases: Sequence[Case]) -> dict[str, int]:
    """Targets by how many cases have them; nothing where they are hardly ever the same."""
    found: Counter[str] = Counter()
    for case in cases:
        if case.target is not None:
            found[as_text(case.target)] += 1
        if len(found) > MOST_CLASSES:
            return {}
    return dict(found.most_common()) if found and len(found) <= len(cases) / 2 else {}


def _slices(suite: Suite) -> dict[str, dict[str, int]]:
    names = {key: key.removeprefix("metadata.") for key in suite.file.slices}
    counted = {key: Counter(str(case.metadata.get(name)) for case in suite.cases) for key, name in names.items()}
    return {key: dict(found.most_common(MOST_VALUES)) for key, found in counted.items()}
