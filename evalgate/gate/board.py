"""The board: every verdict of a run with its evidence. Plain data, to print, store, publish and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import orjson

from evalgate.exchange import JsonValue
from evalgate.formats.canonical import canonical
from evalgate.gate.facts import Usage, VariantFacts

Outcome = Literal["green", "red", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Point:
    """The estimate after so many cases, for the picture of how evidence came in."""

    cases: int
    delta: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class MetricEvidence:
    """What the statistics say of one metric, over the cases used: D = variant − baseline, each score in [0, 1].

    `interval` is a confidence sequence at `level`: it holds at whatever case the run stopped. `broke` and `fixed` count
    the cases on which the variant scored lower and higher.
    """

    metric: str
    baseline_score: float
    variant_score: float
    delta: float
    interval: tuple[float, float]
    level: float
    e_green: float
    e_red: float
    broke: int
    fixed: int
    course: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A metric that is shown and decides nothing: mean scores of both sides over the cases used."""

    metric: str
    baseline_score: float
    variant_score: float

    @property
    def delta(self) -> float:
        """Variant minus baseline."""
        return self.variant_score - self.baseline_score


@dataclass(frozen=True, slots=True)
class Flip:
    """A case that the variant scored differently on, by the first metric on which it did."""

    case_id: str
    metric: str
    baseline_score: float
    variant_score: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate concludes of one variant on one operation.

    `cases` counts the units that the proof took (clusters where cases share a source), `e_needed` is the e-value that
    green was asked for. `metrics` decide; `diagnostics` are only shown.
    """

    variant: VariantFacts
    outcome: Outcome
    reason: str
    note: str
    cases: int
    e_needed: float
    metrics: tuple[MetricEvidence, ...]
    diagnostics: tuple[Diagnostic, ...]
    usage: Usage
    baseline_usage: Usage
    flips: tuple[Flip, ...]

    @property
    def saving(self) -> float:
        """Share of the baseline's cost per answer that this variant saves, on the same cases; negative: dearer."""
        baseline = self.baseline_usage.cost_usd
        return 1 - self.usage.cost_usd / baseline if baseline else 0.0

    @property
    def worst(self) -> MetricEvidence:
        """The metric that decides: of a red the one that proves it, else the one with the lowest evidence for green."""
        if self.outcome == "red":
            return max(self.metrics, key=lambda metric: metric.e_red)
        return min(self.metrics, key=lambda metric: metric.e_green)


@dataclass(frozen=True, slots=True)
class BaselineCheck:
    """The baseline held against itself (A/A): `flip_rate` is the share of units on which it differed from itself."""

    outcome: Outcome
    cases: int
    flip_rate: float


@dataclass(frozen=True, slots=True)
class OperationBoard:
    """The verdicts of one operation, and all that they were held to."""

    operation: str
    model: str
    suite: str
    suite_hash: str
    grading_hash: str
    baseline: VariantFacts
    baseline_check: BaselineCheck | None
    family: int
    unit: Literal["case", "cluster"]
    available: int
    repeats: int
    seed: int
    margin: float
    alpha: float
    beta: float
    claim: str
    control: str
    valid_seconds: int
    on_inconclusive: str
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that one run concluded. `at` is in seconds since the epoch; `requests` counts what was sent for it."""

    run: str
    at: float
    requests: int
    operations: tuple[OperationBoard, ...]

    @property
    def exit_code(self) -> int:
        """0 every variant green; 1 at least one red; 3 at least one inconclusive."""
        pairs = [(verdict.outcome, board.on_inconclusive) for board in self.operations for verdict in board.verdicts]
        if any(outcome == "red" for outcome, _ in pairs):
            return 1
        return 3 if ("inconclusive", "fail") in pairs else 0

    def to_json(self) -> dict[str, JsonValue]:
        """The board as JSON data."""
        data: dict[str, JsonValue] = orjson.loads(canonical(self))
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, JsonValue]) -> Board:
        """Read what `to_json` wrote; raises `pydantic.ValidationError` for anything else."""
        from pydantic import TypeAdapter  # lazily: only reading back needs it

        return TypeAdapter(cls).validate_python(dict(data))
