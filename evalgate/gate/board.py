"""The board: every verdict of a run with its evidence. Plain data, to print, store, publish and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import orjson

from evalgate import stats
from evalgate.exchange import JsonValue
from evalgate.facts import Usage, VariantFacts
from evalgate.formats.canonical import canonical
from evalgate.gate.policy import Policy
from evalgate.gate.slices import SliceScore

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FALSE_DISCOVERIES = 0.05
Outcome = Literal["green", "red", "inconclusive"]
Word = Literal["green", "red", "worse", "inconclusive"]
Cause = Literal[
    "proven",  # green or red
    "open",  # all cases were asked and prove neither
    "limited",  # the suite has more cases than might be asked
    "budget",
    "failures",  # a proof would rest on calls that failed
    "unreachable",
    "identity",  # somebody else answered
    "noise",  # the baseline differs from itself
    "unchecked",  # the baseline was not yet proven equal to itself
    "scores",  # the baseline's own scores let nobody be judged
]


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
    the units on which the variant scored lower and higher. Where the policy requires a least score of the variant alone
    (`absolute`), `baseline_score` is that score, and nothing broke, for nothing was compared.
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
    absolute: bool = False


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
class Trying:
    """Which try this was, and what it was charged: see `gate.history`. `arrival` 0 is the first batch of variants."""

    number: int
    level: float
    arrival: int


@dataclass(frozen=True, slots=True)
class ControlVariate:
    """What it was worth that the baseline's scores on the whole suite were known beforehand.

    `e_value` is the largest evidence for what was concluded (for red of a red, otherwise for green) in the cases used,
    `e_without` what it would have been in the same cases without. `decisive`: there would be no proof yet.
    """

    e_value: float
    e_without: float
    decisive: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate concludes of one variant on one operation.

    `cases` counts the units that the proof took (clusters where cases share a source), `e_needed` is the e-value that
    green was asked for and `e_value` what there was. `metrics` decide; `diagnostics` are only shown. `beyond_margin`:
    the loss is proven to be more than the margin; other reds are proven worse, perhaps by less. `suspicions` are what
    was noticed for nothing: another prompt than was sent, another model than was asked for. `control_variate` is None
    where none was used. `slices` are only shown, where the suite names them.
    """

    variant: VariantFacts
    outcome: Outcome
    cause: Cause
    reason: str
    note: str
    cases: int
    e_needed: float
    e_value: float
    beyond_margin: bool
    trying: Trying
    metrics: tuple[MetricEvidence, ...]
    diagnostics: tuple[Diagnostic, ...]
    usage: Usage
    baseline_usage: Usage
    suspicions: tuple[str, ...]
    flips: tuple[Flip, ...]
    control_variate: ControlVariate | None = None
    slices: tuple[SliceScore, ...] = ()

    @property
    def saving(self) -> float | None:
        """Share of the baseline's cost per answer that this variant saves, at one token mix; negative: dearer.

        None where a cost is not known, or the baseline costs nothing: whoever cannot be compared is not cheaper.
        """
        ours, baseline = self.usage.cost_usd, self.baseline_usage.cost_usd
        return 1 - ours / baseline if ours is not None and baseline else None

    @property
    def word(self) -> Word:
        """The verdict in a word: a red that is not proven to be beyond the margin is called `worse`."""
        return "worse" if self.outcome == "red" and not self.beyond_margin else self.outcome

    @property
    def worst(self) -> MetricEvidence:
        """The metric that decides: of a red the one that proves it, else the one with the lowest evidence for green."""
        if self.outcome == "red":
            return max(self.metrics, key=lambda metric: metric.e_red)
        return min(self.metrics, key=lambda metric: metric.e_green)


@dataclass(frozen=True, slots=True)
class BaselineCheck:
    """The baseline held against itself (A/A), both ways: green is neither worse nor better by the margin.

    `flip_rate` is the share of units on which it differed from itself; `hours_apart`: its answers were given in
    different hours, so that an incident of its own would show.
    """

    outcome: Outcome
    cases: int
    flip_rate: float
    hours_apart: bool = False


@dataclass(frozen=True, slots=True)
class OperationBoard:
    """The verdicts of one operation, and all that they were held to.

    `analysis` is the claim that was proven: `traffic` also where the policy claims the suite but answers change from
    call to call. `family` counts everybody who was ever ruled on, `available` the units that might be asked.
    """

    operation: str
    model: str
    suite: str
    suite_hash: str
    grading_hash: str
    policy: Policy
    analysis: Literal["traffic", "suite"]
    baseline: VariantFacts
    baseline_check: BaselineCheck | None
    family: int
    available: int
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
        """4 somebody could not be asked; else 1 one is red; else 3 one is inconclusive and fails by policy; else 0."""
        from evalgate.gate.failing import FailOn  # which stands on this

        return FailOn().exit_code(self)

    @property
    def discoveries(self) -> int:
        """How many of the greens e-BH finds at a false discovery rate of 5 % over the whole board."""
        verdicts = [verdict for board in self.operations for verdict in board.verdicts if verdict.cases]
        if not verdicts:
            return 0
        found = stats.e_bh([verdict.e_value for verdict in verdicts], FALSE_DISCOVERIES)
        return sum(verdict.outcome == "green" and bool(one) for verdict, one in zip(verdicts, found, strict=True))

    def to_json(self) -> dict[str, JsonValue]:
        """The board as JSON data."""
        data: dict[str, JsonValue] = orjson.loads(canonical(self))
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, JsonValue]) -> Board:
        """Read what `to_json` wrote, in whichever release; raises `pydantic.ValidationError` for anything else."""
        from evalgate.gate.older_board import brought_up_to_date

        return _reader().validate_python(brought_up_to_date(data))


@cache
def _reader() -> TypeAdapter[Board]:
    from pydantic import TypeAdapter  # lazily: only reading back needs it, and made once, which takes a while

    return TypeAdapter(Board)
