"""Metrics in Prometheus' form: from telemetry's cells, and with an end to how many series there may be.

Of each metric at most `MOST_SERIES` are told; what would be more is added up in one whose labels all say `overflow`.
Those that were there first stay, so that no counter jumps from one to the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from evalgate.gateway.metrics.gauge import Gauge
from evalgate.telemetry import sketch
from evalgate.telemetry.cell import Cell
from evalgate.telemetry.sketch import Sketch

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
Labels = tuple[str, ...]
Value = TypeVar("Value")

MOST_SERIES = 10_000
OVERFLOW = "overflow"
SECONDS = tuple(0.01 * 2**power for power in range(14))  # up to 81.92, as OpenTelemetry's GenAI conventions advise
TOKENS = tuple(4**power for power in range(14))  # up to 67,108,864, likewise

__all__ = ["MOST_SERIES", "Collector", "Family", "Labels", "counter", "gauges", "seconds", "tokens"]


def counter(name: str, text: str, labels: Sequence[str], values: Mapping[Labels, float]) -> Family:
    """A counter; `name` without `_total`."""
    family = CounterMetricFamily(name, text, labels=labels)
    for each, value in _capped(values.items(), len(labels), 1, lambda one, other: one + other):
        family.add_metric(each, value)
    return family


def gauges(given: Iterable[Gauge]) -> Iterable[Family]:
    """A metric for each name, where the same series is told twice the last one counts."""
    named: dict[str, dict[tuple[tuple[str, str], ...], Gauge]] = {}
    for gauge in given:
        named.setdefault(gauge.name, {})[tuple(sorted(gauge.labels.items()))] = gauge
    for name, told in named.items():
        first = next(iter(told.values()))
        labels = sorted(first.labels)
        family = GaugeMetricFamily(name, first.help, labels=labels)
        for each in list(told.values())[:MOST_SERIES]:
            family.add_metric([each.labels.get(label, "") for label in labels], each.value)
        yield family


def seconds(
    name: str, text: str, labels: Sequence[str], cells: Mapping[Labels, Cell], of: Callable[[Cell], Sequence[Sketch]]
) -> Family:
    """A histogram of what telemetry measured in milliseconds; its buckets and its sum are right within 2 %."""

    def buckets(measured: Sequence[Sketch]) -> tuple[list[float], float]:
        rising = [float(sum(sketch.up_to(each, bound * 1000) for each in measured)) for bound in SECONDS]
        whole = sum(sketch.size(each) for each in measured)
        return [*rising, float(whole)], sum(sketch.total(each) for each in measured) / 1000

    return _histogram(name, text, labels, SECONDS, {each: buckets(of(cell)) for each, cell in cells.items()})


def tokens(name: str, text: str, labels: Sequence[str], counted: Mapping[Labels, tuple[Sketch, int]]) -> Family:
    """A histogram of tokens, from bins by powers of two and their sum; exact."""

    def buckets(bins: Sketch, total: int) -> tuple[list[float], float]:
        rising = [sum(count for at, count in bins.items() if at <= 2 * power) for power in range(len(TOKENS))]
        return [*map(float, rising), float(sketch.size(bins))], float(total)

    return _histogram(name, text, labels, TOKENS, {each: buckets(*found) for each, found in counted.items()})


def _histogram(
    name: str,
    text: str,
    labels: Sequence[str],
    bounds: Sequence[float],
    values: Mapping[Labels, tuple[list[float], float]],
) -> Family:
    family = HistogramMetricFamily(name, text, labels=labels)
    names = [*map(str, map(float, bounds)), "+Inf"]

    def both(one: tuple[list[float], float], other: tuple[list[float], float]) -> tuple[list[float], float]:
        return [a + b for a, b in zip(one[0], other[0], strict=True)], one[1] + other[1]

    for each, (counts, total) in _capped(values.items(), len(labels), len(names) + 2, both):
        family.add_metric(each, list(zip(names, counts, strict=True)), total)
    return family


def _capped(
    items: Iterable[tuple[Labels, Value]], labels: int, series: int, add: Callable[[Value, Value], Value]
) -> list[tuple[Labels, Value]]:
    """As many as there may be, `series` for each, and the sum of the rest."""
    told = list(items)
    most = max(1, MOST_SERIES // series - 1)
    if len(told) <= most:
        return told
    *_, rest = accumulate((value for _, value in told[most:]), add)
    return [*told[:most], ((OVERFLOW,) * labels, rest)]
