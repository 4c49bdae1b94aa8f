"""How far a suite's judge agrees with people, and with itself. All of it is diagnostic: no verdict rests on it.

What the judge says is bought like any other answer: once, in the store before it counts, and out of the suite's budget.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from evalgate.collect import Budget, Collector, OnTrouble, Stop, require_ready, with_opinions
from evalgate.collect.opinions import judged_twice
from evalgate.exchange import Answer
from evalgate.gate import OperationBoard
from evalgate.graders import Grading, Seen
from evalgate.graders.bind import Bound
from evalgate.stats.agreement import Agreement, Corrected, agreement, rogan_gladen
from evalgate.store import Store
from evalgate.suite import Suite
from evalgate.validate.findings import Finding
from evalgate.validate.labels import Labelled

FEW = 50  # labels: with fewer, intervals are too wide to say anything
STEADY = 0.95  # share on which a judge should say the same when it is asked again


@dataclass(frozen=True, slots=True)
class Opinion:
    """A mean score of the last check, and what share lies behind it if the judge errs as it did on the labels."""

    variant: str
    cases: int
    share: float
    corrected: Corrected | None


@dataclass(frozen=True, slots=True)
class JudgeQuality:
    """A judge held against people's labels, and asked twice (`again`; None where nobody was asked).

    `sensitivity` and `specificity` are of a judge that says yes or no, and None of others.
    """

    judge: str
    metric: str
    people: Agreement
    again: Agreement | None
    sensitivity: float | None
    specificity: float | None
    opinions: tuple[Opinion, ...]
    place: str

    @property
    def findings(self) -> list[Finding]:
        """What whoever relies on the judge should know."""
        told = []
        if self.people.items < FEW:
            told.append(f"{self.people.items} labels say little of a judge; {FEW} are a beginning")
        if self.people.ac1_interval[0] <= 0 or (self.people.kappa_interval or (1.0,))[0] <= 0:
            told.append(f"{self.judge!r} may agree with people by chance alone")
        if self.again is not None and self.again.observed < STEADY:
            told.append(
                f"{self.judge!r} says something else in {100 * (1 - self.again.observed):.0f} % when it is asked again"
            )
        return [Finding("warning", self.place, each) for each in told]

    def to_json(self) -> dict[str, object]:
        """All of it as plain values."""
        again = None if self.again is None else _plain(self.again)
        opinions = [asdict(each) for each in self.opinions]
        findings = [asdict(each) for each in self.findings]
        rates = {"sensitivity": self.sensitivity, "specificity": self.specificity}
        judge = {"judge": self.judge, "metric": self.metric}
        return {
            **judge,
            "people": _plain(self.people),
            "again": again,
            **rates,
            "opinions": opinions,
            "findings": findings,
        }


def _plain(found: Agreement) -> dict[str, object]:
    """JSON has no pairs for keys."""
    confusion = [{"label": label, "judged": said, "count": n} for (label, said), n in sorted(found.confusion.items())]
    return {**asdict(found), "confusion": confusion}


def judge_of(suite: Suite, grading: Grading, metric: str | None) -> Bound:
    """The one assertion of `metric` (None: of the suite) that asks a judge; raises `InputError` for none or several."""
    metrics = [metric] if metric is not None else list(grading.metrics)
    found = [each for name in metrics for each in grading.metrics.get(name, ()) if each.judge is not None]
    if len(found) == 1:
        return found[0]
    where = "" if metric is None else f" in the metric {metric!r}"
    if not found:
        raise suite.error(f"no judge{where} that labels could be held against", "assert")
    names = ", ".join(dict.fromkeys(each.assertion.metric for each in found))
    raise suite.error(f"several judges{where}; name the metric of one with --metric ({names})", "assert")


def scale_of(bound: Bound) -> int:
    """The highest score that the judge may give, before it is divided by it."""
    scale = bound.options.get("scale", 1)
    return scale if isinstance(scale, int) else 1


async def asked(
    suite: Suite,
    grading: Grading,
    bound: Bound,
    labelled: Sequence[Labelled],
    store: Store,
    environment: Mapping[str, str],
    *,
    stop: Stop | None = None,
    since: float = 0.0,
    on_trouble: OnTrouble = lambda trouble: None,
) -> tuple[list[float], Agreement]:
    """What the judge says of each answer, in [0, 1], and how far it says the same again.

    Raises `InputError` when a key is not set, `ProviderError` when the judge cannot be reached, and `BudgetSpentError`;
    what was answered until then is kept.
    """
    metric = bound.assertion.metric
    alone = replace(grading, metrics={metric: (bound,)})
    seen = [
        Seen(
            Answer(each.answer, "stop"),
            each.case,
            baseline=None if each.baseline is None else Answer(each.baseline, "stop"),
        )
        for each in labelled
    ]
    for judge, request in alone.requests(seen[0]):
        require_ready([judge], request, environment)
    budget, max_age = Budget.of(suite), suite.file.max_age(suite.file.baseline)
    async with Collector(store, environment, now=time.time, since=since, stop=stop, on_trouble=on_trouble) as collector:
        heard = await with_opinions(collector, alone, seen, budget, max_age=max_age)
        scores = [alone.grade_seen(each)[metric] for each in heard]
        again = await judged_twice(collector, alone, seen, budget, max_age=max_age)
    return scores, again[metric]


def quality(
    bound: Bound,
    labelled: Sequence[Labelled],
    judged: Sequence[float],
    again: Agreement | None,
    boards: Iterable[OperationBoard] = (),
) -> JudgeQuality:
    """Hold what the judge said, in [0, 1], against the labels; `boards` are of earlier checks, the newest first."""
    scale, threshold = scale_of(bound), bound.assertion.threshold
    labels = [each.label if threshold is None else float(each.label >= threshold) for each in labelled]
    people = agreement([_level(each, scale) for each in labels], [_level(each, scale) for each in judged])
    yes = _level(1.0, scale)
    binary = set(people.categories) <= {"0", yes}
    sensitivity, specificity = people.rates(yes) if binary else (None, None)
    opinions: tuple[Opinion, ...] = ()
    if sensitivity is not None and specificity is not None:
        positives = sum(count for (label, _), count in people.confusion.items() if label == yes)
        opinions = tuple(
            Opinion(
                variant,
                cases,
                share,
                rogan_gladen(
                    share,
                    cases,
                    sensitivity=sensitivity,
                    specificity=specificity,
                    positives=positives,
                    negatives=people.items - positives,
                ),
            )
            for variant, cases, share in _shares(bound.assertion.metric, boards)
        )
    return JudgeQuality(
        str(bound.judge), bound.assertion.metric, people, again, sensitivity, specificity, opinions, bound.place
    )


def _level(score: float, scale: int) -> str:
    return f"{score * scale:.4g}"


def _shares(metric: str, boards: Iterable[OperationBoard]) -> Iterator[tuple[str, int, float]]:
    """Mean scores of the last check: of the baseline over the most cases, and of every variant."""
    board = next(iter(boards), None)
    if board is None:
        return
    found = [
        (verdict.variant.id, verdict.cases, each.baseline_score, each.variant_score)
        for verdict in board.verdicts
        for each in verdict.metrics
        if each.metric == metric and verdict.cases
    ]
    if found:
        _, cases, share, _ = max(found, key=lambda each: each[1])
        yield board.baseline.id, cases, share
    for variant, cases, _, share in found:
        yield variant, cases, share
