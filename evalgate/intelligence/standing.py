"""How intelligent each model of a catalogue is said to be, and on what grounds: `standing` is what pages show.

Pure: no clock, no file. Nothing of it is used for routing; what a variant may serve is decided by its own verdicts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from evalgate.catalog import Catalog
from evalgate.intelligence.composite import PARTS, Composite, Part, PartName, Yardstick, composite, parts_of, yardsticks
from evalgate.intelligence.estimate import Estimator, Known
from evalgate.intelligence.reports import Report

Label = Literal["measured", "estimated", "unknown"]
CONFIRMED = 0.5  # of the weight must have been measured, before others are estimated from a composite


@dataclass(frozen=True, slots=True)
class Intelligence:
    """How intelligent a model is said to be.

    `value` and the ends of `interval` (90 %) are in [0, 100], or None where nothing can be said. `parts`: what was
    measured, empty for an estimate. `reason`: a sentence on where the value comes from, or why there is none.
    `as_of`: the day of the newest part.
    """

    value: float | None
    interval: tuple[float, float] | None
    label: Label
    parts: tuple[Part, ...] = ()
    reason: str = ""
    as_of: date | None = None


def standing(catalog: Catalog, reports: Sequence[Report], today: date) -> Mapping[str, Intelligence]:
    """By model id, for every model of the catalogue. Reports that are dated after `today` are not counted."""
    counted = [report for report in reports if report.date <= today]
    by = yardsticks(counted)
    parts = _parts(catalog, counted, by)
    complete = [{part.name: part.score for part in each} for each in parts.values() if len(each) == len(PARTS)]
    measured = {model: composite(each, complete) for model, each in parts.items()}
    confirmed = {model: each.value for model, each in measured.items() if each.weight >= CONFIRMED}
    known = {model: Known.of(about, catalog.models[model].values(), today) for model, about in catalog.about.items()}
    estimator = Estimator({model: (known[model], value) for model, value in confirmed.items()})
    found: dict[str, Intelligence] = {}
    for model in catalog.models:
        if model in measured:
            found[model] = _measured(measured[model], parts[model], by)
            continue
        told = estimator.estimate(known[model])
        if isinstance(told, str):
            found[model] = Intelligence(None, None, "unknown", reason=told)
        else:
            found[model] = Intelligence(told.value, told.interval, "estimated", reason=told.reason)
    return found


def _parts(
    catalog: Catalog, reports: Sequence[Report], by: Mapping[PartName, Yardstick]
) -> dict[str, tuple[Part, ...]]:
    """By model id, for those of which anything is known that compares."""
    ids = {alias: model for model, about in catalog.about.items() for alias in about.aliases}
    ids |= {model: model for model in catalog.models}  # an id is never somebody else's alias
    by_model: dict[str, list[Report]] = defaultdict(list)
    for report in reports:
        if report.model in ids:
            by_model[ids[report.model]].append(report)
    found = {model: parts_of(each, by) for model, each in by_model.items()}
    return {model: each for model, each in found.items() if each}


def _measured(found: Composite, parts: tuple[Part, ...], by: Mapping[PartName, Yardstick]) -> Intelligence:
    names = [part.name for part in parts]
    missing = [f"{name} by {'/'.join(by[name])}" for name in PARTS if name not in names]
    reason = f"weighted mean of {', '.join(part.benchmark for part in parts)}"
    if missing:
        reason += f"; nobody reported {', '.join(missing)}, so {found.weight:.0%} of the weight is measured"
    return Intelligence(found.value, found.interval, "measured", parts, reason, max(part.date for part in parts))
