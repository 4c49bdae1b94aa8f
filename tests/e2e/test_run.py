"""An eval without a verdict: it shares the store with the check, and its scores can be compared."""

from __future__ import annotations

import json

from tests.e2e.conftest import CASES, House


def test_a_run_prints_the_mean_score(house: House) -> None:
    done = house.run("run", "suites/name_colour.yaml", "--variant", "worse")
    assert done.returncode == 0, done.stderr
    assert f"{CASES} cases, {CASES} requests sent" in done.stdout
    assert "score 0.6667" in done.stdout


def test_a_check_after_a_run_asks_only_the_others(house: House) -> None:
    house.run("run", "suites/name_colour.yaml", "--variant", "full")
    house.run("run", "suites/name_colour.yaml", "--variant", "same")
    checked = json.loads(house.run("check", "-q", "--json", "-", "--variant", "same").stdout)
    again = checked["operations"][0]["baseline_check"]["cases"]  # the baseline's second answers are new
    assert again <= checked["requests"] < again + 20


def test_two_runs_can_be_compared(house: House) -> None:
    for variant in ("full", "worse"):
        house.run("run", "suites/name_colour.yaml", "--variant", variant, "--out", f"{variant}.jsonl")
    done = house.run("compare", "full.jsonl", "worse.jsonl", "--margin", "0.05")
    assert done.returncode == 1
    assert "RED" in done.stdout


def test_the_summary_as_json(house: House) -> None:
    done = house.run("run", "suites/name_colour.yaml", "--variant", "middling", "--max-cases", "24", "--json", "-")
    summary = json.loads(done.stdout)
    assert summary["cases"] == 24
    assert 0.8 < summary["scores"]["score"] <= 1


def test_a_variant_that_is_not_there_is_a_usage_error(house: House) -> None:
    done = house.run("run", "suites/name_colour.yaml", "--variant", "wors")
    assert done.returncode == 2
    assert "did you mean 'worse'?" in done.stderr
