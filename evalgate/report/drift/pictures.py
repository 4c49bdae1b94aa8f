"""The pictures of a drift report. Each asks one question of the eye: is the bar clear of the dashed margin?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from markupsafe import Markup

from evalgate.gate import OperationBoard, Verdict
from evalgate.report import wording
from evalgate.report.drift.draw import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Axis,
    area,
    frame,
    mark,
    number,
    path,
    picture,
    rule,
    text,
)
from evalgate.report.drift.past import Past
from evalgate.report.drift.spread import Spread

_BAR = Axis(-3.0, 3.0, 2.0, 94.0)  # margins, of which three fit to either side
_NAMES, _LINE = 296.0, 12.0  # where names begin in the picture of costs, and how high each is
_POINTS = 90  # of a course that are drawn


@dataclass(frozen=True, slots=True)
class Priced:
    """A place in the picture of costs: USD per 1,000 successful calls, and the difference with its ends."""

    name: str
    outcome: str
    cost: float
    delta: float
    interval: tuple[float, float]


class Estimate(Protocol):
    """A difference to the baseline with the ends of its interval, as shares of the score."""

    @property
    def delta(self) -> float:
        """Variant minus baseline."""

    @property
    def interval(self) -> tuple[float, float]:
        """Its ends."""


def bar(estimate: Estimate, margin: float, outcome: str) -> Markup:
    """The difference with its sequence in units of the margin, which lies at a third: the same in every operation.

    Says nothing to a screen reader, because the numbers stand beside it.
    """
    low, high = (each / margin for each in estimate.interval)
    body = [  # the margin's zone and the baseline are the style sheet's: a board has a thousand of these
        f'<path class="i {outcome}" d="M{number(_BAR(low))} 7H{number(_BAR(high))}"/>',
        mark(_BAR(estimate.delta / margin), 7, outcome, 3.5),
    ]
    return Markup(f'<svg class="bar" viewBox="0 0 96 14" aria-hidden="true">{"".join(body)}</svg>')  # noqa: S704


def course(board: OperationBoard, verdict: Verdict) -> Markup:
    """The difference and its confidence sequence as cases came in, up to where it was ruled on."""
    metric, margin = verdict.worst, 100 * board.policy.margin
    outcome, height = wording.outcome(verdict), 200.0
    reach = max(2 * margin, min(7 * margin, 100 * max(abs(bound) for bound in metric.interval)))
    x, y = _axes(0, max(board.available, 1), -reach, reach * 0.75, height)
    step = max(1, len(metric.course) // _POINTS)
    points = [*metric.course[:-1:step], *metric.course[-1:]]
    upper = [(x(point.cases), y(100 * point.upper)) for point in points]
    lower = [(x(point.cases), y(100 * point.lower)) for point in reversed(points)]
    parts = frame(x, y, f"cases in the order asked, of {board.available:,}")
    if points:
        parts += [area([*upper, *lower], f"band {outcome}")]
        parts += [path([(x(point.cases), y(100 * point.delta)) for point in points], f"line {outcome}")]
    parts += [*_lines(x, y, margin), mark(x(verdict.cases), y(100 * metric.delta), outcome, 4.5)]
    told = (
        f"Difference of {verdict.variant.id} to the baseline as cases came in: {outcome} after {verdict.cases} cases, "
        f"{wording.points(metric.delta)} pp, sequence {wording.interval(metric.interval)}, margin −{margin:g} pp"
    )
    return _marked(parts, height, told)


def costs(places: Sequence[Priced], margin: float) -> Markup:
    """Cost per successful call against score, each with its interval; the baseline at 0."""
    height, margin = max(240.0, TOP + BOTTOM + _LINE * len(places)), 100 * margin
    dearest = max((each.cost for each in places), default=1.0) or 1.0
    bounds = [100 * bound for each in places for bound in each.interval]
    low = max(min([*bounds, -2 * margin]), -8 * margin)
    high = min(max([*bounds, margin]), 4 * margin)
    x, y = Axis(0, dearest * 1.05, LEFT, _NAMES - 10), Axis(low * 1.05, high * 1.05, height - BOTTOM, TOP)
    parts = [*frame(x, y, "USD per 1,000 successful calls", x_format="{:.3g}"), *_lines(x, y, margin)]
    for each in places:
        column = x(each.cost)
        ends = y(100 * each.interval[0]), y(100 * each.interval[1])
        parts += [rule(column, ends[0], column, ends[1], f"i {each.outcome}")]
        parts += [mark(column, y(100 * each.delta), each.outcome, 4.5)]
    named = sorted(places, key=lambda place: (-place.delta, -place.cost))
    row = TOP - _LINE
    for n, each in enumerate(named):  # each name beside its mark where there is room, and a thin line to it
        left = height - BOTTOM - _LINE * (len(named) - 1 - n)
        row = max(row + _LINE, min(y(100 * each.delta), left))
        parts += [rule(x(each.cost) + 5, y(100 * each.delta), _NAMES - 2, row, "lead")]
        parts += [text(_NAMES, row + 4, each.name, "name", "start")]
    told = "; ".join(
        f"{each.name} {each.cost:.4g} USD, {wording.points(each.delta)} pp, {each.outcome}" for each in places
    )
    return _marked(parts, height, f"Cost per 1,000 successful calls against the difference in score: {told}")


def curves(spread: Spread) -> Markup:
    """The cumulative distributions of both sides: at which value which share of answers has ended."""
    height = 150.0
    values = [*spread.baseline.curve[:-2], *spread.variant.curve[:-2]]  # the last fortieth reaches far and says little
    high = max([*values, spread.baseline.p90.value, spread.variant.p90.value]) or 1.0
    x, y = _axes(0, high * 1.02, 0, 100, height)
    parts = frame(x, y, spread.unit, "{:g} %")
    for side, kind in ((spread.baseline, "line base"), (spread.variant, "line own")):
        last = len(side.curve) - 1
        parts.append(path([(x(value), y(100 * n / last)) for n, value in enumerate(side.curve)], kind))
    told = (
        f"Share of answers up to each {spread.name}, in {spread.unit}: median "
        f"{spread.baseline.median.value:.4g} of the baseline (dashed), {spread.variant.median.value:.4g} of the other"
    )
    return _marked(parts, height, told)


def timeline(pasts: Sequence[Past], margin: float) -> Markup:
    """The verdicts of the last runs with their sequences, the oldest to the left."""
    height, margin = 160.0, 100 * margin
    bounds = [100 * bound for past in pasts for bound in past.interval]
    low, high = max(min([*bounds, -2 * margin]), -7 * margin), min(max([*bounds, margin]), 5 * margin)
    x, y = _axes(-0.5, max(len(pasts) - 0.5, 0.5), low * 1.05, high * 1.05, height)
    parts = [rule(x.start, y(tick), x.end, y(tick), "l") for tick in y.ticks()]
    parts += [text(x.start - 6, y(tick) + 4, f"{tick:+g}".replace("-", "−"), "", "end") for tick in y.ticks() if tick]
    parts += [*_lines(x, y, margin), text((x.start + x.end) / 2, height - 5, "runs, the oldest to the left")]
    for n, past in enumerate(pasts):
        parts += [rule(x(n), y(100 * past.interval[0]), x(n), y(100 * past.interval[1]), f"i {past.outcome}")]
        parts += [mark(x(n), y(100 * past.delta), past.outcome, 4.5)]
    told = "; ".join(f"{past.run} {past.outcome} {wording.points(past.delta)} pp" for past in pasts)
    return _marked(parts, height, f"Verdicts over the last {len(pasts)} runs: {told}")


def _axes(left: float, right: float, low: float, high: float, height: float) -> tuple[Axis, Axis]:
    return Axis(left, right, LEFT, WIDTH - RIGHT), Axis(low, high, height - BOTTOM, TOP)


def _lines(x: Axis, y: Axis, margin: float) -> list[str]:
    """The baseline, and the dashed margin."""
    words = text(x.end, y(-margin) + 12, "margin", "red", "end")
    return [rule(x.start, y(0), x.end, y(0), "o"), rule(x.start, y(-margin), x.end, y(-margin), "limit"), words]


def _marked(parts: list[str], height: float, told: str) -> Markup:
    return Markup(picture(parts, height, told))  # noqa: S704  # our own picture, its texts escaped
