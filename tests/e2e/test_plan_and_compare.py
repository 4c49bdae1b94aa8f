"""Before a cent is spent, and after somebody else's tool has spent it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests import warm
from tests.e2e.conftest import House

LOGS = Path(__file__).parents[1] / "fixtures" / "logs"


def compare(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return warm.evalgate("compare", *map(str, arguments), cwd=Path.cwd())


def scores(path: Path, values: list[float], name: str = "c") -> Path:
    path.write_text("\n".join(json.dumps({"id": f"{name}{n}", "score": value}) for n, value in enumerate(values)))
    return path


def test_plan_asks_nothing(house: House) -> None:
    for recording in house.path.glob("*.jsonl.gz"):
        recording.write_bytes(b"not even readable")
    done = house.run("plan", "--json", "-")
    assert done.returncode == 0, done.stderr
    (operation,) = json.loads(done.stdout)["operations"]
    assert operation["available"] == 300
    assert operation["variants"][0]["cases_mean"] <= operation["variants"][0]["cases_p90"] <= 300


def test_plan_uses_what_an_earlier_run_found_out(house: House) -> None:
    house.run("check", "-q")
    (operation,) = json.loads(house.run("plan", "--json", "-").stdout)["operations"]
    told = {side["variant"]: side for side in operation["variants"]}
    assert told["worse"]["known"]
    assert told["same"]["flip_rate"] == 0
    assert told["worse"]["flip_rate"] > 0.2


def test_plan_refuses_a_gate_that_its_suite_cannot_support_and_names_three_ways_out(house: House) -> None:
    house.edit("margin: 0.05", "margin: 0.01")
    done = house.run("plan")
    assert done.returncode == 2
    for words in ("suites/name_colour.yaml:9:8 gate.margin", "more cases", "a wider margin", "claim: suite"):
        assert words in done.stderr


def test_check_says_in_one_line_what_it_will_take(house: House) -> None:
    assert house.run("check").stderr.startswith("plan: about ")


def test_a_budget_ends_the_run_and_what_is_open_stays_inconclusive(house: House) -> None:
    house.edit("prompt:", "budget: 0.0005\nprompt:")
    done = house.run("check", "--json", "-", "-q")
    (operation,) = json.loads(done.stdout)["operations"]
    assert done.returncode == 3
    assert "the budget of 0.0005 USD is spent" in operation["verdicts"][0]["reason"]
    assert json.loads(done.stdout)["requests"] < 100


def test_a_spent_budget_says_how_to_go_on(house: House) -> None:
    house.edit("prompt:", "budget: 0.0005\nprompt:")
    assert "next: a larger budget, then the same command" in house.run("check").stdout


def test_a_budget_counts_only_what_is_bought_now(house: House) -> None:
    house.run("check", "-q")
    house.edit("prompt:", "budget: 0.000001\nprompt:")
    assert house.run("check", "-q").returncode == 1


@pytest.mark.parametrize(
    ("baseline", "variant"),
    [
        ("inspect-0.3.285/baseline.eval", "inspect-0.3.285/variant.eval"),
        ("lm-eval-0.4.13/baseline.jsonl", "lm-eval-0.4.13/variant.jsonl"),
        ("promptfoo-0.123.1/baseline.json", "promptfoo-0.123.1/variant.json"),
    ],
)
def test_real_logs_of_other_tools_give_the_same_flips(baseline: str, variant: str) -> None:
    done = compare(LOGS / baseline, LOGS / variant, "--margin", "0.2", "--design", "fixed", "--json", "-")
    result = json.loads(done.stdout)
    assert result["flips"] == {"broke": 13, "fixed": 5}
    assert result["verdict"] == "red"
    assert done.returncode == 1


def test_exit_codes_follow_the_verdict(tmp_path: Path) -> None:
    same = scores(tmp_path / "a.jsonl", [1.0] * 300)
    assert compare(same, same, "--margin", "0.05").returncode == 0
    assert compare(same, scores(tmp_path / "b.jsonl", [0.0] * 300), "--margin", "0.05").returncode == 1
    few = scores(tmp_path / "c.jsonl", [1.0] * 10)
    assert compare(few, few, "--margin", "0.05").returncode == 3


def test_ids_that_do_not_match_are_listed(tmp_path: Path) -> None:
    ours, theirs = scores(tmp_path / "a.jsonl", [1.0] * 9), scores(tmp_path / "b.jsonl", [1.0] * 9, "d")
    done = compare(ours, theirs, "--margin", "0.1")
    assert done.returncode == 2
    assert "c0" in done.stderr
    assert "d0" in done.stderr


def test_scores_between_0_and_1_need_the_sequential_design(tmp_path: Path) -> None:
    half, full = scores(tmp_path / "a.jsonl", [0.5] * 300), scores(tmp_path / "b.jsonl", [1.0] * 300)
    assert compare(half, full, "--margin", "0.05").returncode == 0
    refused = compare(half, full, "--margin", "0.05", "--design", "fixed")
    assert refused.returncode == 2
    assert "--design sequential" in refused.stderr


def test_the_seed_of_the_order_is_recorded(tmp_path: Path) -> None:
    same = scores(tmp_path / "a.jsonl", [1.0] * 300)
    assert json.loads(compare(same, same, "--margin", "0.05", "--seed", "7", "--json", "-").stdout)["seed"] == 7


def test_a_budget_that_buys_next_to_nothing_is_a_verdict_too(house: House) -> None:
    house.edit("prompt:", "budget: 0.00000001\nprompt:")
    done = house.run("check", "-q", "--publish", "signal.json")
    assert done.returncode == 3, done.stderr
    assert house.run("route").returncode == 0


def test_plan_counts_the_whole_suite_where_the_claim_is_about_it(house: House) -> None:
    def least(gate: str) -> float:
        house.edit("gate: {margin: 0.05}", gate)
        (operation,) = json.loads(house.run("plan", "--max-cases", "150", "--json", "-").stdout)["operations"]
        house.edit(gate, "gate: {margin: 0.05}")
        return float(operation["least_cases"])

    alone = "control: verdict, claim: suite"
    assert 40 < least(f"gate: {{margin: 0.05, {alone}}}") <= least("gate: {margin: 0.05, control: verdict}")


def test_a_green_that_rests_on_the_baselines_errors_is_inconclusive(tmp_path: Path) -> None:
    def run(name: str, rows: list[dict[str, object]]) -> Path:
        path = tmp_path / name
        path.write_text("\n".join(json.dumps({"id": f"c{n}"} | row) for n, row in enumerate(rows)))
        return path

    ours = run("a.jsonl", [{"score": 0, "error": "timeout"} if n % 5 == 0 else {"score": 1} for n in range(400)])
    theirs = run("b.jsonl", [{"score": 0 if n % 10 == 1 else 1} for n in range(400)])
    for design in ("sequential", "fixed"):
        done = compare(ours, theirs, "--margin", "0.05", "--design", design, "--json", "-")
        assert done.returncode == 3, done.stdout
        assert "not proven without them" in json.loads(done.stdout)["note"]


def test_two_runs_that_score_nothing_are_not_as_good_as_each_other(tmp_path: Path) -> None:
    nothing = scores(tmp_path / "a.jsonl", [0.0] * 300)
    done = compare(nothing, nothing, "--margin", "0.05")
    assert done.returncode == 3
    assert "the baseline itself scores 0.000" in done.stdout
