"""The board as a PDF: what is sent to somebody who will not open a folder of pages.

Made by fpdf2, which writes text as text, so that it can be searched and copied; matplotlib's own backend draws a page
as one picture without tables or page breaks, and a browser is too much to ask for. The letters are those that come with
matplotlib. Nothing of a text can be more than its letters: there is no markup, no link and no script in it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from evalgate.gate import OperationBoard, Verdict
from evalgate.report import wording
from evalgate.report.drift.changes import Change
from evalgate.report.drift.consequences import baseline_told, known, steps, worst_first
from evalgate.report.drift.report import Report
from evalgate.report.plots import PALETTE
from evalgate.report.wording import safe

if TYPE_CHECKING:
    from fpdf.fonts import TTFFont

_FONT = "DejaVu"
_BAR = 34.0  # mm, of three margins to either side
_COLUMNS = (  # mm
    ("verdict", 23),
    ("variant", 37),
    ("score", 26),
    ("Δ pp", 14),
    ("sequence", 26),
    ("", 36),
    ("n", 11),
    ("saves", 13),
)
_MOST = 40  # lines of a list; the HTML report has all


def document(report: Report) -> bytes:
    """The PDF; the same report gives the same bytes."""
    sheet = _Sheet(report)
    sheet.front()
    for each in report.board.operations:
        sheet.operation(each)
    return sheet.finished()


class _Sheet:
    """Pages that are written from top to bottom."""

    def __init__(self, report: Report) -> None:
        from fpdf import FPDF

        self._report, self._board = report, report.board
        self._pdf = pdf = FPDF(format="A4")
        logging.getLogger("fontTools").setLevel(logging.ERROR)  # tells every table of a font that it subsets
        fonts = _fonts()
        pdf.add_font(_FONT, "", fonts / "DejaVuSans.ttf")
        pdf.add_font(_FONT, "B", fonts / "DejaVuSans-Bold.ttf")
        self._letters = set(cast("TTFFont", pdf.fonts[_FONT.lower()]).cmap)
        pdf.set_auto_page_break(auto=True, margin=16)
        pdf.set_margins(12, 14, 12)
        pdf.set_creation_date(datetime.fromtimestamp(self._board.at, UTC))
        pdf.set_title("evalgate drift report")
        pdf.set_lang("en")
        pdf.add_page()

    def finished(self) -> bytes:
        """All of it."""
        return bytes(self._pdf.output())

    def front(self) -> None:
        """What the report answers first, and the lists behind that."""
        board, report = self._board, self._report
        verdicts = [verdict for each in board.operations for verdict in each.verdicts]
        count = Counter(map(wording.outcome, verdicts))
        self._line("evalgate drift report", 9, colour="faint")
        self._line(f"{count['green']} of {len(verdicts)} verdicts green", 18, bold=True)
        told = ", ".join(f"{count[each]} {each}" for each in wording.SHAPES)
        at = f"{datetime.fromtimestamp(board.at, UTC):%Y-%m-%d %H:%M} UTC"
        self._line(
            f"Run {safe(board.run)}, {at}: {told}; {wording.counted(board.requests, 'request')} sent.",
            9,
            colour="faint",
        )
        if report.note:
            self._line(safe(report.note, 2000), 9, colour="faint")
        self._title("Which are safe, what that saves, and where traffic goes")
        for each in board.operations:
            greens, best = sum(v.outcome == "green" for v in each.verdicts), wording.cheapest_green(each)
            saved = f"; {safe(best.variant.id, 40)} saves {wording.saving(each, best)}" if best else ""
            safe_ones = f"{safe(each.operation)}: {greens} of {len(each.verdicts)} green"
            self._line(f"{safe_ones}{saved}; {report.consequences.route(each.operation)}", 9)
        worst = worst_first(board)
        self._title("What broke")
        self._list([self._broke(each, verdict) for each, verdict in worst], "Nothing is proven worse.")
        self._title("What changed since the run before")
        found = [change for each in report.changes for change in each.changes]
        nothing = "Every verdict is what it was." if report.changes else "There is no earlier run to compare with."
        self._list([_changed(change) for change in found], nothing)
        self._title("What next")
        self._list(
            [f"{step.step} ({wording.counted(len(step.who), 'open verdict')}; {step.why})" for step in steps(board)],
            "No verdict is open.",
        )

    def operation(self, board: OperationBoard) -> None:
        """One operation: its terms, and a row for each variant."""
        pdf = self._pdf
        if pdf.get_y() > pdf.h - 60:
            pdf.add_page()
        self._title(safe(board.operation))
        baseline = f"baseline {safe(board.baseline.id)} ({wording.precision(board.baseline)})"
        terms = [safe(board.model), baseline, f"margin {wording.margin(board)}", wording.family(board)]
        self._line(" · ".join([*terms, f"baseline {baseline_told(board)}"]), 8, colour="faint")
        self._row([title for title, _ in _COLUMNS], "faint")
        for verdict in wording.by_precision(board.verdicts):
            metric, outcome = verdict.worst, wording.outcome(verdict)
            scores = f"{wording.score(metric.baseline_score)} → {wording.score(metric.variant_score)}"
            cells = [
                f"{wording.SHAPES[outcome]} {outcome}",
                safe(verdict.variant.id, 60),
                scores,
                wording.points(metric.delta),
            ]
            y = pdf.get_y()
            self._row(
                [*cells, wording.interval(metric.interval), "", f"{verdict.cases}", wording.saving(board, verdict)],
                outcome,
            )
            if pdf.get_y() > y:  # no page was begun in between
                self._bar(y, verdict, board.policy.margin)
        if any(wording.is_illustrative(board, verdict) for verdict in board.verdicts):
            self._line(wording.ILLUSTRATIVE_NOTE, 7.5, colour="faint")

    def _broke(self, board: OperationBoard, verdict: Verdict) -> str:
        metric = verdict.worst
        measured = f"Δ {wording.points(metric.delta)} pp {wording.interval(metric.interval)}, n {verdict.cases:,}"
        who = f"{wording.SHAPES[wording.outcome(verdict)]} {safe(verdict.variant.id)} on {safe(board.operation)}"
        return " · ".join([f"{who}: {measured}", *known(verdict)])

    def _bar(self, y: float, verdict: Verdict, margin: float) -> None:
        """As on the pages: three margins to either side, the zone beyond it shaded, the baseline in the middle."""
        pdf, metric = self._pdf, verdict.worst
        left = pdf.l_margin + sum(width for _, width in _COLUMNS[:5]) + 1

        def at(value: float) -> float:
            return left + _BAR * (min(max(value / margin, -3.0), 3.0) + 3.0) / 6.0

        pdf.set_fill_color(243, 217, 203)
        pdf.rect(left, y + 1.2, at(-margin) - left, 2.6, style="F")
        pdf.set_draw_color(PALETTE["faint"])
        pdf.set_line_width(0.2)
        pdf.line(at(0), y + 0.8, at(0), y + 4.2)
        pdf.set_draw_color(PALETTE[wording.outcome(verdict)])
        pdf.set_line_width(0.7)
        pdf.line(at(metric.interval[0]), y + 2.5, at(metric.interval[1]), y + 2.5)
        pdf.line(at(metric.delta), y + 1.3, at(metric.delta), y + 3.7)

    def _row(self, cells: Sequence[str], colour: str) -> None:
        pdf = self._pdf
        pdf.set_font(_FONT, "", 8)
        for number, (cell, (_, width)) in enumerate(zip(cells, _COLUMNS, strict=True)):
            pdf.set_text_color(PALETTE[colour if number == 0 or colour == "faint" else "ink"])
            align = "L" if number < 2 else "R"
            pdf.cell(width, 5, self._fitting(cell, width - 2), align=align)
        pdf.ln(5)

    def _fitting(self, text: str, width: float) -> str:
        """What of a text goes into `width` mm."""
        text = self._spelled(text)
        if self._pdf.get_string_width(text) <= width:
            return text
        while text and self._pdf.get_string_width(text + "…") > width:
            text = text[:-1]
        return text + "…"

    def _list(self, lines: Sequence[str], nothing: str) -> None:
        for line in lines[:_MOST]:
            self._line(line, 8.5)
        if len(lines) > _MOST:
            self._line(f"… and {len(lines) - _MOST} more, which the HTML report has", 8.5, colour="faint")
        if not lines:
            self._line(nothing, 8.5)

    def _title(self, text: str) -> None:
        self._pdf.ln(3)
        self._line(text, 12, bold=True)

    def _line(self, text: str, size: float, *, bold: bool = False, colour: str = "ink") -> None:
        from fpdf.enums import WrapMode

        pdf = self._pdf
        pdf.set_font(_FONT, "B" if bold else "", size)
        pdf.set_text_color(PALETTE[colour])
        pdf.multi_cell(
            0,
            size * 0.5,
            self._spelled(text),
            new_x="LMARGIN",
            new_y="NEXT",
            align="L",
            wrapmode=WrapMode.WORD if " " in text else WrapMode.CHAR,
        )
        pdf.ln(0.6)

    def _spelled(self, text: str) -> str:
        """The text with what the font has no letter for made visible; it has none for CJK and most emoji."""
        return "".join(each if ord(each) in self._letters else f"‹U+{ord(each):04X}›" for each in text)


def _changed(change: Change) -> str:
    who = f"{safe(change.variant)} on {safe(change.operation)}"
    if change.was is None or change.now is None:
        return f"{who}: {change.kind}"
    was, now = wording.outcome(change.was), wording.outcome(change.now)
    moved = f"Δ {wording.points(change.was.worst.delta)} → {wording.points(change.now.worst.delta)} pp"
    anew = f", {wording.counted(len(change.anew), 'case')} broken anew" if change.anew else ""
    return f"{wording.SHAPES[now]} {who}: {was} → {now}, {moved} {wording.interval(change.now.worst.interval)}{anew}"


def _fonts() -> Path:
    import matplotlib as mpl

    return Path(mpl.get_data_path()) / "fonts" / "ttf"
