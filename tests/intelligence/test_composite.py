"""The composite of what was measured, and an interval that knows what was not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.intelligence.composite import PARTS, WEIGHTS, Part, PartName, composite, parts_of, weighted, yardsticks
from evalgate.intelligence.reports import QUESTIONS
from tests.intelligence.make import TODAY, report

SCORES = st.floats(0, 100)
MEASURED = st.dictionaries(st.sampled_from(PARTS), SCORES, min_size=1)
COMPLETE = st.fixed_dictionaries(dict.fromkeys(PARTS, SCORES))


def part(name: PartName, score: float, error: float = 1.0) -> Part:
    return Part(name, "gpqa", score, error, None, TODAY, ("lab",), ("https://example.org",))


def parts(scores: dict[PartName, float]) -> list[Part]:
    return [part(name, score) for name, score in scores.items()]


def test_the_weights_are_those_that_are_published() -> None:
    scores: dict[PartName, float] = {"mmlu_pro": 80, "code": 60, "maths": 40, "gpqa": 20}
    assert composite(parts(scores)).value == pytest.approx(0.30 * 80 + 0.25 * 60 + 0.25 * 40 + 0.20 * 20)


def test_missing_parts_are_renormalised() -> None:
    found = composite(parts({"mmlu_pro": 80, "gpqa": 20}))
    assert found.value == pytest.approx((0.30 * 80 + 0.20 * 20) / 0.5)
    assert found.weight == pytest.approx(0.5)


def test_no_part_is_no_composite() -> None:
    with pytest.raises(ValueError, match="no part"):
        composite([])


@given(MEASURED, st.lists(COMPLETE, max_size=12))
def test_it_is_between_its_parts_and_within_its_interval_and_that_within_0_and_100(
    scores: dict[PartName, float], complete: list[dict[PartName, float]]
) -> None:
    found = composite(parts(scores), complete)
    assert min(scores.values()) <= found.value <= max(scores.values())
    assert 0 <= found.interval[0] <= found.value <= found.interval[1] <= 100


@given(MEASURED, st.sampled_from(PARTS), st.floats(0, 50))
def test_a_better_part_never_makes_it_worse(scores: dict[PartName, float], name: PartName, more: float) -> None:
    scores = {name: 50.0, **scores}
    better = {**scores, name: min(100.0, scores[name] + more)}
    assert weighted(better) >= weighted(scores) - 1e-9


@given(COMPLETE)
def test_equal_parts_are_renormalised_to_what_the_whole_would_be(scores: dict[PartName, float]) -> None:
    same = dict.fromkeys(scores, 42.0)
    for left_out in PARTS:
        assert weighted({name: each for name, each in same.items() if name != left_out}) == pytest.approx(42.0)


@given(COMPLETE, st.sampled_from(PARTS))
def test_while_nothing_is_learnt_the_interval_holds_the_whole_whatever_the_missing_part_is(
    scores: dict[PartName, float], left_out: PartName
) -> None:
    known = composite([part(name, score, 0.0) for name, score in scores.items() if name != left_out])
    assert known.interval[0] - 1e-9 <= weighted(scores) <= known.interval[1] + 1e-9


def test_what_a_missing_part_changes_is_learnt_from_models_that_have_all() -> None:
    harder: list[dict[PartName, float]] = [
        {"mmlu_pro": each, "code": each - 30, "maths": each, "gpqa": each} for each in range(50, 90, 5)
    ]
    found = composite(parts({"mmlu_pro": 70, "maths": 70, "gpqa": 70}), harder)
    whole = 70 - WEIGHTS["code"] * 30
    assert found.interval[0] < whole < found.interval[1]
    assert found.interval[1] - found.interval[0] < WEIGHTS["code"] * 100 + 10  # not anything from 0 to 100


def test_errors_of_the_parts_add_up_as_independent_ones_do() -> None:
    found = composite([part(name, 50, 2.0) for name in PARTS])
    error = 2.0 * math.sqrt(sum(weight**2 for weight in WEIGHTS.values()))
    assert found.interval[1] - 50 == pytest.approx(1.6449 * error, rel=1e-3)


def test_the_error_is_that_of_the_questions_where_none_is_told_and_never_0() -> None:
    assert report(score=50.0).error == pytest.approx(100 * math.sqrt(0.25 / (QUESTIONS["gpqa"] + 4)), rel=0.02)
    assert report(score=100.0, n=30).error > 2
    assert report(score=50.0, stderr=7.5).error == 7.5


def test_of_one_party_the_newest_counts_and_parties_are_averaged() -> None:
    reports = [
        report(score=40.0, date="2025-01-01"),
        report(score=50.0, date="2026-01-01"),
        report(score=60.0, measured_by="others"),
    ]
    (found,) = parts_of(reports, yardsticks(reports))
    assert (found.score, found.measured_by) == (55.0, ("lab", "others"))


def test_where_parties_differ_by_more_than_their_errors_the_difference_is_the_error() -> None:
    near = [report(score=50.0), report(score=50.5, measured_by="others")]
    far = [report(score=30.0), report(score=70.0, measured_by="others")]
    errors = [parts_of(each, yardsticks(each))[0].error for each in (near, far)]
    assert errors[0] < 3
    assert errors[1] == pytest.approx(20.0)


def test_all_models_are_held_to_the_yardstick_that_most_have() -> None:
    reports = [
        *(report(f"m{n}", "livecodebench", 30.0 + n) for n in range(3)),
        *(report(f"m{n}", "humaneval_plus", 85.0) for n in range(2)),
    ]
    by = yardsticks(reports)
    assert by["code"] == ("livecodebench",)
    (found,) = parts_of([each for each in reports if each.model == "m0"], by)
    assert (found.benchmark, found.score) == ("livecodebench", 30.0)


def test_a_sample_of_a_benchmark_compares_with_the_whole_of_it() -> None:
    reports = [report("m0", "math500", 80.0), report("m1", "math", 70.0)]
    assert parts_of(reports[1:], yardsticks(reports))[0].score == 70.0
