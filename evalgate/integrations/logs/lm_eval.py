"""lm-evaluation-harness: `samples_<task>_<date>.jsonl`, as written by `--log_samples`.

A case is a document of the task. Its id is the content hash that the harness writes (`doc_hash`), because `doc_id` is
a position in the split: another revision of the data set, or another shuffle, puts another document there. Where the
document has an `id` of its own it stands before the hash, for people to read. A document that the split holds twice is
one case with two answers. `prompt_hash` and `target_hash` prove that both runs asked and expected the same.

With several filters a document has a line for each, and the metrics are told apart the way the harness prints them:
`exact_match,strict-match`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from evalgate.errors import InputError
from evalgate.integrations.logs.answers import Refused, ScoredAnswer, name, score_value, shown
from evalgate.integrations.logs.files import parse_json, read_lines
from evalgate.integrations.logs.table import ScoreTable, tabulate

_NO_FILTER = "none"
_NUMPY_BOOLEANS = {"True": True, "False": False}  # the harness writes what JSON cannot say with str()
_NOT_METRICS = frozenset(
    {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"}
    | {"doc_hash", "prompt_hash", "target_hash"}
)


def is_lm_eval(row: Mapping[str, object]) -> bool:
    """Tell whether `row` is a line of a samples file."""
    return "doc_id" in row and bool(row.keys() & {"filtered_resps", "resps", "doc", "doc_hash"})


def read_lm_eval(path: Path) -> ScoreTable:
    """Read a samples file."""
    return tabulate(path, "lm-eval", _answers(path), complete=True)


def _answers(path: Path) -> Iterator[ScoredAnswer]:
    for number, line in read_lines(path):
        if line.isspace():
            continue
        place = f"{path}:{number}"
        row = parse_json(line, place)
        if not isinstance(row, dict) or "doc_id" not in row:
            message = f"{place} doc_id: missing; expected a line of an lm-evaluation-harness samples file"
            raise InputError(message)
        yield ScoredAnswer(
            case=case_of(row, place),
            repeat=name(row["doc_id"], f"{place} doc_id"),
            place=place,
            scores=_scores(row, place),
            request=_request(row),
        )


def case_of(row: dict[str, object], place: str) -> str:
    """The id of the document that a line is about; the same in every run of the task."""
    document, stated = row.get("doc"), row.get("doc_hash")
    if stated is not None:
        content = name(stated, f"{place} doc_hash")[:16]
    elif document is not None:
        content = _doc_hash(document, place)[:16]  # versions before 0.4.3 do not write it
    else:
        return name(row["doc_id"], f"{place} doc_id")
    own = document.get("id") if isinstance(document, dict) else None
    if isinstance(own, str | int) and not isinstance(own, bool) and own != "":
        return f"{name(own, f'{place} doc.id')}@{content}"
    return content


def _doc_hash(document: object, place: str) -> str:
    """Return the hash that the harness itself takes (lm_eval/evaluator.py)."""
    try:
        text = json.dumps(document, indent=2, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()
    except (RecursionError, UnicodeEncodeError):
        raise InputError(f"{place} doc: cannot be hashed; expected a document of valid Unicode") from None


def _scores(row: dict[str, object], place: str) -> dict[str, float | Refused]:
    filtered_by = name(row.get("filter", _NO_FILTER), f"{place} filter")
    listed = row.get("metrics")
    if isinstance(listed, list):
        metrics = [name(metric, f"{place} metrics") for metric in listed]
    else:  # older versions do not list them
        metrics = [name(key, place) for key, value in row.items() if key not in _NOT_METRICS and _is_scalar(value)]
    if not metrics:
        raise InputError(f"{place} metrics: none; expected at least one metric; run the task without --predict_only")
    scores: dict[str, float | Refused] = {}
    for metric in metrics:
        if metric not in row:
            raise InputError(f"{place} {shown(metric)}: missing, though `metrics` names it")
        value = row[metric]
        if isinstance(value, str):
            value = _NUMPY_BOOLEANS.get(value, value)
        scores[metric if filtered_by == _NO_FILTER else f"{metric},{filtered_by}"] = score_value(value)
    return scores


def _is_scalar(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and value in _NUMPY_BOOLEANS)


def _request(row: dict[str, object]) -> str | None:
    prompt, target = row.get("prompt_hash"), row.get("target_hash")
    return f"{prompt[:16]}/{target[:16]}" if isinstance(prompt, str) and isinstance(target, str) else None
