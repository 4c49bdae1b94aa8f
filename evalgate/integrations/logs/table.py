"""One run's scores per case, tabulated from its answers by the same rules for every tool.

- The case is the unit: several answers to one case (epochs, repeats) are averaged, never pooled, and counted. The mean
  is the correctly rounded one, so it does not depend on the order in which a log happens to hold the answers.
- The same answer twice is an error. So is a cluster that only some cases have.
- An answer that failed scores 0, as `evalgate check` counts it; other tools leave failures out of their mean, which
  favours the variant that fails more. The cases are kept in `errors`, so that their weight can be examined.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from evalgate.errors import InputError
from evalgate.integrations.logs.answers import Refused, ScoredAnswer, shown


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """One run: `metrics[metric][case]` is the mean score in [0, 1] over the answers to that case.

    `repeats` counts those answers. `errors` holds the first error of each case that had one, `truncated` the cases with
    an answer that was cut at the token limit, `requests` a digest of what each case asked (where the log tells it), and
    `refused` why a metric of the log is not in `metrics`. `cost` is the run's total in dollars, `None` unless the log
    states it for every answer.
    """

    path: Path
    tool: str
    metrics: dict[str, dict[str, float]]
    repeats: dict[str, int]
    cluster: dict[str, str] | None = None
    cost: float | None = None
    model: str | None = None
    default_metric: str | None = None
    errors: dict[str, str] = field(default_factory=dict)
    truncated: frozenset[str] = frozenset()
    requests: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def choose_metric(table: ScoreTable, metric: str | None) -> str:
    """Return the name of the metric that `metric` asks for; `None` is the only one there is, or the tool's own.

    lm-evaluation-harness calls a metric `exact_match,strict-match`: the part before the comma is enough where only one
    filter has it. Raises `InputError`, with the metrics there are, when there is no such metric or more than one, and
    with the reason when its scores cannot be used.
    """
    known = sorted({*table.metrics, *table.refused})
    if metric is None:
        candidates = [table.default_metric] if table.default_metric else known
    else:
        candidates = [metric] if metric in known else [one for one in known if one.split(",")[0] == metric]
    if not candidates:
        raise InputError(f"{table.path}: metric: received {shown(metric)}{_alternatives(str(metric), known)}")
    if len(candidates) > 1:
        listed = ", ".join(candidates)
        raise InputError(f"{table.path}: metric: the run has several ({listed}); name one with --metric")
    if (chosen := candidates[0]) in table.refused:
        message = f"{table.refused[chosen]}; metric {shown(chosen)} cannot be compared"
        others = ", ".join(one for one in table.metrics if one != chosen)
        raise InputError(f"{message}; name another with --metric: {others}" if others else message)
    return chosen


def _alternatives(metric: str, known: list[str]) -> str:
    # imported here, where it is needed: it brings YAML and pydantic with it
    from evalgate.formats.documents import did_you_mean

    hint = did_you_mean(metric, set(known))
    return hint if "expected one of" in hint else f"{hint} The run has {', '.join(known)}"


def narrowed(table: ScoreTable, metric: str | None) -> ScoreTable:
    """Return `table` with the metric that was asked for and no other; `None` keeps all that can be used.

    Raises `InputError` when the metric (or, without one, the tool's own or every metric) cannot be used.
    """
    if metric is None and table.default_metric is None:
        if not table.metrics:
            raise InputError(next(iter(table.refused.values())))
        return table
    chosen = choose_metric(table, metric)
    if metric is None:
        return table
    return replace(table, metrics={chosen: table.metrics[chosen]}, refused={}, default_metric=chosen)


def tabulate(
    path: Path,
    tool: str,
    answers: Iterable[ScoredAnswer],
    *,
    complete: bool,
    default_metric: str | None = None,
    model: str | None = None,
) -> ScoreTable:
    """Average `answers` into a `ScoreTable`.

    `complete` says that the tool scores every answer on every metric, so that a gap is a reason to refuse the metric.
    Raises `InputError` for duplicates, contradictions and a run without a single score.
    """
    tally = _Tally(path)
    for answer in answers:
        tally.add(answer)
    tally.fill_errors()
    if complete:
        tally.refuse_gaps()
    return tally.table(tool, default_metric, model)


@dataclass(slots=True)
class _Seen:
    """What is known of one answer; in a long table it is told one metric a row."""

    place: str
    metrics: set[str]
    cost: float | None


class _Tally:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: dict[tuple[str, str], _Seen] = {}
        self._values: dict[str, dict[str, list[float]]] = {}
        self._refused: dict[str, str] = {}
        self._repeats: dict[str, int] = {}
        self._clusters: dict[str, str] = {}
        self._errors: dict[str, str] = {}
        self._failed: list[ScoredAnswer] = []
        self._truncated: set[str] = set()
        self._requests: dict[str, set[str]] = {}

    def add(self, answer: ScoredAnswer) -> None:
        case, key = answer.case, (answer.case, answer.repeat)
        if (seen := self._seen.get(key)) is None:
            self._seen[key] = _Seen(answer.place, set(answer.scores), answer.cost)
            self._repeats[case] = self._repeats.get(case, 0) + 1
        else:
            self._join(seen, answer)
        for metric, score in answer.scores.items():
            if isinstance(score, Refused):
                self._refused.setdefault(metric, f"{answer.place} {metric}: {score.reason}")
            else:
                self._values.setdefault(metric, {}).setdefault(case, []).append(score)
        if answer.cluster is not None and self._clusters.setdefault(case, answer.cluster) != answer.cluster:
            received, before = shown(answer.cluster), shown(self._clusters[case])
            raise InputError(f"{answer.place} cluster: received {received}, but case {shown(case)} is in {before}")
        if answer.error is not None:
            self._errors.setdefault(case, answer.error)
            self._failed.append(answer)
        if answer.truncated:
            self._truncated.add(case)
        if answer.request is not None:
            self._requests.setdefault(case, set()).add(answer.request)

    def _join(self, seen: _Seen, answer: ScoredAnswer) -> None:
        if not answer.scores or not seen.metrics or not seen.metrics.isdisjoint(answer.scores):
            if answer.repeat:
                which, remedy = f", repeat {shown(answer.repeat)}", "was the same run written twice?"
            else:
                which, remedy = "", "tell repeated answers to one case apart with a `repeat` field"
            message = f"{answer.place}: duplicate id {shown(answer.case)}{which}; first at {seen.place}; {remedy}"
            raise InputError(message)
        seen.metrics.update(answer.scores)
        if seen.cost is None:
            seen.cost = answer.cost
        elif answer.cost is not None and answer.cost != seen.cost:
            message = (
                f"{answer.place} cost: received {answer.cost}, but {seen.cost} at {seen.place} for the same answer; "
                "an answer has one cost, whatever the number of its metrics"
            )
            raise InputError(message)

    def fill_errors(self) -> None:
        known = tuple({*self._values, *self._refused})
        for answer in self._failed:
            seen = self._seen[answer.case, answer.repeat]
            for metric in known if answer.error_metrics is None else answer.error_metrics:
                if metric not in seen.metrics:
                    seen.metrics.add(metric)
                    self._values.setdefault(metric, {}).setdefault(answer.case, []).append(0.0)

    def refuse_gaps(self) -> None:
        known = {*self._values, *self._refused}
        for (case, _), seen in self._seen.items():
            if len(seen.metrics) < len(known):
                for metric in known - seen.metrics:
                    reason = f"{seen.place} {metric}: case {shown(case)} was not scored on it; score every case"
                    self._refused.setdefault(metric, reason)

    def table(self, tool: str, default_metric: str | None, model: str | None) -> ScoreTable:
        if not self._seen:
            raise InputError(f"{self._path}: holds no cases; expected at least one id with its score")
        if not self._values and not self._refused:
            raise InputError(f"{self._path}: none of its {len(self._repeats)} cases has a score; score the run first")
        if self._clusters and len(self._clusters) < len(self._repeats):
            missing = next(case for case in self._repeats if case not in self._clusters)
            message = f"{self._path} cluster: case {shown(missing)} has none, others have; give each case its cluster"
            raise InputError(message)
        costs = [seen.cost for seen in self._seen.values() if seen.cost is not None]
        return ScoreTable(
            path=self._path,
            tool=tool,
            metrics={
                metric: {case: math.fsum(scores) / len(scores) for case, scores in cases.items()}
                for metric, cases in sorted(self._values.items())
                if metric not in self._refused
            },
            repeats=self._repeats,
            cluster=self._clusters or None,
            cost=math.fsum(costs) if len(costs) == len(self._seen) else None,
            model=model,
            default_metric=default_metric,
            errors=self._errors,
            truncated=frozenset(self._truncated),
            requests={case: "+".join(sorted(digests)) for case, digests in self._requests.items()},
            refused=dict(sorted(self._refused.items())),
        )
