"""Histograms: within 2 % of exact, and adding them is adding counts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.telemetry import sketch
from evalgate.telemetry.sketch import ERROR, Sketch

RECORDINGS = sorted((Path(__file__).parents[2] / "suites" / "lab" / "recordings").glob("*.jsonl.gz"))
VALUES = st.lists(st.floats(sketch.LEAST * 1.1, sketch.MOST / 1.1), min_size=1, max_size=60)


def counted(values: list[float]) -> Sketch:
    made: Sketch = {}
    for value in values:
        sketch.add(made, value)
    return made


def recorded(path: Path) -> list[float]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [line["latency_ms"] for line in map(json.loads, file) if "latency_ms" in line]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name)
def test_percentiles_of_recorded_latencies_are_within_two_percent_of_exact(path: Path) -> None:
    latencies = recorded(path)
    shares = [0.05, 0.5, 0.9, 0.95, 0.99]
    told = sketch.quantiles(counted(latencies), *shares)
    exact = np.quantile(latencies, shares)
    assert len(latencies) > 100
    assert np.max(np.abs(told / exact - 1)) <= ERROR


@given(VALUES, st.floats(0, 1))
def test_any_quantile_of_any_values_is_within_two_percent_of_exact(values: list[float], share: float) -> None:
    (told,) = sketch.quantiles(counted(values), share)
    assert told == pytest.approx(float(np.quantile(values, share)), rel=ERROR * 1.0001)


@given(VALUES, VALUES)
def test_merging_is_counting_all_in_one_in_any_order(one: list[float], other: list[float]) -> None:
    there, back = counted(one), counted(other)
    sketch.merge(there, counted(other))
    sketch.merge(back, counted(one))
    assert there == back == counted(one + other)


@given(VALUES, VALUES)
def test_what_was_merged_can_be_taken_away(one: list[float], other: list[float]) -> None:
    both = counted(one + other)
    sketch.take_away(both, counted(other))
    assert both == counted(one)


@given(VALUES)
def test_the_sum_is_within_two_percent(values: list[float]) -> None:
    assert sketch.total(counted(values)) == pytest.approx(sum(values), rel=ERROR * 1.0001)


@given(VALUES, st.floats(sketch.LEAST, sketch.MOST))
def test_what_is_up_to_a_bound_is_right_but_for_values_close_to_it(values: list[float], bound: float) -> None:
    least = sum(value <= bound * (1 - 2 * ERROR) for value in values)
    most = sum(value <= bound * (1 + 2 * ERROR) for value in values)
    assert least <= sketch.up_to(counted(values), bound) <= most


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), -1.0, 0.0, 1e300])
def test_what_is_no_measurement_is_counted_at_an_end_and_breaks_nothing(value: float) -> None:
    (told,) = sketch.quantiles(counted([value]), 0.5)
    assert told == pytest.approx(sketch.MOST if value > 1 else sketch.LEAST, rel=ERROR)
