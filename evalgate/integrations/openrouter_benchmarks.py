"""OpenRouter's daily export of its own benchmark runs, as reports (CC BY 4.0: source OpenRouter, openrouter.ai).

`GET /api/v1/datasets/exports/benchmark-leaderboard/<day>.json` has one row per benchmark, model version and provider;
`GET /api/v1/benchmarks` has one per model. Both give `accuracy` from 0 to 1. Two things to know: runs that scored 0 are
left out of it before it is published, and 90 days are mixed. A model's score here is the mean over its providers, by
tasks, so one that is served badly somewhere scores less than it could.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from statistics import pstdev
from typing import Any

from pydantic import ValidationError

from evalgate.errors import InputError
from evalgate.intelligence.reports import QUESTIONS, Benchmark, Report

EXPORT = "https://openrouter.ai/api/v1/datasets/exports/benchmark-leaderboard/latest.json"
MEASURED_BY = "OpenRouter"
_OURS: dict[str, Benchmark] = {"gpqa_diamond": "gpqa"}  # the other of its benchmarks, tau2, is no part of the composite
_MODEL = ("model_permaslug", "model_slug", "model")
_BENCHMARK = ("benchmark_type", "benchmark", "benchmark_slug")


@dataclass(frozen=True, slots=True)
class Read:
    """The reports, and a sentence for each thing that was left out."""

    reports: tuple[Report, ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    accuracy: float
    tasks: int
    at: date


def read_benchmarks(document: object, place: str) -> Read:
    """The export or the API's answer, decoded. Raises `InputError` when it is something else."""
    data = document if isinstance(document, Mapping) else {}
    rows = next((data[key] for key in ("rows", "data") if isinstance(data.get(key), list)), None)
    if rows is None or not any(isinstance(row, Mapping) and "accuracy" in row for row in rows):
        expected = "OpenRouter's benchmark-leaderboard export: an object with rows that have accuracy and a model"
        raise InputError(f"{place}: expected {expected}")
    day = _day(data.get("snapshot_date"))
    found: dict[tuple[str, Benchmark], list[_Row]] = defaultdict(list)
    skipped: dict[str, int] = defaultdict(int)
    for row in rows:
        try:
            model, benchmark, each = _row(row, day)
        except InputError as reason:
            skipped[str(reason)] += 1
        else:
            found[model, benchmark].append(each)
    reports = []
    for (model, benchmark), its_rows in sorted(found.items()):
        try:
            reports.append(_report(model, benchmark, its_rows))
        except ValidationError:
            skipped[f"a model that a catalogue cannot name: {model[:60]}"] += 1
    return Read(tuple(reports), tuple(f"{reason} ({count} rows)" for reason, count in sorted(skipped.items())))


def _row(row: object, day: date | None) -> tuple[str, Benchmark, _Row]:
    """Raises `InputError` with why a row is left out."""
    row = row if isinstance(row, Mapping) else {}
    model, name = _first(row, _MODEL), _first(row, _BENCHMARK)
    if model is None or name is None:
        raise InputError("rows without a model or a benchmark")
    benchmark = _OURS.get(re.sub(r"[^a-z0-9]+", "_", name.lower()))
    if benchmark is None:
        raise InputError(f"{name[:60]}: not a part of the composite")
    accuracy, tasks = row.get("accuracy"), row.get("total_tasks")
    if not isinstance(accuracy, int | float) or isinstance(accuracy, bool) or not 0 <= accuracy <= 1:
        raise InputError("rows without an accuracy from 0 to 1")
    if not isinstance(tasks, int) or isinstance(tasks, bool) or not 0 < tasks < 10**9:
        raise InputError("rows without a number of tasks")
    at = _day(row.get("last_run_timestamp")) or day
    if at is None:
        raise InputError("rows without a day")
    return model, benchmark, _Row(float(accuracy), tasks, at)


def _report(model: str, benchmark: Benchmark, rows: list[_Row]) -> Report:
    tasks = sum(row.tasks for row in rows)
    score = round(100 * sum(row.accuracy * row.tasks for row in rows) / tasks, 4)
    report = Report(
        model=model,
        benchmark=benchmark,
        score=0.0 if score < 1 else score,  # a report has no share of 1; a model that knows nothing guesses 25 % right
        n=min(tasks, QUESTIONS[benchmark]),  # the same questions over and over are no larger sample
        date=max(row.at for row in rows),
        measured_by=MEASURED_BY,
        source=EXPORT.removesuffix("/latest.json"),
    )
    if len(rows) == 1:
        return report
    spread = 100 * pstdev(row.accuracy for row in rows) / math.sqrt(len(rows) - 1)
    low, high = (100 * end(row.accuracy for row in rows) for end in (min, max))
    note = f"mean over {len(rows)} providers, which scored {low:.1f} to {high:.1f}; runs of score 0 are not in it"
    wider = {"stderr": round(min(spread, 50.0), 4)} if spread > report.error else {}
    return Report.model_validate({**report.model_dump(mode="json"), **wider, "note": note})


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((row[name] for name in names if isinstance(row.get(name), str) and row[name]), None)


def _day(value: object) -> date | None:
    try:
        return datetime.fromisoformat(value).date() if isinstance(value, str) else None
    except ValueError:
        return None
