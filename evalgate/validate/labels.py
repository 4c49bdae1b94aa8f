"""Answers that people have labelled, to hold a judge against: a line of JSONL, or a row of CSV, for each.

    {"id": "t1", "answer": "Refunded in 5 days.", "label": 1}

`id` is the case's, `answer` what somebody answered, and `label` what a person says of it, on the judge's scale: 0 to
`scale`, or true and false for its ends. `judged` is what the judge says, where that is known already; `baseline` is the
other answer, which a pairwise judge needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evalgate.errors import InputError
from evalgate.exchange import JsonValue, as_text
from evalgate.formats.documents import did_you_mean, told_at_once
from evalgate.suite import Case, Suite
from evalgate.suite.dataset import rows_of

KEYS = {"id", "answer", "label", "judged", "baseline"}
MOST = 100_000


@dataclass(frozen=True, slots=True)
class Labelled:
    """One answer with its label in [0, 1], and what the judge says of it where the file tells."""

    case: Case
    answer: str
    label: float
    judged: float | None = None
    baseline: str | None = None


def read_labels(path: Path, suite: Suite, *, scale: int, pairs: bool) -> list[Labelled]:
    """All labelled answers of a file; raises `InputError` for all that is wrong with it, with the lines.

    Numbers are on a scale from 0 to `scale`; `pairs`: each needs a `baseline`.
    """
    if path.suffix not in (".jsonl", ".csv"):
        raise InputError(f"{path}: expected a .jsonl or .csv file of labelled answers")
    cases = {case.id: case for case in suite.cases}
    found: list[Labelled] = []
    wrong: list[str] = []
    places: dict[tuple[str, str, str | None], str] = {}
    for number, (place, row) in enumerate(rows_of(path, str(path))):
        if number == MOST:
            raise InputError(f"{place}: more than {MOST:,} labelled answers; a judge is known well with some hundreds")
        try:
            each = _labelled(row, cases, scale, pairs=pairs)
        except InputError as failure:
            wrong.append(str(failure))
        except ValueError as failure:
            wrong.append(f"{place}: {failure}")
        else:
            found.append(each)
            first = places.setdefault((each.case.id, each.answer, each.baseline), place)
            if first != place:
                wrong.append(f"{place}: the same answer to {each.case.id!r} is labelled already ({first})")
    known = sum(each.judged is not None for each in found)
    if not wrong and 0 < known < len(found):
        wrong.append(f"{path}: {known} of {len(found)} rows have 'judged'; give it in all, or in none to ask the judge")
    if wrong:
        raise told_at_once(wrong)
    if not found:
        raise InputError(f"{path}: no labelled answers")
    return found


def _labelled(row: object, cases: Mapping[str, Case], scale: int, *, pairs: bool) -> Labelled:
    """Raises `ValueError` for what is none, and the `InputError` that a row is."""
    if isinstance(row, InputError):
        raise row
    if not isinstance(row, dict):
        raise ValueError("expected an object with id, answer and label")  # noqa: TRY004  # of the file, not of a type
    given = {key: value for key, value in row.items() if value is not None}
    if told := next(_missing(given, pairs=pairs), None):
        raise ValueError(told)
    name, baseline = str(given["id"]), given.get("baseline")
    if name not in cases:
        raise ValueError(f"the suite has no case {name!r}{did_you_mean(name, set(cases))}")
    judged = None if "judged" not in given else _share(given["judged"], scale, "judged")
    label, other = _share(given["label"], scale, "label"), None if baseline is None else as_text(baseline)
    return Labelled(cases[name], as_text(given["answer"]), label, judged, other)


def _missing(given: Mapping[str, JsonValue], *, pairs: bool) -> Iterator[str]:
    for key in given:
        if key not in KEYS:
            yield f"unknown key {key!r}{did_you_mean(key, KEYS)}"
    for key in ("id", "answer", "label", *(["baseline"] if pairs else [])):
        if key not in given:
            yield f"{key!r} is missing; expected id, answer and label{', and baseline for a pair' if pairs else ''}"


def _share(value: JsonValue, scale: int, key: str) -> float:
    if isinstance(value, bool) or value in ("true", "false"):
        return float(value in (True, "true"))
    try:
        number = float(value)  # type: ignore[arg-type]  # what cannot be one is told
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= scale:
        raise ValueError(f"{key}: expected a number from 0 to {scale}, or true or false, got {str(value)[:60]!r}")
    return number / scale
