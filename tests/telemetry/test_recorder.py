"""What the recorder tells of attempts: definitions, floors, windows, clocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.telemetry import OTHER, Attempt, Figures, Outcome, Recorder
from evalgate.telemetry.cell import OUTCOMES

NOON = 1_795_000_000.0
OK = Attempt("fp8", "sort", "ok", NOON, 800.0, first_ms=200.0, input_tokens=10, output_tokens=40)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recorder(clock: Clock) -> Recorder:
    return Recorder(clock=clock)


def record(recorder: Recorder, attempts: Iterable[Attempt]) -> None:
    for attempt in attempts:
        recorder.record(attempt)


def of(recorder: Recorder, operation: str = "sort") -> Figures:
    return recorder.snapshot().by_operation["fp8", operation]


def mixed(**counts: int) -> list[Attempt]:
    return [replace(OK, outcome=outcome) for outcome in OUTCOMES for _ in range(counts.get(outcome, 0))]


def test_success_is_of_all_attempts_and_uptime_only_of_what_the_provider_answers_for(recorder: Recorder) -> None:
    record(recorder, mixed(ok=60, failed=20, throttled=10, callers_fault=6, left=4))
    figures = of(recorder)
    assert (figures.success.value, figures.success.n) == (0.6, 100)
    assert (figures.uptime_30m.value, figures.uptime_30m.n) == (0.75, 80)
    assert figures.uptime_5m == figures.uptime_1d == figures.uptime_30m


def test_only_attempts_that_were_ok_say_how_long_an_answer_takes(recorder: Recorder) -> None:
    slow: Outcome = "failed"
    record(recorder, [*mixed(ok=60), *[replace(OK, outcome=slow, duration_ms=60_000.0)] * 60])
    figures = of(recorder)
    assert figures.duration.n == figures.latency.n == figures.throughput.n == 60
    assert figures.duration.p95 == pytest.approx(800, rel=0.02)
    assert figures.latency.p50 == pytest.approx(200, rel=0.02)
    assert figures.throughput.p50 == pytest.approx(50, rel=0.02)


def test_the_router_filters_by_the_time_until_a_caller_has_something(recorder: Recorder) -> None:
    whole = replace(OK, variant="bf16", first_ms=None)
    record(recorder, [*[OK] * 60, *[whole] * 60])
    figures = recorder.figures("sort")
    assert figures["fp8"] == (1.0, pytest.approx(200, rel=0.02))
    assert figures["bf16"] == (1.0, pytest.approx(800, rel=0.02))


def test_below_the_floor_there_is_no_figure_but_its_n(recorder: Recorder) -> None:
    record(recorder, mixed(ok=19))
    figures = of(recorder)
    assert (figures.success.value, figures.latency.p50, figures.latency.n) == (None, None, 19)
    assert recorder.figures("sort") == {"fp8": (None, None)}


def test_a_p95_takes_more_calls_than_a_p50(recorder: Recorder) -> None:
    record(recorder, mixed(ok=59))
    assert of(recorder).latency.p50 is not None
    assert of(recorder).latency.p95 is None


def test_figures_are_told_per_variant_over_all_its_operations(recorder: Recorder) -> None:
    record(recorder, [*mixed(ok=15), *[replace(OK, operation="", outcome="failed")] * 15])
    assert recorder.snapshot().by_variant["fp8"].success.value == 0.5


def test_a_minute_leaves_after_half_an_hour_and_the_day_remembers_its_counts(recorder: Recorder, clock: Clock) -> None:
    record(recorder, mixed(ok=30, failed=10))
    assert of(recorder).attempts == 40
    clock.now += 6 * 60
    assert (of(recorder).uptime_5m.n, of(recorder).uptime_30m.n) == (0, 40)
    clock.now += 25 * 60
    figures = of(recorder)
    assert (figures.attempts, figures.latency.n, figures.uptime_1d.value) == (0, 0, 0.75)
    assert figures.age == pytest.approx(31 * 60)
    assert recorder.figures("sort") == {}
    clock.now += 24 * 3600
    recorder.refresh()
    assert recorder.snapshot().by_operation == {}


def test_what_is_from_the_future_waits_until_its_time_has_come(recorder: Recorder, clock: Clock) -> None:
    record(recorder, [replace(OK, at=NOON + 600)] * 30)
    assert of(recorder).attempts == 0
    clock.now += 600
    assert of(recorder).attempts == 30


@given(st.lists(st.tuples(st.integers(-3000, 3000), st.sampled_from(OUTCOMES)), max_size=30), st.integers(-90, 90))
def test_however_the_clock_goes_the_window_has_what_is_in_it(steps: list[tuple[int, Outcome]], last: int) -> None:
    clock = Clock()
    recorder, recorded = Recorder(clock=clock), []
    for step, outcome in steps:
        clock.now = max(clock.now + step, NOON - 1000)
        recorded.append(attempt := replace(OK, outcome=outcome, at=clock.now))
        recorder.record(attempt)
        recorder.snapshot()
    clock.now += last * 60
    minute = clock.now // 60
    inside = [each for each in recorded if minute - 30 < each.at // 60 <= minute + 1]
    figures = recorder.snapshot().by_operation.get(("fp8", "sort"))
    assert (figures.attempts if figures else 0) == len(inside)
    assert (figures.latency.n if figures else 0) == sum(each.outcome == "ok" for each in inside)


@given(st.lists(st.integers(-90_000, 90_000), max_size=20))
def test_however_the_clock_jumps_nothing_is_counted_that_was_not(steps: list[int]) -> None:
    clock = Clock()
    recorder = Recorder(clock=clock)
    for number, step in enumerate(steps, 1):
        clock.now = max(clock.now + step, NOON - 200_000)
        recorder.record(replace(OK, at=clock.now))
        recorder.refresh()
        told = recorder.snapshot().by_operation["fp8", "sort"]
        assert 1 <= told.attempts <= number
        assert told.attempts == told.latency.n == told.success.n <= told.attempts_1d <= number


def test_operations_that_nobody_knows_are_told_as_one(recorder: Recorder) -> None:
    recorder.know(["sort"])
    record(recorder, [replace(OK, operation=f"made up {number}") for number in range(30)] + [OK])
    assert recorder.snapshot().by_operation.keys() == {("fp8", "sort"), ("fp8", OTHER)}
    assert recorder.snapshot().by_operation["fp8", OTHER].attempts == 30


@pytest.mark.parametrize("operation", ["a\0b", "x" * 201, "\ud800", "line\nfeed", "\u202egnol"])
def test_a_name_that_could_not_be_kept_or_shown_is_not_told_apart(recorder: Recorder, operation: str) -> None:
    recorder.record(replace(OK, operation=operation))
    assert recorder.snapshot().by_operation.keys() == {("fp8", OTHER)}


def test_names_without_end_take_no_memory_without_end(recorder: Recorder) -> None:
    record(recorder, [replace(OK, operation=str(number)) for number in range(5000)])
    assert len(recorder.snapshot().by_operation) <= 2001
    assert sum(each.attempts for each in recorder.snapshot().by_operation.values()) == 5000


def test_totals_only_rise(recorder: Recorder, clock: Clock) -> None:
    record(recorder, mixed(ok=5))
    assert recorder.totals()["fp8", "sort"].count("ok") == 5
    clock.now += 3600
    recorder.refresh()
    record(recorder, [replace(OK, at=clock.now)])
    assert recorder.totals()["fp8", "sort"].count("ok") == 6


def test_started_it_keeps_the_figures_fresh_by_itself() -> None:
    with Recorder() as recorder:
        record(recorder, [replace(OK, at=recorder._clock())] * 30)
        recorder.refresh()
        assert recorder.figures("sort")["fp8"] == (1.0, None)
    assert not recorder._threads


def test_percentiles_of_spread_out_latencies_are_within_two_percent(recorder: Recorder) -> None:
    drawn = np.random.default_rng(1).lognormal(6, 1, 2000)
    record(recorder, [replace(OK, first_ms=float(each), duration_ms=float(each)) for each in drawn])
    latency = of(recorder).latency
    assert (latency.p50, latency.p95) == pytest.approx(tuple(np.quantile(drawn, [0.5, 0.95])), rel=0.02)
