"""Benchmark reports as people file them: who measured what of which model, when, and where one can read it.

`intelligence.yaml` is a collection of them; a file that somebody hands in has the same form. A score is in percent and
has a source that can be opened; what cannot be looked up is not a report.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from evalgate.catalog.models import Day, Name, without_credentials
from evalgate.errors import InputError
from evalgate.formats.documents import Document, Strict, read_yaml

Benchmark = Literal["mmlu_pro", "humaneval_plus", "livecodebench", "humaneval", "math500", "math", "aime", "gpqa"]
BENCHMARKS: tuple[Benchmark, ...] = get_args(Benchmark)

# distinct questions; more answers to the same ones make no larger sample. From arXiv 2406.01574 (MMLU-Pro), 2305.01210
# (EvalPlus), 2107.03374 (HumanEval), 2103.03874 (MATH), 2311.12022 (GPQA, the Diamond set). LiveCodeBench (2403.07974)
# is measured on some months' questions: rather too few, where a report does not say how many
QUESTIONS: dict[Benchmark, int] = {
    "mmlu_pro": 12_032,
    "humaneval_plus": 164,
    "livecodebench": 100,
    "humaneval": 164,
    "math500": 500,
    "math": 5_000,
    "aime": 30,
    "gpqa": 198,
}


def _in_percent(value: float) -> float:
    if 0 < value < 1:
        raise ValueError(f"expected percent, and {value} looks like a share of 1; write {value * 100:g}")
    return value


Link = Annotated[
    str, BeforeValidator(without_credentials), Field(pattern=r"^https?://[^\s/?#<>\"]+[^\s<>\"]*$", max_length=500)
]
Score = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False), AfterValidator(_in_percent)]


class Report(Strict):
    """One benchmark of one model, by one party."""

    model: Name = Field(description="the model's id in the catalogue, or one of its aliases")
    benchmark: Benchmark = Field(description="gpqa: the Diamond set; code: pass@1")
    score: Score = Field(description="percent")
    n: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="distinct questions; default: as many as the benchmark has"
    )
    stderr: Annotated[float, Field(ge=0, le=50)] | None = Field(
        default=None, description="standard error of the score in percentage points, where whoever measured tells it"
    )
    date: Day = Field(description="when it was measured or published")
    measured_by: Annotated[str, Field(min_length=1, max_length=100)]
    source: Link = Field(description="where it can be read")
    note: Annotated[str, Field(max_length=500)] = ""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What no two reports of a collection may have in common: model, benchmark, who measured, and the day."""
        return (self.model, self.benchmark, self.measured_by, self.date.isoformat())

    @property
    def error(self) -> float:
        """Standard error in percentage points, from the questions alone where none was told.

        Two successes and two failures are added (Agresti and Coull 1998): 100 % of few questions is not certain.
        """
        n = self.n or QUESTIONS[self.benchmark]
        share = (self.score / 100 * n + 2) / (n + 4)
        sampled = 100 * math.sqrt(share * (1 - share) / (n + 4))
        return sampled if self.stderr is None else self.stderr


class ReportFile(Strict):
    """`intelligence.yaml`."""

    version: Literal[1] = 1
    reports: list[Report] = Field(default=[])


def load_reports(path: Path | str) -> tuple[Report, ...]:
    """The reports of a file; raises `InputError` with file and line for what is wrong, or there twice."""
    return read_reports(read_yaml(Path(path)))


def read_reports(document: Document) -> tuple[Report, ...]:
    """Like `load_reports`, for a document that was read."""
    reports = document.validate(ReportFile).reports
    seen: dict[tuple[str, str, str, str], int] = {}
    for number, report in enumerate(reports):
        if report.identity in seen:
            first = document.line("reports", seen[report.identity])
            raise document.error(f"{told(report)}: a second report; the first is on line {first}", "reports", number)
        seen[report.identity] = number
    return tuple(reports)


def require_new(collection: Sequence[Report], new: Iterable[Report], place: str) -> None:
    """Raise `InputError` that names every report which the collection has already, or has with another score."""
    known = {each.identity: each for each in collection}
    wrong: list[str] = []
    for report in new:
        other = known.get(report.identity)
        if other is None:
            continue
        if other.score == report.score:
            wrong.append(f"{place}: {told(report)}: already in the collection")
        else:
            what = f"{report.score:g} contradicts the collection, which has {other.score:g}"
            wrong.append(f"{place}: {told(report)}: {what}")
    if wrong:
        raise InputError("\n".join(wrong))


def told(report: Report) -> str:
    """A report by name."""
    return f"{report.benchmark} of {report.model} by {report.measured_by}, {report.date}"
