"""The overview of a board in one picture, for a README or a page of one's own: what is proven about each variant.

Drawn by matplotlib through its object API (no pyplot, no global state), imported when the first picture is drawn. The
same data gives the same bytes. Outcomes differ by shape as well as by colour, and every picture asks one question of
the eye: is the bar clear of the dashed margin?
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from evalgate.gate import Board, OperationBoard, VariantFacts, Verdict
from evalgate.report import wording
from evalgate.report.wording import safe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Format = Literal["svg", "png"]

PALETTE = {  # the colours on white paper, as the drift report's style sheet has them
    "paper": "#ffffff",
    "ink": "#1f2328",
    "faint": "#59636e",
    "line": "#d1d9e0",
    "green": "#00785a",
    "red": "#b94700",
    "worse": "#8a6100",
    "inconclusive": "#5f6674",
}

MARKERS = {"green": "o", "worse": "v", "red": "X", "inconclusive": "D"}
MEANINGS = {
    "green": "green: proven not worse than the margin",
    "worse": "worse: proven worse, perhaps by less",
    "red": "red: proven worse by more",
    "inconclusive": "inconclusive",
}
_PAPER, _INK, _FAINT, _LINE = (PALETTE[name] for name in ("paper", "ink", "faint", "line"))
_DASHES = (0, (4, 3))
_ACROSS = 4  # panels side by side
_LABEL = 26  # characters of a label
_ROW = 0.30  # inches for a variant
_RESOLUTION = 144  # dots per inch of a PNG


def overview_figure(board: Board, form: Format = "svg") -> bytes:
    """The whole board in one picture, for a README: a panel per operation, a row per variant.

    Text is drawn as shapes, so that it looks the same wherever it is shown.
    """
    verdicts = {(each.operation, verdict.variant.id): verdict for each in board.operations for verdict in each.verdicts}
    variants = {verdict.variant.id: verdict.variant for verdict in wording.by_precision(verdicts.values())}
    lows, highs = zip(*(_forest_limits(each) for each in board.operations), strict=True)
    across = min(_ACROSS, len(board.operations))
    down = -(-len(board.operations) // across)
    panel = _ROW * len(variants)
    left = _label_width(list(variants.values()))
    width, height = left + 2.3 * across, down * panel + (down - 1) * 0.85 + 1.45
    with drawing(f"overview {board.run}"):
        figure = new_figure(width, height)
        edges = {"left": left / width, "right": 1 - 0.1 / width, "top": 1 - 0.5 / height, "bottom": 0.95 / height}
        grid = figure.add_gridspec(down, across, **edges, wspace=0.09, hspace=0.85 / panel)
        for number, each in enumerate(board.operations):
            axes = figure.add_subplot(grid[number // across, number % across])
            rows = [verdicts.get((each.operation, variant)) for variant in variants]
            _draw_forest(axes, each, rows, (min(lows), max(highs)))
            _title(axes, each)
            if number % across == 0:
                _label_rows(axes, list(variants.values()))
        below = "Δ score against the baseline with its confidence sequence, percentage points; dashed: the margin"
        figure.text(0.5, 0.44 / height, below, ha="center", va="bottom", color=_FAINT)
        outcomes = [
            outcome for outcome in MARKERS if outcome in {wording.outcome(verdict) for verdict in verdicts.values()}
        ]
        _legend(figure, outcomes)
        return rendered(figure, form)


def _draw_forest(
    axes: Axes, board: OperationBoard, verdicts: Sequence[Verdict | None], limits: tuple[float, float]
) -> None:
    """A row for each verdict (None: not judged here), the first on top. What leaves the picture ends in an arrow."""
    low, high = limits
    axes.set_xlim(low, high)
    axes.set_ylim(len(verdicts) - 0.4, -0.6)
    axes.set_yticks([])
    axes.axvspan(low, -100 * board.policy.margin, color=PALETTE["red"], alpha=0.07, linewidth=0)
    axes.axvline(0, color=_FAINT, linewidth=0.8)
    axes.axvline(-100 * board.policy.margin, color=PALETTE["red"], linewidth=1, linestyle=_DASHES)
    for y, verdict in enumerate(verdicts):
        if verdict is None:
            continue
        metric, colour = verdict.worst, PALETTE[wording.outcome(verdict)]
        lower, upper, delta = (100 * value for value in (*metric.interval, metric.delta))
        axes.plot([max(lower, low), min(upper, high)], [y, y], color=colour, linewidth=2.2, solid_capstyle="butt")
        if lower < low <= delta:
            axes.plot(low, y, "<", color=colour, markersize=5, clip_on=False)
        if upper > high >= delta:
            axes.plot(high, y, ">", color=colour, markersize=5, clip_on=False)
        _mark(axes, min(max(delta, low), high), y, wording.outcome(verdict))
        if delta < low:
            told = f"◂ {wording.points(metric.delta)}"
            axes.annotate(told, (low, y), (7, 3), textcoords="offset points", color=colour, fontsize=7.5, va="bottom")
    axes.grid(visible=True, axis="x", color=_LINE, linewidth=0.6)


def _label_rows(axes: Axes, variants: Sequence[VariantFacts]) -> None:
    """The variants and, in a column of their own, their bits per weight."""
    for y, facts in enumerate(variants):
        for text, points, colour, size in ((wording.bits(facts), -8, _FAINT, 8.0), (_label(facts), -58, _INK, 9.0)):
            axes.annotate(
                text,
                (0, y),
                (points, 0),
                xycoords=axes.get_yaxis_transform(),
                textcoords="offset points",
                ha="right",
                va="center",
                color=colour,
                fontsize=size,
            )


def _label(facts: VariantFacts) -> str:
    """The id, and the quantization where the id has not said it."""
    named = "" if wording.is_told_by_id(facts) else f" {safe(facts.quantization, 12)}"
    return safe(facts.id, _LABEL - len(named)) + named


def _label_width(variants: Sequence[VariantFacts]) -> float:
    """Inches to the left of a forest: the bits' column and the longest label."""
    return 0.9 + 0.085 * max((len(_label(facts)) for facts in variants), default=0)


