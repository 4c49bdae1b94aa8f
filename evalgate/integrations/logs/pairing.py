"""Two runs held against each other, case by case: by the stable id of the case, never by its position in a file.

A log's order is that in which answers happened to come back, and a variant that skipped ten cases still has a first
row: pairing by position compares different questions and looks perfectly plausible.
"""

from __future__ import annotations

from dataclasses import dataclass

from evalgate.errors import InputError
from evalgate.integrations.logs.answers import shown
from evalgate.integrations.logs.table import ScoreTable, choose_metric

LISTED = 10

_IDENTITY = {
    "lm-eval": "lm-eval cases are identified by the content of the document (doc_hash)",
    "promptfoo": "promptfoo cases are identified by metadata.id or the test's vars and assertions, and by the prompt",
}


@dataclass(frozen=True, slots=True)
class PairedScores:
    """The scores of two runs on the same cases: entry i of every tuple is the case `ids[i]`; ids are sorted.

    Scores are case means in [0, 1]. `clusters` names the source that cases share, `None` if the runs name none.
    `*_errored` marks cases of which at least one answer failed (it counts as 0 in the mean).
    """

    metric: str
    ids: tuple[str, ...]
    baseline: tuple[float, ...]
    variant: tuple[float, ...]
    clusters: tuple[str, ...] | None
    baseline_errored: tuple[bool, ...]
    variant_errored: tuple[bool, ...]

    @property
    def differences(self) -> tuple[float, ...]:
        """Variant minus baseline for each case, in [-1, 1]; negative: the variant is worse."""
        return tuple(x - b for x, b in zip(self.variant, self.baseline, strict=True))


def pair(
    baseline: ScoreTable, variant: ScoreTable, metric: str | None = None, *, check_requests: bool = True
) -> PairedScores:
    """Pair two runs on one metric.

    Raises `InputError` when the metric is missing or ambiguous, when a case is in only one of the runs, when the runs
    contradict each other about a cluster, and, with `check_requests`, when both logs tell what a case asked and it
    differs (other prompt, other expected answer): such scores are not comparable.
    """
    chosen, theirs = choose_metric(baseline, metric), choose_metric(variant, metric)
    if chosen != theirs:
        message = (
            f"metric: {baseline.path} has {shown(chosen)}, {variant.path} has {shown(theirs)}; "
            "compare one metric: name it with --metric, and call it the same in both files"
        )
        raise InputError(message)
    before, after = baseline.metrics[chosen], variant.metrics[chosen]
    if before.keys() != after.keys():
        raise InputError(_unmatched(baseline, variant, chosen))
    ids = tuple(sorted(before))
    if check_requests and baseline.tool == variant.tool:  # each tool's digest is of its own making
        _check_requests(baseline, variant, ids)
    return PairedScores(
        metric=chosen,
        ids=ids,
        baseline=tuple(before[case] for case in ids),
        variant=tuple(after[case] for case in ids),
        clusters=_clusters(baseline, variant, ids),
        baseline_errored=tuple(case in baseline.errors for case in ids),
        variant_errored=tuple(case in variant.errors for case in ids),
    )


def _unmatched(baseline: ScoreTable, variant: ScoreTable, metric: str) -> str:
    sides = []
    for one, other in ((baseline, variant), (variant, baseline)):
        mine, theirs = one.metrics[metric], other.metrics[metric]
        only = sorted(mine.keys() - theirs.keys())
        listed = ", ".join(shown(case) for case in only[:LISTED]) + (", …" if len(only) > LISTED else "")
        sides.append(f"{len(only)} of {len(mine)} ids only in {one.path}{': ' if only else ''}{listed}")
    notes = dict.fromkeys(_IDENTITY[run.tool] for run in (baseline, variant) if run.tool in _IDENTITY)
    remedy = "a verdict needs both answers to every case: run both sides on the same cases"
    return "; ".join(["the runs do not pair by id", *sides, *notes, remedy])


def _check_requests(baseline: ScoreTable, variant: ScoreTable, ids: tuple[str, ...]) -> None:
    asked, asked_again = baseline.requests, variant.requests
    differing = [case for case in ids if case in asked and asked_again.get(case, asked[case]) != asked[case]]
    if differing:
        listed = ", ".join(shown(case) for case in differing[:LISTED]) + (", …" if len(differing) > LISTED else "")
        message = (
            f"{len(differing)} of {len(ids)} cases were not asked the same (prompt or expected answer differ) in "
            f"{baseline.path} and {variant.path}: {listed}; run both sides with the same prompts and targets"
        )
        raise InputError(message)


def _clusters(baseline: ScoreTable, variant: ScoreTable, ids: tuple[str, ...]) -> tuple[str, ...] | None:
    ours, theirs = baseline.cluster or variant.cluster, variant.cluster or baseline.cluster
    if ours is None or theirs is None:
        return None
    for case in ids:
        if ours[case] != theirs[case]:
            message = (
                f"cluster: case {shown(case)} is in {shown(ours[case])} in {baseline.path} "
                f"but in {shown(theirs[case])} in {variant.path}; a case has one cluster"
            )
            raise InputError(message)
    return tuple(ours[case] for case in ids)
