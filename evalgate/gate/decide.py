"""The parts of a verdict: what was measured, what it proves, which cases flipped, and what was noticed besides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalgate import stats
from evalgate.gate.board import Flip, MetricEvidence, Point
from evalgate.gate.policy import Policy
from evalgate.gate.transcript import FloatArray, Transcript
from evalgate.suite import Case

COURSE_POINTS = 120  # more would not show in the picture
NOTABLE_SHARE = 0.05


def evidence(
    metric: str,
    differences: FloatArray,
    baseline: FloatArray,
    flipped: tuple[int, int],
    policy: Policy,
    design: stats.Design,
    known: FloatArray | None = None,
) -> MetricEvidence:
    """What the statistics say of one metric; `differences` and `baseline` (units,) in the order asked.

    `flipped` counts the units on which the variant scored lower and higher than the baseline's first answer, `known`
    are the baseline's scores on the whole suite where they serve as control variate.
    """
    level = 1 - 2 * policy.alpha
    if not differences.size:
        return MetricEvidence(metric, 0.0, 0.0, 0.0, (-1.0, 1.0), level, 1.0, 1.0, 0, 0, ())
    design = design.copy()
    weights = design.get("weights")
    each = np.ones(differences.size) if weights is None else np.asarray(weights, dtype=np.float64)[: differences.size]
    if weights is not None:
        design["weights"] = each
    if known is not None:
        design["baseline"] = known
    path = stats.evidence_path(differences, margin=policy.margin, **design)
    lower, upper = stats.confidence_sequence(differences, level=level, margin=policy.margin, **design)
    means = np.cumsum(each * differences) / np.cumsum(each)
    shown = sorted({*range(0, differences.size, max(1, differences.size // COURSE_POINTS)), differences.size - 1})
    score = float((each * baseline).sum() / each.sum())
    return MetricEvidence(
        metric=metric,
        baseline_score=score,
        variant_score=score + float(means[-1]),
        delta=float(means[-1]),
        interval=(float(lower[-1]), float(upper[-1])),
        level=level,
        e_green=float(path.max_e_green[-1]),
        e_red=float(path.max_e_red[-1]),
        broke=flipped[0],
        fixed=flipped[1],
        course=tuple(Point(i + 1, float(means[i]), float(lower[i]), float(upper[i])) for i in shown),
    )


def required(metric: str, scores: FloatArray, policy: Policy, design: stats.Design) -> MetricEvidence:
    """What the variant's own `scores` (units,) say of the least score that the policy asks for."""
    minimum, level = policy.min_score[metric], 1 - policy.alpha - policy.beta / policy.proofs
    name = f"{metric} ≥ {minimum:g}"
    if not scores.size:
        return MetricEvidence(name, minimum, 0.0, 0.0, (-1.0, 1.0), level, 1.0, 1.0, 0, 0, (), absolute=True)
    proof = stats.certify_score(
        scores,
        minimum=minimum,
        margin=min(policy.margin, minimum / 2),
        alpha=policy.alpha,
        beta=policy.beta / policy.proofs,
        claim=design.get("claim", "traffic"),
        population=design.get("population"),
    )
    return MetricEvidence(
        metric=name,
        baseline_score=minimum,
        variant_score=minimum + proof.delta,
        delta=proof.delta,
        interval=proof.interval,
        level=level,
        e_green=proof.e_green,
        e_red=proof.e_red,
        broke=0,
        fixed=0,
        course=(),
        absolute=True,
    )


def flips(cases: Sequence[Case], side: Transcript, baseline: Transcript, metrics: Sequence[str]) -> tuple[Flip, ...]:
    """The cases that changed, in the order asked, each by the first metric on which it did."""
    first: dict[int, tuple[str, float, float]] = {}
    for metric in metrics if cases else ():
        ours, theirs = (one.scores(metric)[: len(cases)] for one in (baseline, side))
        for index in np.flatnonzero(ours != theirs).tolist():
            first.setdefault(index, (metric, float(ours[index]), float(theirs[index])))
    return tuple(Flip(cases[index].id, *first[index]) for index in sorted(first))


def other_prompt(side: Transcript, baseline: Transcript, cases: int) -> str:
    """What the servers' own counts say of the prompts, which were the same: nothing when they agree.

    A constant offset is another chat template; prompts that are shorter here and there, a truncated context or dropped
    tools. It costs no call.
    """
    offsets = (side.prompt_tokens()[:cases] - baseline.prompt_tokens()[:cases]) if cases else np.zeros(0)
    offsets = offsets[~np.isnan(offsets)]
    differ = offsets[offsets != 0]
    if not offsets.size or differ.size / offsets.size < NOTABLE_SHARE:
        return ""
    if differ.size == offsets.size and np.ptp(offsets) == 0:
        more = "more" if offsets[0] > 0 else "fewer"
        return f"{abs(offsets[0]):g} {more} prompt tokens than the baseline in every case: another chat template"
    if (differ < 0).all():
        fewer = f"fewer prompt tokens than the baseline in {differ.size} of {offsets.size} cases"
        return f"{fewer} (median {-np.median(differ):g}): a truncated context, or something left out"
    share = differ.size / offsets.size
    return (
        f"prompt tokens differ from the baseline's in {100 * share:.0f} % of the cases: another tokenizer or template"
    )
