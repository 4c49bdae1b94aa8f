"""JSONL and CSV with `id, score`: the format to write when no other fits.

One row is one score: `id` and `score` are required; `metric` (default `score`), `cluster`, `cost` (dollars), `error`
(a text; the score is then 0 and may be left out) and `repeat` or `epoch` (tells repeated answers apart) are optional.
Other columns are ignored, for these files are often cut out of something larger. A key that stands twice in a row, or
a column twice in a header, is an error: which of the two was meant, nobody can tell.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

from evalgate.errors import InputError
from evalgate.formats.cells import allow_long_cells
from evalgate.integrations.logs.answers import ScoredAnswer, cost_value, error_text, name, score_value, shown
from evalgate.integrations.logs.files import parse_json, read_lines
from evalgate.integrations.logs.table import ScoreTable, tabulate

DEFAULT_METRIC = "score"

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
_KEYS = {"id", "score", "metric", "cluster", "cost", "error", "repeat", "epoch"}


def read_jsonl(path: Path) -> ScoreTable:
    """Read one JSON object a line; blank lines are skipped."""
    return tabulate(path, "jsonl", _json_answers(path), complete=False)


def read_csv(path: Path) -> ScoreTable:
    """Read comma-separated values under a header; an empty cell is a value that is not there."""
    return tabulate(path, "csv", _csv_answers(path), complete=False)


def _json_answers(path: Path) -> Iterator[ScoredAnswer]:
    for number, line in read_lines(path):
        if line.isspace():
            continue
        place = f"{path}:{number}"
        row = _json_row(line, place)
        if not isinstance(row, dict):
            raise InputError(f"{place}: received {shown(row)}, expected an object with `id` and `score`")
        yield _answer(row, place)


class _DuplicateKeyError(Exception):
    """Raised within the JSON decoder, where the place is not known."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    row = dict(pairs)
    if len(row) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _DuplicateKeyError(next(key for key in keys if keys.count(key) > 1))
    return row


_DECODER = json.JSONDecoder(object_pairs_hook=_unique)


def _json_row(line: str, place: str) -> object:
    try:
        row: object = _DECODER.decode(line)
    except _DuplicateKeyError as failure:
        raise InputError(f"{place}: duplicate key {shown(failure.args[0])}; give each key once") from None
    except (ValueError, RecursionError):
        return parse_json(line, place)  # tells what is wrong with it
    return row


def _csv_answers(path: Path) -> Iterator[ScoredAnswer]:
    allow_long_cells()
    reader = csv.reader((line for _, line in read_lines(path)), strict=True)
    header: list[str] | None = None
    start = 1
    try:
        for cells in reader:
            place, start = f"{path}:{start}", reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = _header(cells, place)
            elif len(cells) != len(header):
                message = f"{place}: received {len(cells)} cells, expected {len(header)} as in the header; quote commas"
                raise InputError(message)
            else:
                yield _answer(_csv_row(header, cells), place)
    except csv.Error as failure:
        raise InputError(f"{path}:{reader.line_num}: malformed CSV: {failure}") from None


def _header(cells: list[str], place: str) -> list[str]:
    header = [cell.strip() for cell in cells]
    if repeated := sorted({column for column in header if column in _KEYS and header.count(column) > 1}):
        raise InputError(f"{place} {repeated[0]}: duplicate column; give each column once")
    for required in ("id", "score"):
        if required not in header:
            listed = ", ".join(shown(column) for column in header[:20])
            separator = "; separate the columns with commas" if len(header) == 1 else ""
            message = f"{place} {required}: missing; expected a header with `id` and `score`, received {listed}"
            raise InputError(message + separator)
    return header


def _csv_row(header: list[str], cells: list[str]) -> dict[str, object]:
    row: dict[str, object] = {
        column: cell for column, cell in zip(header, cells, strict=True) if column in _KEYS and cell.strip()
    }
    for column in ("score", "cost"):
        if isinstance(cell := row.get(column), str):
            row[column] = _cell_value(cell.strip())
    return row


def _cell_value(cell: str) -> object:
    # float() alone would also take `1_0`, `nan`, and digits of other scripts
    return float(cell) if _NUMBER.fullmatch(cell) else _BOOLEANS.get(cell.lower(), cell)


def _answer(row: dict[str, object], place: str) -> ScoredAnswer:
    if row.get("id") is None:
        raise InputError(f"{place} id: missing; expected the stable id of the case{_near('id', row)}")
    case = name(row["id"], f"{place} id")
    metric = DEFAULT_METRIC if row.get("metric") is None else name(row["metric"], f"{place} metric")
    error = _error(row.get("error"), place)
    if row.get("score") is not None:
        score = score_value(row["score"])
    elif error is not None:
        score = 0.0
    else:
        raise InputError(f"{place} score: missing; expected a number in [0, 1]{_near('score', row)}")
    if error is not None and score != 0:
        raise InputError(f"{place} score: received {score} beside an error; an answer that failed scores 0")
    repeats = [row[key] for key in ("repeat", "epoch") if row.get(key) is not None]
    if len(repeats) > 1:
        raise InputError(f"{place} epoch: received both `repeat` and `epoch`; give one of them")
    cluster = row.get("cluster")
    return ScoredAnswer(
        case=case,
        repeat=name(repeats[0], f"{place} repeat") if repeats else "",
        place=place,
        scores={metric: score},
        error=error,
        error_metrics=(),
        cluster=None if cluster is None else name(cluster, f"{place} cluster"),
        cost=cost_value(row.get("cost"), f"{place} cost"),
    )


def _error(value: object, place: str) -> str | None:
    if value is None or value is False or value == "":
        return None
    if not isinstance(value, str):
        raise InputError(f"{place} error: received {shown(value)}, expected the text of the error, or null")
    return error_text(value)


def _near(key: str, row: dict[str, object]) -> str:
    # imported here, where it is needed: it brings YAML and pydantic with it
    from evalgate.formats.documents import did_you_mean

    hint = did_you_mean(key, {str(column) for column in row})
    return hint if "did you mean" in hint else ""
