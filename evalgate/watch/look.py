"""What a round's answers say of one variant beside its baseline: differences, labels and names. Pure.

Errors are not missing at random, and an outage is no loss of quality. So a unit counts where the baseline answered;
one in which the variant failed although it was tried as often as everybody counts with the score of a failure, which
may suspend it, and is left out of what may prove it worse.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from evalgate.exchange import Answer
from evalgate.gate import Policy, Sides, Transcript
from evalgate.gate.pairing import Pairing
from evalgate.gate.transcript import BoolArray, FloatArray
from evalgate.watch.draw import Draw, Drawn

ENOUGH = 0.5  # of a draw; with fewer pairs a round is none
SILENT = ("refused", "filtered", "empty", "cut_in_reasoning")
_LENGTH_STEP = math.log(1.5)
_SMALLEST = 8  # bytes that are added to both: of a short answer every letter would be a step


@dataclass
class Side:
    """One side's answers to a round: the transcript, and who served each."""

    transcript: Transcript
    known_as: set[str] = field(default_factory=set)
    fingerprints: set[str] = field(default_factory=set)

    def add(self, answers: Sequence[Answer], grades: Sequence[Mapping[str, float]], prompt_size: int) -> None:
        """Add the answers to the next case."""
        self.transcript.add(answers, grades, prompt_size)
        for given, answer in zip(self.transcript.given[-1], answers, strict=True):
            if given.known_as is not None:
                self.known_as.add(given.known_as)
            fingerprint = answer.details.get("system_fingerprint")
            if isinstance(fingerprint, str) and fingerprint:
                self.fingerprints.add(fingerprint)

    @property
    def oldest(self) -> float:
        """When the oldest answer was given; infinity where there is none."""
        return self.transcript.oldest


@dataclass(frozen=True, slots=True)
class Look:
    """One variant's round, by unit in the order asked.

    `differences` (by deciding metric, in [−1, 1]) and `shortfalls` (by required metric, score − 1) of the units that
    count; `weights` of those, `answered` marks those in which the variant answered. `labels` are observations by
    detector, (stratum, label) each. `places` of the units that count, in the suite, and their `strata` in the draw.
    `fragile`: places of all units of the suite that are drawn as such. `usable`: enough units count for this to be
    evidence.
    """

    differences: Mapping[str, FloatArray]
    shortfalls: Mapping[str, FloatArray]
    weights: FloatArray
    heaviest: float
    answered: BoolArray
    labels: Mapping[str, Sequence[tuple[str, str]]]
    known_as: frozenset[str]
    fingerprints: frozenset[str]
    drawn: int
    oldest: float
    places: Sequence[int] = ()
    strata: Sequence[str] = ()
    fragile: Collection[int] = ()

    @property
    def units(self) -> int:
        """How many units count."""
        return int(self.answered.size)

    @property
    def usable(self) -> bool:
        """Whether it is evidence at all."""
        return self.units >= max(1.0, ENOUGH * self.drawn) and bool(self.answered.any())


@dataclass(frozen=True, slots=True)
class Scale:
    """Where the mean is over cases and units are unequal, a unit's difference counts by its size: at most 1."""

    largest: int
    mean: float
    by_size: bool

    @classmethod
    def of(cls, policy: Policy, sizes: Sequence[int]) -> Scale:
        """That of a suite with units of these sizes."""
        largest = max(sizes)
        by_size = policy.cluster_weight == "cases" and largest != min(sizes)
        return cls(largest, sum(sizes) / len(sizes), by_size)

    def of_units(self, sizes: Sequence[int]) -> FloatArray:
        """By unit, in (0, 1]."""
        return np.array(sizes, dtype=np.float64) / self.largest if self.by_size else np.ones(len(sizes))

    def of_mean(self, level: float) -> float:
        """What a mean over cases is on this scale."""
        return level * self.mean / self.largest if self.by_size else level


