"""An eval without a verdict: it shares the store with the check, and its scores can be compared."""

from __future__ import annotations

import json

from tests.conftest import Asked, Loopback, Sent, completion, failure
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


def test_another_name_than_asked_is_told_once(house: House, server: Loopback) -> None:
    server.behave = lambda asked: completion("red", model="some-other-model-mini")
    live(house, server)
    done = house.run("run", "suites/name_colour.yaml", "--variant", "full", "--max-cases", "9")
    assert done.stderr.count("full: answered by 'some-other-model-mini', another name than asked") == 1


def test_why_answers_failed_is_told_and_what_asks_them_again(house: House, server: Loopback) -> None:
    def behave(asked: Asked) -> Sent:
        number = int("".join(filter(str.isdigit, asked.prompt)))
        if number % 3 == 0:
            return failure(400, f"request {number} is too long")
        return completion("", finish_reason="stop") if number % 3 == 1 else completion("red")

    server.behave = behave
    live(house, server)
    command = ("run", "suites/name_colour.yaml", "--variant", "full", "--max-cases", "30")
    first = house.run(*command)
    assert first.returncode == 4
    failed = sum(answered % 3 == 0 for answered in numbers(server))
    assert f"{failed} of 30 answers failed and score 0:\n    {failed} x HTTP 400: request" in first.stdout
    assert f"{failed} are kept and not asked again: --retry-failed asks only those" in first.stdout
    assert "the same command asks them again" not in first.stdout
    assert f"of 30 answers: {30 - failed - sum(it % 3 == 2 for it in numbers(server))} empty" in first.stdout
    assert "0 requests sent" in house.run(*command).stdout
    assert f"{failed} requests sent" in house.run(*command, "--retry-failed").stdout


def live(house: House, server: Loopback) -> None:
    """Let the variant `full` be served by `server` and nobody else be there."""
    here = f'{{version: 1, providers: [{{id: here, base_url: "{server.url}"}}], models: [{{id: toy, variants: '
    entry = "[{id: full, provider: here, quantization: bf16, price: {input: 1, output: 2}}]}]}"
    (house.path / "catalog.yaml").write_text(here + entry)


def numbers(server: Loopback) -> list[int]:
    """Of the cases that were asked for in the first 30 calls."""
    return [int("".join(filter(str.isdigit, asked.prompt))) for asked in server.asked[:30]]
