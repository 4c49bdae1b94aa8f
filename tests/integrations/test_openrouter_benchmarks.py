"""OpenRouter's export of benchmark runs becomes reports, one for each model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.integrations.openrouter_benchmarks import read_benchmarks

ROW: dict[str, Any] = {
    "benchmark": "gpqa-diamond",
    "model_permaslug": "deepseek/deepseek-chat",
    "provider_name": "One",
    "accuracy": 0.6,
    "accuracy_std_dev": 0.01,
    "total_tasks": 1980,
}
API_ROW = {
    "benchmark_type": "gpqa_diamond",
    "model_permaslug": "openai/gpt-4o",
    "accuracy": 0.72,
    "accuracy_stddev": None,
    "total_tasks": 150,
    "last_run_timestamp": "2026-06-03T12:00:00Z",
    "source": "openrouter",
}


def export(*rows: object) -> dict[str, object]:
    return {"dataset": "benchmark-leaderboard", "snapshot_date": "2026-11-28", "rows": list(rows)}


def test_a_row_is_a_report_in_percent_of_the_snapshots_day() -> None:
    (report,) = read_benchmarks(export(ROW), "x").reports
    assert (report.model, report.benchmark, report.score) == ("deepseek/deepseek-chat", "gpqa", 60.0)
    assert (str(report.date), report.measured_by) == ("2026-11-28", "OpenRouter")


def test_questions_that_were_asked_ten_times_are_no_larger_sample() -> None:
    assert read_benchmarks(export(ROW), "x").reports[0].n == 198


def test_the_answer_of_the_api_is_read_too() -> None:
    (report,) = read_benchmarks({"data": [API_ROW]}, "x").reports
    assert (report.model, report.score, report.n, str(report.date)) == ("openai/gpt-4o", 72.0, 150, "2026-06-03")


def test_providers_are_averaged_by_their_tasks_and_their_spread_is_told() -> None:
    other = {**ROW, "provider_name": "Two", "accuracy": 0.4, "total_tasks": 198}
    (report,) = read_benchmarks(export(ROW, other), "x").reports
    assert report.score == pytest.approx(100 * (0.6 * 1980 + 0.4 * 198) / 2178, abs=1e-3)
    assert report.stderr == pytest.approx(10.0)
    assert "2 providers, which scored 40.0 to 60.0" in report.note


def test_a_benchmark_that_is_no_part_is_left_out_and_named() -> None:
    found = read_benchmarks(export(ROW, {**ROW, "benchmark": "tau2-bench-airline"}), "x")
    assert len(found.reports) == 1
    assert found.skipped == ("tau2-bench-airline: not a part of the composite (1 rows)",)


@pytest.mark.parametrize("document", [None, [], {}, {"rows": []}, {"rows": [5]}, {"data": {"accuracy": 1}}])
def test_another_document_is_refused_with_what_was_expected(document: object) -> None:
    with pytest.raises(InputError, match="expected OpenRouter's benchmark-leaderboard export"):
        read_benchmarks(document, "x")


VALUES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8) | st.just([])


@given(st.lists(st.dictionaries(st.sampled_from([*ROW, *API_ROW]), VALUES, max_size=3), max_size=3))
def test_whatever_a_row_holds_it_is_a_report_or_left_out(changes: list[dict[str, Any]]) -> None:
    found = read_benchmarks(export(ROW, *({**ROW, **each} for each in changes)), "x")
    assert found.reports
    assert all(0 <= report.score <= 100 for report in found.reports)
