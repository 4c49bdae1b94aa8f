"""What the pages' pictures are made of: axes, marks and texts as SVG that takes its colours from the page's classes.

matplotlib takes a tenth of a second a picture, and a large report has thousands. These are lines and marks, need no
style of their own (so that the page's policy can forbid inline styles), and read on a phone: 420 units are its width.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import floor, isfinite, log10

from evalgate.report.wording import safe

WIDTH = 420.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 10.0, 10.0, 34.0
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values from `low` to `high` onto coordinates from `start` to `end`; what lies beyond is drawn at the end."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where a value lies."""
        value = min(max(value if isfinite(value) else self.low, self.low), self.high)
        span = self.high - self.low
        return self.start + (self.end - self.start) * ((value - self.low) / span if span else 0.5)

    def ticks(self, most: int = 5) -> list[float]:
        """Round values, at most `most`."""
        span = self.high - self.low
        if span <= 0:
            return [self.low]
        raw = span / most
        power = 10 ** floor(log10(raw))
        step = next(each * power for each in _STEPS if each * power >= raw * 0.999)
        first = -floor(-self.low / step + 1e-9)
        return [round(n * step, 12) for n in range(first, floor(self.high / step + 1e-9) + 1)]


def number(value: float) -> str:
    """A coordinate, short."""
    return f"{value:.1f}".removesuffix(".0")


def path(points: list[tuple[float, float]], kind: str) -> str:
    """A line through points."""
    line = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return f'<path class="{kind}" d="M{line}"/>'


def rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line."""
    return f'<path class="{kind}" d="M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}"/>'


def area(points: list[tuple[float, float]], kind: str) -> str:
    """A filled shape."""
    line = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return f'<path class="{kind}" d="M{line}z"/>'


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "middle") -> str:
    """Words at a place, made safe."""
    place = f'x="{number(x)}" y="{number(y)}" text-anchor="{anchor}"'
    return f'<text {place} class="t {kind}">{escape(safe(words, 60))}</text>'


def mark(x: float, y: float, outcome: str, size: float = 4.0) -> str:
    """An outcome as shape and colour: ● green, ✕ red, ▽ worse, ◇ inconclusive; ■ is none, such as the baseline's."""
    if outcome == "green":
        return f'<circle class="m green" cx="{number(x)}" cy="{number(y)}" r="{number(size)}"/>'
    if outcome == "baseline":
        corner, side = f"{number(x - size * 0.7)} {number(y - size * 0.7)}", number(1.4 * size)
        return f'<path class="m baseline" d="M{corner}h{side}v{side}h-{side}z"/>'
    if outcome == "red":
        corner, side = f"{number(x - size)} {number(y - size)}", number(2 * size)
        return f'<path class="x red" d="M{corner}l{side} {side}m0-{side}l-{side} {side}"/>'
    if outcome == "worse":
        corner = f"{number(x - size)} {number(y - size * 0.8)}"
        return f'<path class="h worse" d="M{corner}h{number(2 * size)}L{number(x)} {number(y + size)}z"/>'
    wide, high = number(size), number(size * 1.2)
    top = f"{number(x)} {number(y - size * 1.2)}"
    return f'<path class="h inconclusive" d="M{top}l{wide} {high}l-{wide} {high}l-{wide}-{high}z"/>'


def picture(parts: list[str], height: float, label: str, width: float = WIDTH) -> str:
    """An SVG for the page; `label` says what it shows to whoever does not see it."""
    box = f'viewBox="0 0 {number(width)} {number(height)}"'
    return f'<svg class="plot" {box} role="img" aria-label="{escape(safe(label, 400))}">{"".join(parts)}</svg>'


def frame(x: Axis, y: Axis, x_title: str, y_format: str = "{:+g}", x_format: str = "{:,g}") -> list[str]:
    """Grid lines with their values, and what the horizontal axis is."""
    parts = []
    for value in y.ticks():
        parts += [
            rule(x.start, y(value), x.end, y(value), "l"),
            text(x.start - 6, y(value) + 4, _told(value, y_format), "", "end"),
        ]
    for value in x.ticks(4):
        parts.append(text(x(value), y.start + 15, _told(value, x_format)))
    return [*parts, text((x.start + x.end) / 2, y.start + 29, x_title)]


def _told(value: float, form: str) -> str:
    return "0" if value == 0 else form.format(value).replace("-", "−")