def _mark(axes: Axes, x: float, y: float, outcome: str) -> None:
    colour, hollow = PALETTE[outcome], outcome == "inconclusive"
    edge, face = (colour, _PAPER) if hollow else (_PAPER, colour)
    size, width = (5.5, 1.5) if hollow else (7.5, 0.6)
    axes.plot(
        x,
        y,
        MARKERS[outcome],
        markersize=size,
        markerfacecolor=face,
        markeredgecolor=edge,
        markeredgewidth=width,
        clip_on=False,
        zorder=5,
    )


def _forest_limits(board: OperationBoard) -> tuple[float, float]:
    """Far enough to see who is far off, near enough to see who is near the margin."""
    bounds = [bound for verdict in board.verdicts for bound in verdict.worst.interval]
    low = max(min(bounds, default=0), -9 * board.policy.margin)
    high = min(max(bounds, default=0), 5 * board.policy.margin)
    return 100 * min(low * 1.03, -2 * board.policy.margin), 100 * max(high * 1.03, board.policy.margin)


def _title(axes: Axes, board: OperationBoard) -> None:
    longest = max(board.verdicts, key=lambda verdict: verdict.cases)
    level = next(metric for metric in longest.metrics if not metric.absolute).baseline_score
    axes.set_title(safe(board.operation, 24), loc="left", color=_INK, fontsize=10, fontweight="bold", pad=16)
    below = f"baseline scores {level:.2f} · margin {wording.margin(board)}"
    axes.text(0, 1.015, below, transform=axes.transAxes, color=_FAINT, fontsize=8, va="bottom")


def _legend(figure: Figure, outcomes: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for outcome in outcomes:
        colour, hollow = PALETTE[outcome], outcome == "inconclusive"
        face = _PAPER if hollow else colour
        handles.append(
            Line2D([], [], color=colour, marker=MARKERS[outcome], markerfacecolor=face, linewidth=2.2, markersize=6.5)
        )
    names = [MEANINGS[outcome] for outcome in outcomes]
    figure.legend(handles, names, loc="lower center", ncols=len(names), frameon=False, labelcolor=_INK)


def new_figure(width: float, height: float) -> Figure:
    """A sheet of paper of so many inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), facecolor=_PAPER)


@contextmanager
def drawing(salt: str) -> Iterator[None]:
    """The style, and what makes the bytes depend on the data alone."""
    import matplotlib as mpl

    style: dict[Any, Any] = {  # some versions of matplotlib type the names of the settings
        "svg.hashsalt": salt,
        "svg.fonttype": "path",
        "text.parse_math": False,  # a label with two dollar signs is a label, not mathematics
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 9,
        "axes.spines.left": False,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.spines.bottom": False,
        "axes.axisbelow": True,
        "axes.facecolor": "none",
        "axes.unicode_minus": True,
        "axes.labelcolor": _FAINT,
        "xtick.color": _FAINT,
        "ytick.color": _FAINT,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8.5,
    }
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()  # nobody's matplotlibrc changes the picture
        mpl.rcParams.update(style)
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)  # ids in scripts that a font lacks
        yield


def rendered(figure: Figure, form: Format) -> bytes:
    """The file; the same for the same picture."""
    buffer = io.BytesIO()
    metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
    figure.savefig(buffer, format=form, dpi=_RESOLUTION if form == "png" else 72, metadata=metadata)
    return buffer.getvalue()
