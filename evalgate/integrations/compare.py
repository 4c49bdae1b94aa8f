"""The verdict on two runs that already exist, in whatever tool's files: nothing is asked again, everything is paired.

The cases are looked at in a random order that a seed fixes, because the order in a file may carry meaning (by topic, by
difficulty), and a sequential proof assumes that it does not.
"""

from __future__ import annotations

import hashlib
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

    A case that failed scores 0, on either side; if leaving such cases out changes the verdict, there is none. Nor is
    there a green where the baseline scores no more than the margin: nobody could be worse.

    Raises `InputError` for a fixed design on scores that are not 0 or 1 (its score test is for binary scores), and
    `StatisticsError` for a margin or level out of range.
    """
    units, failed = _units(paired, seed)

    def judge(values: list[float]) -> Comparison:
        options = _Options(margin=margin, alpha=alpha, beta=beta, claim=claim, seed=seed)
        return (_fixed if design == "fixed" else _sequential)(paired, values, **options)

    result = judge(units)
    if result.verdict == "green" and (score := fmean(paired.baseline)) <= margin:
        note = f"the baseline itself scores {score:.3f}, so nobody can be worse by {margin:g}"
        return replace(result, verdict="inconclusive", note=note)
    if result.verdict != "inconclusive" and any(failed):
        answered = [unit for unit, out in zip(units, failed, strict=True) if not out]
        if not answered or judge(answered).verdict != result.verdict:
            what = f"{result.verdict} would rest on the {sum(failed)} that failed on either side"
            return replace(result, verdict="inconclusive", note=f"{what}: it is not proven without them")
    return result


class _Options(TypedDict):
    margin: float
    alpha: float
    beta: float
    claim: Claim
    seed: int


def _sequential(paired: PairedScores, units: list[float], **options: Unpack[_Options]) -> Comparison:
    margin, alpha, beta, claim = options["margin"], options["alpha"], options["beta"], options["claim"]
    proof = stats.certify(
        units, margin=margin, alpha=alpha, beta=beta, claim=claim, population=len(units) if claim == "suite" else None
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


def _units(paired: PairedScores, seed: int) -> tuple[list[float], list[bool]]:
    """The differences in random order: one per cluster (its mean) where cases share a source, else one per case.

    Beside them, whether anything of the unit failed, on either side.
    """
    names = paired.clusters if paired.clusters is not None else paired.ids
    together: dict[str, list[float]] = {}
    failed: set[str] = set()
    errored = zip(paired.baseline_errored, paired.variant_errored, strict=True)
    for name, difference, sides in zip(names, paired.differences, errored, strict=True):
        together.setdefault(name, []).append(difference)
        if any(sides):
            failed.add(name)
    ordered = sorted(together, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    return [sum(together[name]) / len(together[name]) for name in ordered], [name in failed for name in ordered]


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
