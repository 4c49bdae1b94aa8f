"""No fresh alpha for the asking: the store remembers who was tried, how often, and in which order cases were asked."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.conftest import CASES, House


def verdicts(house: House, *arguments: str) -> dict[str, dict[str, object]]:
    done = house.run("check", "--json", "-", "-q", *arguments)
    assert done.returncode in (0, 1, 3), done.stderr
    (operation,) = json.loads(done.stdout)["operations"]
    return {verdict["variant"]["id"]: verdict for verdict in operation["verdicts"]}


def number(verdict: dict[str, object]) -> object:
    trying = verdict["trying"]
    assert isinstance(trying, dict)
    return trying["number"]


def test_another_margin_after_an_unwelcome_verdict_is_a_further_try(house: House) -> None:
    house.edit("{margin: 0.05}", "{margin: 0.01}")
    first = verdicts(house, "--variant", "same")["same"]
    house.edit("{margin: 0.01}", "{margin: 0.05}")
    planned = house.run("plan")
    second = verdicts(house, "--variant", "same")["same"]

    assert (first["outcome"], number(first)) == ("inconclusive", 1)
    assert "same: try 2, charged α 0.25 %; green takes an e-value of" in planned.stdout
    assert number(second) == 2
    assert "try 2, charged α 0.25 %" in house.run("check", "--variant", "same").stdout


def test_what_was_stopped_early_goes_on_as_the_same_try(house: House) -> None:
    cut = verdicts(house, "--variant", "same", "--max-cases", "40")["same"]
    whole = verdicts(house, "--variant", "same")["same"]
    assert (cut["outcome"], number(cut)) == ("inconclusive", 1)
    assert (whole["outcome"], number(whole)) == ("green", 1)


def test_fresh_answers_renew_a_green_and_charge_a_red(house: House) -> None:
    verdicts(house)
    again = verdicts(house, "--refresh")
    assert (again["same"]["outcome"], number(again["same"])) == ("green", 1)
    assert (again["worse"]["outcome"], number(again["worse"])) == ("red", 2)


def test_who_is_taken_off_the_list_still_counts(house: House) -> None:
    together = verdicts(house)["same"]
    house.edit("baseline: full\n", "baseline: full\nvariants: [full, same]\n")
    done = house.run("check", "--json", "-", "-q")
    (operation,) = json.loads(done.stdout)["operations"]
    (alone,) = operation["verdicts"]
    assert operation["family"] == 3
    assert alone["e_needed"] > 1.3 * 20 / 0.9
    assert together["outcome"] == alone["outcome"] == "green"


def test_who_comes_later_pays_for_its_place(house: House) -> None:
    house.edit("baseline: full\n", "baseline: full\nvariants: [full, worse]\n")
    verdicts(house)
    house.edit("variants: [full, worse]", "variants: [full, worse, same]")
    late = verdicts(house)["same"]
    trying = late["trying"]
    assert isinstance(trying, dict)
    assert trying["arrival"] == 1
    assert late["e_needed"] > 100  # type: ignore[operator]


def test_a_suite_that_grows_is_asked_in_the_order_it_was_and_then_the_new_cases(house: House) -> None:
    path = house.path / "suites" / "cases.jsonl"
    whole = path.read_text()
    path.write_text("\n".join(whole.splitlines()[: CASES // 2]))
    first = verdicts(house, "--variant", "middling")["middling"]
    path.write_text(whole)
    grown = verdicts(house, "--variant", "middling")["middling"]
    assert number(first) == number(grown) == 1
    assert grown["cases"] >= first["cases"]  # type: ignore[operator]


def test_another_seed_is_another_test(house: House) -> None:
    house.edit("{margin: 0.05}", "{margin: 0.02}")
    assert number(verdicts(house, "--variant", "middling")["middling"]) == 1
    house.edit("{margin: 0.02}", "{margin: 0.02, seed: 7}")
    assert number(verdicts(house, "--variant", "middling")["middling"]) == 2


def test_a_variant_that_was_renamed_is_no_newcomer(house: House) -> None:
    verdicts(house)
    catalog = house.path / "catalog.yaml"
    catalog.write_text(catalog.read_text().replace("id: worse,", "id: worse-again,").replace("tape", "cassette"))
    renamed = verdicts(house)["worse-again"]
    trying = renamed["trying"]
    assert isinstance(trying, dict)
    assert (trying["number"], trying["arrival"]) == (1, 0)


def test_the_signal_says_which_try_it_was(house: House, tmp_path: Path) -> None:
    house.edit("{margin: 0.05}", "{margin: 0.01}")
    verdicts(house, "--variant", "same")
    house.edit("{margin: 0.01}", "{margin: 0.05}")
    house.run("check", "-q", "--variant", "same", "--publish", str(tmp_path / "signal.json"))
    text = (tmp_path / "signal.json").read_text()
    assert '"attempt":2' in text
    assert '"charged":0.0025' in text
