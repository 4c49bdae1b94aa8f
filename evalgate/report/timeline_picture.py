"""The picture of a timeline: for each variant a band of its published states, and above it how near an alarm was.

A state is told by its colour and by its word. The evidence is drawn as a share of what an alarm takes, in logarithms:
what matters is that it wanders far below and, when something happens, goes straight up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from evalgate.report.plots import PALETTE, drawing, new_figure, rendered
from evalgate.report.timeline import DAY, days
from evalgate.report.wording import safe
from evalgate.signal.document import State
from evalgate.signal.timeline import Timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS: dict[State | None, str] = {
    "green": PALETTE["green"],
    "red": PALETTE["red"],
    "unknown": PALETTE["worse"],
    None: PALETTE["line"],
}
_FLOOR = 1e-4  # of an alarm; less is drawn as nothing
_WIDTH = 9.6
_ROW = 1.0  # inches for a variant
_LEFT, _RIGHT, _BELOW, _ABOVE = 1.5, 0.25, 0.55, 0.42
_LABEL = 20


def timeline_figure(told: Timeline, *, now: float) -> bytes:
    """SVG, for a page or a README: text is drawn as shapes."""
    variants = told.variants
    first, last = days(told, now)
    height = _ROW * max(len(variants), 1) + _BELOW + _ABOVE
    with drawing(f"timeline {told.operation}"):
        figure = new_figure(_WIDTH, height)
        across = (_WIDTH - _LEFT - _RIGHT) / _WIDTH
        for number, variant in enumerate(variants):
            bottom = (height - _ABOVE - _ROW * (number + 1)) / height
            axes = figure.add_axes((_LEFT / _WIDTH, bottom + 0.10 / height, across, (_ROW - 0.22) / height))
            _draw(axes, told.of(variant), variant, (first, last), now)
            axes.tick_params(labelbottom=number == len(variants) - 1)
        figure.text(
            _LEFT / _WIDTH,
            1 - 0.1 / height,
            safe(told.operation),
            ha="left",
            va="top",
            color=PALETTE["ink"],
            fontsize=10,
        )
        note = "band: what the signal said · line: evidence of a change, as a share of what an alarm takes (log)"
        figure.text(
            1 - _RIGHT / _WIDTH, 1 - 0.1 / height, note, ha="right", va="top", color=PALETTE["faint"], fontsize=8
        )
        return rendered(figure, "svg")


def _draw(axes: Axes, told: Timeline, variant: str, span: tuple[int, int], now: float) -> None:
    first, last = span
    axes.set_xlim(0, last - first + 1)
    axes.set_ylim(-0.42, 1.12)
    for start, end, state in _bands(told, variant, span, now):
        axes.broken_barh([(start, end - start)], (-0.36, 0.26), facecolors=_COLOURS[state])
        if end - start > 2:
            axes.text(
                (start + end) / 2, -0.23, state or "", ha="center", va="center", color=PALETTE["paper"], fontsize=8
            )
    shown = [
        (moment.at / DAY - first, _height(share))
        for moment in told.moments
        if moment.kind == "watched" and isinstance(share := moment.evidence.get("evidence"), int | float)
    ]
    axes.axhline(1, color=PALETTE["red"], linewidth=0.8, linestyle=(0, (4, 3)))
    if shown:
        axes.plot(*zip(*shown, strict=True), color=PALETTE["ink"], linewidth=1.2, marker="o", markersize=2.5)
    for moment in told.moments:
        if moment.kind in ("suspended", "red"):
            at = moment.at / DAY - first
            axes.plot([at], [1], marker="X", color=PALETTE["red"], markersize=6)
            right = at > (last - first + 1) * 0.6
            axes.annotate(
                safe(moment.told, 70),
                (at, 1),
                xytext=(-7 if right else 7, -9),
                textcoords="offset points",
                ha="right" if right else "left",
                color=PALETTE["ink"],
                fontsize=7,
            )
    axes.set_yticks([0, 1], ["", "alarm"], fontsize=8)
    ticks = range(0, last - first + 1, max(1, (last - first + 1) // 10))
    names = [f"{datetime.fromtimestamp((first + tick) * DAY, UTC):%d %b}" for tick in ticks]
    axes.set_xticks([tick + 0.5 for tick in ticks], names, fontsize=8)
    axes.set_ylabel(safe(variant)[:_LABEL], rotation=0, ha="right", va="center", labelpad=34, color=PALETTE["ink"])
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _bands(
    told: Timeline, variant: str, span: tuple[int, int], now: float
) -> Sequence[tuple[float, float, State | None]]:
    """Stretches of one published state, in days from the first."""
    first, last = span
    end = min(now / DAY, last + 1) - first
    marks = [(max(moment.at / DAY - first, 0.0), moment.state) for moment in told.moments if moment.kind == "told"]
    bands: list[tuple[float, float, State | None]] = []
    for (start, state), until in zip(marks, [*(at for at, _ in marks[1:]), end], strict=True):
        if bands and bands[-1][2] == state:
            bands[-1] = (bands[-1][0], until, state)
        elif until > start:
            bands.append((start, until, state))
    return bands


def _height(share: float) -> float:
    """Between 0 and 1, in logarithms; an alarm is 1 however far it went beyond."""
    return min(max(0.0, 1 - math.log(max(share, _FLOOR)) / math.log(_FLOOR)), 1.0)
