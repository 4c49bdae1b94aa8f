"""A confidence sequence against the margin, as a small inline SVG in a table's cell.

Drawn by hand, not by matplotlib: a page has hundreds. Colours come from classes, so one picture serves light, dark and
paper; the mark's shape tells the outcome to whoever sees no colours, and `aria-label` to whoever sees none of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from evalgate.report.wording import points

WIDTH, HEIGHT = 220, 26
_MIDDLE = HEIGHT / 2
_MARKS = {
    "green": '<circle cx="{x:.1f}" cy="13" r="4.5"/>',
    "red": '<path d="M{x:.1f} 13m-4.5 -4.5l9 9m0 -9l-9 9"/>',
    "worse": '<path d="M{x:.1f} 13m-5 -4h10l-5 9z"/>',
    "inconclusive": '<path d="M{x:.1f} 13m0 -5.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z"/>',
}


@dataclass(frozen=True, slots=True)
class Axis:
    """Differences from `low` to `high` over the width; `margin` > 0 is how much worse a variant may be."""

    margin: float
    low: float
    high: float

    @classmethod
    def over(cls, margin: float, intervals: Iterable[tuple[float, float]]) -> Axis:
        """One axis for all variants of an operation; what lies far out is cut off, or the margin would be a hair."""
        found = list(intervals)
        least = min((low for low, _ in found), default=0.0)
        most = max((high for _, high in found), default=0.0)
        unit = margin if margin > 0 else 0.01
        return cls(margin, -min(max(-least, 2 * unit), 3 * unit) * 1.1, min(max(most, unit), 2 * unit) * 1.1)

    def at(self, difference: float) -> float:
        """Where a difference lies; within the picture, whatever it is."""
        return WIDTH * min(max((difference - self.low) / (self.high - self.low), 0.0), 1.0)


def head(axis: Axis) -> Markup:
    """The axis, for the head of the column: where the margin and where no difference lies."""
    zero, margin = axis.at(0.0), axis.at(-axis.margin)
    label = f"left: worse than the baseline, right: better; the margin is {points(-axis.margin)} percentage points"
    return Markup(  # noqa: S704  # numbers only
        f'<svg class="iv axis" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        f'<text x="{margin:.1f}" y="18" text-anchor="middle">{points(-axis.margin)} pp</text>'
        f'<text x="{zero:.1f}" y="18" text-anchor="middle">0</text></svg>'
    )


@lru_cache(maxsize=10_000)  # it changes with the signal alone, and is drawn at every refreshment
def picture(axis: Axis, delta: float, interval: tuple[float, float], outcome: str) -> Markup:
    """One variant's difference with its sequence; `outcome`: green, red, worse or inconclusive."""
    low, high = interval
    zero, margin = axis.at(0.0), axis.at(-axis.margin)
    left, right, x = axis.at(low), axis.at(high), axis.at(delta)
    shown_x = min(max(x, 18.0), WIDTH - 18.0)  # beside the arrow that says: farther out
    arrows = ('<path class="cut" d="M7 8l-5 5l5 5"/>' if low < axis.low else "") + (
        f'<path class="cut" d="M{WIDTH - 7} 8l5 5l-5 5"/>' if high > axis.high else ""
    )
    return Markup(  # noqa: S704  # numbers and our own words only
        f'<svg class="iv {outcome}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_told(axis, interval)}">'
        f'<rect class="beyond" width="{margin:.1f}" height="{HEIGHT}"/>'
        f'<path class="zero" d="M{zero:.1f} 0V{HEIGHT}"/><path class="margin" d="M{margin:.1f} 0V{HEIGHT}"/>'
        f'<path class="seq" d="M{left:.1f} {_MIDDLE:.0f}H{max(right, left + 1):.1f}"/>{arrows}'
        f'<g class="mark">{_MARKS[outcome].format(x=shown_x)}</g></svg>'
    )


def _told(axis: Axis, interval: tuple[float, float]) -> str:
    low, high = interval
    margin = f"the margin of {points(-axis.margin)} pp"
    if low > -axis.margin:
        return f"the whole sequence lies right of {margin}"
    if high < -axis.margin:
        return f"the whole sequence lies left of {margin}"
    return f"{margin} lies within the sequence"


def reference(axis: Axis) -> Markup:
    """The row of the baseline itself: no difference, and the margin that the others have."""
    zero, margin = axis.at(0.0), axis.at(-axis.margin)
    return Markup(  # noqa: S704  # numbers only
        f'<svg class="iv baseline" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">'
        f'<rect class="beyond" width="{margin:.1f}" height="{HEIGHT}"/>'
        f'<path class="zero" d="M{zero:.1f} 0V{HEIGHT}"/><path class="margin" d="M{margin:.1f} 0V{HEIGHT}"/>'
        f'<g class="mark"><path d="M{zero:.1f} 13m-4 -4h8v8h-8z"/></g></svg>'
    )
