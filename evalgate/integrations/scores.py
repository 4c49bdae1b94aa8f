"""The front door to other tools' result files: `read_scores` for one run, `pair` for two.

    baseline = read_scores(Path("bf16.eval"))
    variant = read_scores(Path("int4.eval"))
    paired = pair(baseline, variant, metric=None)

The format is told by the content, for `.json` and `.jsonl` are the endings of five different formats:

    begins with PK            zip: an Inspect AI `.eval` log
    begins with { on line 1   one object a line: lm-evaluation-harness samples, promptfoo rows, or `id, score`
                              one object in all: an Inspect AI log or promptfoo's output
    anything else             CSV with a header
"""

from __future__ import annotations

from pathlib import Path

from evalgate.errors import InputError
from evalgate.integrations.logs.answers import shown
from evalgate.integrations.logs.files import check_file, first_line, parse_json, read_document
from evalgate.integrations.logs.inspect_ai import is_inspect, read_inspect_archive, read_inspect_json
from evalgate.integrations.logs.lm_eval import is_lm_eval, read_lm_eval
from evalgate.integrations.logs.pairing import PairedScores, pair
from evalgate.integrations.logs.promptfoo import (
    is_promptfoo,
    is_promptfoo_row,
    read_promptfoo_json,
    read_promptfoo_jsonl,
)
from evalgate.integrations.logs.rows import read_csv, read_jsonl
from evalgate.integrations.logs.table import ScoreTable, narrowed

__all__ = ["PairedScores", "ScoreTable", "pair", "read_scores"]

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


def read_scores(path: Path, *, metric: str | None = None) -> ScoreTable:
    """Read the scores of one run from the result file of any known tool.

    `path` may end in `#provider` to choose one provider of a promptfoo output. With `metric` only that one is read, and
    only its scores must be usable. Raises `InputError` when the file is missing, empty, damaged, too large, of an
    unknown format, unfinished, without cases, or has duplicate ids or scores outside [0, 1].
    """
    file, provider = _split_provider(path)
    check_file(file)
    table = _read(file, provider)
    if provider is not None and table.tool != "promptfoo":
        raise InputError(f"{path}: received provider {shown(provider)}, but only promptfoo's files have several")
    return narrowed(table, metric)


def _split_provider(path: Path) -> tuple[Path, str | None]:
    text = str(path)
    if "#" not in text or path.exists():
        return path, None
    ends = [index for index, character in enumerate(text) if character == "#"]
    end = next((end for end in ends if Path(text[:end]).is_file()), ends[0])
    return Path(text[:end]), text[end + 1 :]


def _read(path: Path, provider: str | None) -> ScoreTable:
    line = first_line(path)
    if line.startswith(_ZIP):
        return read_inspect_archive(path)
    if line.startswith(b"["):
        raise InputError(f"{path}: received a JSON array, expected one object a line; `jq -c '.[]'` makes it so")
    if not line.startswith(b"{"):
        return read_csv(path)
    row = _row(line)
    if row is None or is_inspect(row) or is_promptfoo(row):  # several lines, or all of it on one
        return _read_document(path, provider)
    return _read_lines(path, row, provider)


def _read_lines(path: Path, row: dict[str, object], provider: str | None) -> ScoreTable:
    if is_lm_eval(row):
        return read_lm_eval(path)
    return read_promptfoo_jsonl(path, provider) if is_promptfoo_row(row) else read_jsonl(path)


def _row(line: bytes) -> dict[str, object] | None:
    try:
        row = parse_json(line, "")
    except InputError:
        return None
    return row if isinstance(row, dict) else None


def _read_document(path: Path, provider: str | None) -> ScoreTable:
    document = read_document(path)
    if isinstance(document, dict):
        if is_inspect(document):
            return read_inspect_json(path, document)
        if is_promptfoo(document):
            return read_promptfoo_json(path, document, provider)
    expected = "JSONL or CSV with `id, score`, or a log of Inspect AI, lm-evaluation-harness or promptfoo"
    raise InputError(f"{path}: unknown format; expected {expected}")
