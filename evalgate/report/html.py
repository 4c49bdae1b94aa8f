"""The drift report: one HTML file that carries everything it shows and asks nothing of the network.

It is meant to be sent around and kept, so it has to open in ten years, behind any firewall, on any screen and on
paper: no script, no font, no picture from elsewhere, and a content security policy that would refuse them anyway. What
models and datasets wrote is hostile: every text that the template puts out goes through `wording.safe` and is escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import jinja2
from markupsafe import Markup

from evalgate._version import __version__
from evalgate.errors import InfrastructureError
from evalgate.exchange import as_text
from evalgate.formats.files import write_atomically
from evalgate.gate import Board, OperationBoard, Verdict
from evalgate.report import plots, templating, wording
from evalgate.report.side_by_side import FIELD_LIMIT, Pair, both_shown
from evalgate.report.svg import inline_svg

BROKE_SHOWN, FIXED_SHOWN = 8, 4
_ANSWER_LIMIT = 1_000  # characters of an answer; the command shows more

Pairs = Callable[[OperationBoard, Verdict], list[Pair]]


@dataclass(frozen=True, slots=True)
class _Flips:
    """The flips of one variant that are shown, and how many are only counted."""

    broke: Sequence[Pair]
    fixed: Sequence[Pair]
    more_broke: int
    more_fixed: int


@dataclass(frozen=True, slots=True)
class _Section:
    """An operation with its pictures; `judged` are its verdicts by bits per weight with their flips."""

    anchor: str
    board: OperationBoard
    forest: Markup
    courses: Markup
    judged: Sequence[tuple[str, Verdict, _Flips]]


def write_report(board: Board, path: Path, pairs: Pairs) -> None:
    """Write the report atomically: whoever opens `path` sees the old report or the new one, never half of one.

    `pairs(operation, verdict)` gives the flips side by side, in the order asked; an empty list where the answers are
    not at hand. Raises `InfrastructureError` when the file cannot be written.
    """
    text = render_report(board, pairs)
    try:
        write_atomically(path, text.encode())
    except OSError as failure:
        raise InfrastructureError(f"{path}: the report cannot be written: {failure.strerror}") from None


def render_report(board: Board, pairs: Pairs) -> str:
    """The report as one HTML text; the same board gives the same text."""
    sections = [_section(f"op-{number}", each, pairs) for number, each in enumerate(board.operations, start=1)]
    verdicts = [(each, verdict) for each in board.operations for verdict in each.verdicts]
    template = _environment().get_template("report.html.j2")
    return template.render(
        board=board,
        sections=sections,
        tables=_tables(sections),
        tally=Counter(wording.outcome(verdict) for _, verdict in verdicts),
        total=len(verdicts),
        at=datetime.fromtimestamp(board.at, UTC),
        illustrative=any(wording.is_illustrative(each, verdict) for each, verdict in verdicts),
        estimated=any(wording.is_estimated(verdict) for _, verdict in verdicts),
        version=__version__,
    )


def _section(anchor: str, board: OperationBoard, pairs: Pairs) -> _Section:
    verdicts = wording.by_precision(board.verdicts)
    judged = [
        (f"{anchor}-{number}", verdict, _flips(verdict, pairs(board, verdict)))
        for number, verdict in enumerate(verdicts, start=1)
    ]
    counts = Counter(wording.outcome(verdict) for verdict in verdicts)
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    name = wording.safe(board.operation)
    forest = f"{name}: difference to the baseline of each variant with its confidence sequence; {told}"
    courses = f"{name}: how the difference and its confidence sequence developed as cases came in, for each variant"
    return _Section(
        anchor,
        board,
        Markup(inline_svg(plots.forest(board), f"{anchor}-forest", forest)),  # noqa: S704  # our own picture
        Markup(inline_svg(plots.courses(board), f"{anchor}-courses", courses)),  # noqa: S704
        judged,
    )


def _flips(verdict: Verdict, pairs: Sequence[Pair]) -> _Flips:
    broke, fixed = [pair for pair in pairs if pair.broke], [pair for pair in pairs if not pair.broke]
    count = Counter("broke" if flip.variant_score < flip.baseline_score else "fixed" for flip in verdict.flips)
    shown = broke[:BROKE_SHOWN], fixed[:FIXED_SHOWN]
    return _Flips(*shown, count["broke"] - len(shown[0]), count["fixed"] - len(shown[1]))


@dataclass(frozen=True, slots=True)
class _Table:
    """The verdict board of one model: operations as rows, variants as columns; None where one was not judged."""

    model: str
    variants: Sequence[Verdict]
    rows: Sequence[tuple[_Section, Sequence[tuple[str, Verdict] | None]]]


def _tables(sections: Sequence[_Section]) -> list[_Table]:
    """One table for each model; its columns are the variants of all its operations, by bits per weight."""
    tables = []
    for model in dict.fromkeys(section.board.model for section in sections):
        mine = [section for section in sections if section.board.model == model]
        every = {verdict.variant.id: verdict for section in mine for _, verdict, _ in section.judged}
        columns = wording.by_precision(every.values())
        rows = []
        for section in mine:
            found = {verdict.variant.id: (anchor, verdict) for anchor, verdict, _ in section.judged}
            rows.append((section, [found.get(column.variant.id) for column in columns]))
        tables.append(_Table(model, columns, rows))
    return tables


def _environment() -> jinja2.Environment:
    environment = templating.environment("evalgate.report")
    environment.globals.update(wording=wording, both_shown=lambda pair: both_shown(pair, _ANSWER_LIMIT))
    environment.filters["field"] = lambda value: wording.safe(as_text(value), FIELD_LIMIT, multiline=True)
    return environment
