"""The verdict on two runs that already exist, in whatever tool's files: nothing is asked again, everything is paired.

The cases are looked at in a random order that a seed fixes, because the order in a file may carry meaning (by topic, by
difficulty), and a sequential proof assumes that it does not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Literal, TypedDict, Unpack

from evalgate import stats
from evalgate.errors import InputError
from evalgate.exchange import JsonValue
from evalgate.integrations.logs.pairing import PairedScores

Design = Literal["sequential", "fixed"]
Claim = Literal["traffic", "suite"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two runs prove. `cases` counts the units used: clusters where cases share a source, else cases.

    Sequential designs have e-values, fixed ones p-values (`p_green` of H0 "worse by the margin or more", `p_red` of H0
    "not worse"); the others are None.
    """

    verdict: str
    claim: Claim
    design: Design
    metric: str
    cases: int
    available: int
    delta: float
    interval: tuple[float, float]
    level: float
    broke: int
    fixed: int
    margin: float
    alpha: float
    beta: float
    seed: int
    note: str = ""
    e_green: float | None = None
    e_red: float | None = None
    p_green: float | None = None
    p_red: float | None = None

    @property
    def exit_code(self) -> int:
        """As for a check: 0 green, 1 red, 3 inconclusive."""
        return {"green": 0, "red": 1}.get(self.verdict, 3)

    def to_json(self) -> dict[str, JsonValue]:
        """The comparison as JSON data."""
        data: dict[str, JsonValue] = asdict(self)
        flips: JsonValue = {"broke": data.pop("broke"), "fixed": data.pop("fixed")}
        return data | {"interval": list(self.interval), "flips": flips}


def compare(
    paired: PairedScores,
    *,
    margin: float,
    alpha: float = 0.05,
    beta: float = 0.05,
    claim: Claim = "traffic",
    design: Design = "sequential",
    seed: int = 1,
) -> Comparison:
    """Hold the variant's run against the baseline's.

    A case that failed scores 0, on either side; if leaving such cases out, or scoring the baseline's failures 1,
    changes the verdict, there is none. The mean is over cases, however unequal clusters are. Nor is there a green where
    the baseline scores no more than the margin: nobody could be worse.

    Raises `InputError` for a fixed design on scores that are not 0 or 1 (its score test is for binary scores), and
    `StatisticsError` for a margin or level out of range.
    """
    units = _units(paired, seed)
    largest = max(unit.size for unit in units)

    def judge(some: Sequence[_Unit], *, at_best: bool = False) -> Comparison:
        options = _Options(margin=margin, alpha=alpha, beta=beta, claim=claim, seed=seed)
        values = [unit.at_best if at_best else unit.difference for unit in some]
        if design == "fixed":
            return _fixed(paired, values, **options)
        weights = None if largest == 1 else [unit.size / largest for unit in some]
        return _sequential(paired, values, weights, **options)

    result = judge(units)
    if result.verdict == "green" and (score := fmean(paired.baseline)) <= margin:
        note = f"the baseline itself scores {score:.3f}, so nobody can be worse by {margin:g}"
        return replace(result, verdict="inconclusive", note=note)
    failed = sum(unit.failed for unit in units)
    if result.verdict != "inconclusive" and failed:
        answered = [unit for unit in units if not unit.failed]
        others = [judge(units, at_best=True), *([judge(answered)] if answered else [])]
        if not answered or any(other.verdict != result.verdict for other in others):
            what = f"{result.verdict} would rest on the {failed} that failed on either side"
            return replace(result, verdict="inconclusive", note=f"{what}: it is not proven without them")
    return result


@dataclass(frozen=True, slots=True)
class _Unit:
    """A cluster, or a case: its mean difference, the same with the baseline's failures scored 1, and its cases."""

    difference: float
    at_best: float
    size: int
    failed: bool


class _Options(TypedDict):
    margin: float
    alpha: float
    beta: float
    claim: Claim
    seed: int


def _sequential(
    paired: PairedScores, units: list[float], weights: list[float] | None, **options: Unpack[_Options]
) -> Comparison:
    margin, alpha, beta, claim = options["margin"], options["alpha"], options["beta"], options["claim"]
    finite = claim == "suite"
    proof = stats.certify(
        units,
        margin=margin,
        alpha=alpha,
        beta=beta,
        claim=claim,
        population=len(units) if finite else None,
        deadline=len(units),
        weights=weights,
        total_weight=sum(weights) if finite and weights is not None else None,
    )
    used = units[: proof.cases]
    return Comparison(
        verdict=proof.verdict,
        claim=claim,
        design="sequential",
        metric=paired.metric,
        cases=proof.cases,
        available=len(units),
        delta=proof.delta,
        interval=proof.interval,
        level=proof.level,
        broke=sum(unit < 0 for unit in used),
        fixed=sum(unit > 0 for unit in used),
        margin=margin,
        alpha=alpha,
        beta=beta,
        seed=options["seed"],
        note=proof.note,
        e_green=proof.e_green,
        e_red=proof.e_red,
    )


def _units(paired: PairedScores, seed: int) -> list[_Unit]:
    """One unit for each cluster where cases share a source, else for each case, in random order."""
    names = paired.clusters if paired.clusters is not None else paired.ids
    together: dict[str, list[tuple[float, float, bool]]] = {}
    rows = zip(names, paired.differences, paired.baseline, paired.baseline_errored, paired.variant_errored, strict=True)
    for name, difference, score, baseline_failed, variant_failed in rows:
        at_best = difference + score - 1 if baseline_failed else difference
        together.setdefault(name, []).append((difference, at_best, baseline_failed or variant_failed))
    ordered = sorted(together, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    units = []
    for name in ordered:
        cases = together[name]
        means = fmean(case[0] for case in cases), fmean(case[1] for case in cases)
        units.append(_Unit(*means, len(cases), any(case[2] for case in cases)))
    return units


def _fixed(paired: PairedScores, units: list[float], **options: Unpack[_Options]) -> Comparison:
    margin, alpha, beta, claim = options["margin"], options["alpha"], options["beta"], options["claim"]
    if claim == "suite":
        raise InputError("--design fixed proves for traffic only; for the suite itself use --design sequential")
    if not set(units) <= {-1.0, 0.0, 1.0}:
        what = "clusters" if paired.clusters is not None else f"scores of {paired.metric!r}"
        raise InputError(f"--design fixed needs scores that are 0 or 1; these {what} are not: use --design sequential")
    broke, fixed = sum(unit < 0 for unit in units), sum(unit > 0 for unit in units)
    count = len(units)
    p_green = stats.score_test(fixed, broke, count, margin)
    p_red = stats.score_test(broke, fixed, count, 0.0)
    verdict, note = "inconclusive", ""
    if p_green <= alpha:
        verdict, note = "green", "measurably worse, within margin" if p_red <= beta else ""
    elif p_red <= beta:
        verdict = "red"
    level = 1 - 2 * alpha
    return Comparison(
        verdict=verdict,
        claim=claim,
        design="fixed",
        metric=paired.metric,
        cases=count,
        available=count,
        delta=(fixed - broke) / count,
        interval=stats.score_interval(fixed, broke, count, level),
        level=level,
        broke=broke,
        fixed=fixed,
        margin=margin,
        alpha=alpha,
        beta=beta,
        seed=options["seed"],
        note=note,
        p_green=p_green,
        p_red=p_red,
    )