def differences(
    policy: Policy, scale: Scale, baseline: Transcript, side: Transcript, sizes: Sequence[int]
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """By metric: variant − baseline of the deciding ones, score − 1 of the required ones, scaled; shapes (units,)."""
    pairing = Pairing(Sides(baseline, None, {side.endpoint.id: side}), policy, sizes, sizes)
    by_unit = scale.of_units(sizes)
    moved = {metric: pairing.scores(side, metric)[1] * by_unit for metric in policy.metrics}
    short = {metric: (_means(side.scores(metric), sizes) - 1) * by_unit for metric in policy.min_score}
    return moved, short


def look_at(policy: Policy, scale: Scale, draw: Draw, baseline: Side, side: Side, asserted: Sequence[str] = ()) -> Look:
    """What the round says of `side`; both have answered all cases of the draw, or failed to.

    `asserted` are all metrics of the suite, also those that do not decide.
    """
    sizes = draw.sizes
    moved, short = differences(policy, scale, baseline.transcript, side.transcript, sizes)
    shown = {name: _beside_baseline(name, baseline, side, sizes) for name in asserted if name not in policy.metrics}
    there = _means(baseline.transcript.failed_share(), sizes) == 0
    answered = _means(side.transcript.failed_share(), sizes) == 0
    return Look(
        differences={metric: values[there] for metric, values in moved.items()},
        shortfalls={metric: values[there] for metric, values in short.items()},
        weights=draw.weights[there],
        heaviest=draw.heaviest,
        answered=answered[there],
        labels=_labels(draw, baseline.transcript, side.transcript, shown, there & answered),
        known_as=frozenset(side.known_as),
        fingerprints=frozenset(side.fingerprints),
        drawn=len(draw.units),
        oldest=min(baseline.oldest, side.oldest),
        places=tuple(unit.start for unit, counts in zip(draw.units, there, strict=True) if counts),
        strata=tuple(_stratum(draw, unit) for unit, counts in zip(draw.units, there, strict=True) if counts),
        fragile=frozenset(draw.fragile),
    )


def _stratum(draw: Draw, unit: Drawn) -> str:
    """Labels are compared among units that are drawn alike, or an unequal draw would look like a change."""
    return f"{'fragile' if unit.fragile else 'other'} {draw.labels}"


def _beside_baseline(metric: str, baseline: Side, side: Side, sizes: Sequence[int]) -> FloatArray:
    return _means(side.transcript.scores(metric) - baseline.transcript.scores(metric), sizes)


def _labels(
    draw: Draw,
    baseline: Transcript,
    side: Transcript,
    shown: Mapping[str, FloatArray],
    there: BoolArray,
) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    start = 0
    for index, unit in enumerate(draw.units):
        cases = range(start, start + unit.size)
        start += unit.size
        if not there[index]:
            continue
        stratum = _stratum(draw, unit)
        for detector, label in _beside(baseline, side, cases).items():
            found.setdefault(detector, []).append((stratum, label))
        for metric, values in shown.items():
            label = str(int(np.sign(values[index])))
            found.setdefault("other_metrics", []).append((f"{metric} {stratum}", label))
    return found


def _beside(baseline: Transcript, side: Transcript, cases: range) -> dict[str, str]:
    """How a unit's answers look beside the baseline's, apart from their scores."""
    ours = [each for case in cases for each in side.given[case]]
    theirs = [each for case in cases for each in baseline.given[case]]
    size, other = (sum(each.size for each in some) + _SMALLEST * len(some) for some in (ours, theirs))
    silent, quiet = (sorted({each.kind for each in some if each.kind in SILENT}) for some in (ours, theirs))
    cut, whole = (any(each.answer.truncated for each in some) for some in (ours, theirs))
    asked, counted = (sum(each.answer.input_tokens or 0 for each in some) for some in (ours, theirs))
    return {
        "length": str(round(math.log(size / other) / _LENGTH_STEP)),
        "refusal": "as the baseline" if silent == quiet else ", ".join(silent) or "answers",
        "truncation": "as the baseline" if cut == whole else "cut" if cut else "whole",
        "prompt_tokens": "unknown" if not asked or not counted else str(round((asked - counted) / len(ours), 1)),
    }


def _means(values: FloatArray, sizes: Sequence[int]) -> FloatArray:
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    return np.asarray(np.add.reduceat(values, starts) / np.asarray(sizes))
