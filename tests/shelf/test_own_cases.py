"""Cases of the ready-made suites, read anew: what their generators promise of them, found without the generators."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

SUITES = Path(__file__).parents[2] / "suites"
DIFFERENT = (
    "ticket_classification",
    "word_problems",
    "invoice_extraction",
    "answer_from_context",
    "summarise_with_facts",
)


def cases(name: str, **metadata: object) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (SUITES / name / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["metadata"].items() >= metadata.items()]


def asked(case: dict[str, Any]) -> str:
    given = case["input"]
    return given if isinstance(given, str) else " ".join(value for value in given.values() if isinstance(value, str))


@pytest.mark.parametrize("name", DIFFERENT)
def test_no_two_cases_share_three_fifths_of_their_words(name: str) -> None:
    words = [frozenset(re.findall(r"\w+", asked(case).lower())) for case in cases(name)]
    assert max(len(one & other) / len(one | other) for one, other in combinations(words, 2)) < 0.6


def test_every_queue_has_as_many_tickets() -> None:
    assert set(Counter(case["target"] for case in cases("ticket_classification")).values()) == {48}


def test_answers_to_word_problems_need_no_rounding() -> None:
    assert all(re.fullmatch(r"\d+(\.\d\d?|/\d+)?", case["target"]) for case in cases("word_problems"))


def test_the_sums_of_an_invoice_are_those_of_its_lines() -> None:
    for case in cases("invoice_extraction"):
        target = case["target"]
        net = sum(line["quantity"] * line["unit_price"] for line in target["lines"])
        assert round(net - target["net"], 6) == 0, case["id"]
        assert round(target["net"] + target["tax"] - target["total"], 6) == 0, case["id"]


def test_names_in_an_invoice_are_written_as_they_have_to_be_found() -> None:
    for case in cases("invoice_extraction"):
        target = case["target"]
        texts = [target["invoice_number"], target["seller"], target["buyer"]]
        texts += [line["description"] for line in target["lines"]]
        assert [text for text in texts if text not in case["input"]] == [], case["id"]


def test_a_day_of_payment_that_is_not_told_is_not_to_be_found() -> None:
    assert {case["target"]["due_date"] for case in cases("invoice_extraction", due="none")} == {None}
    assert None not in {case["target"]["due_date"] for case in cases("invoice_extraction", due="terms")}


def test_what_a_summary_must_keep_stands_in_one_place_and_fits_its_length() -> None:
    for case in cases("summarise_with_facts"):
        checks = {name: arguments for check in case["target"] for name, arguments in check.items()}
        kept = checks["keywords:existence"]["keywords"]
        gone = checks.get("keywords:forbidden_words", {}).get("forbidden_words", [])
        text, most = case["input"]["text"], checks["length_constraints:number_words"]["num_words"]
        assert [text.count(value) for value in kept + gone] == [1] * len(kept + gone), case["id"]
        assert len(re.findall(r"\w+", " ".join(kept))) < most / 2, case["id"]
        assert most < len(re.findall(r"\w+", text)) * 0.8, case["id"]


def test_an_answer_stands_in_its_passage_unless_there_is_none() -> None:
    for case in cases("answer_from_context"):
        found = any(form.lower() in case["input"]["passage"].lower() for form in case["target"])
        assert found == (case["metadata"]["kind"] != "unanswerable"), case["id"]


def test_cargo_of_a_ship_adds_up_as_the_log_tells_it() -> None:
    for case in cases("long_context", world="harbour", kind="sum"):
        question, text = case["input"]["question"], case["input"]["text"]
        ship = re.search(r"the ([A-Z]\w+(?: [A-Z]\w+)?)", question)[1]
        goods = re.search(
            "barrels of tar|sacks of salt|crates of tea|bales of wool|chests of nails|casks of oil", question
        )[0]
        ways = (
            rf"{ship} (?:came in from [\w ]+ with|brought) (\d+) {goods}",
            rf"(\d+) {goods} were unloaded from the {ship}",
        )
        told = [int(amount) for way in ways for amount in re.findall(way, text)]
        assert str(sum(told)) == case["target"], case["id"]


def test_a_fee_is_the_last_one_that_was_resolved() -> None:
    fees = "dog tax|mooring fee|market fee|price of a burial plot|fee for a library card|fine for late books"
    for case in cases("long_context", world="council", kind="last"):
        fee = re.search(fees, case["input"]["question"])[0]
        told = re.findall(rf"{fee} (?:was set at|is|be) (\d+)", case["input"]["text"])
        assert told[-1] == case["target"], case["id"]


def test_a_ticket_that_was_not_solved_is_the_only_one_of_those_named() -> None:
    for case in cases("long_context", world="helpdesk", kind="negation"):
        named, text = re.findall(r"T-\d+", case["input"]["question"]), case["input"]["text"]
        left = [each for each in named if f"{each} is solved" not in text and f"Solved {each}" not in text]
        assert left == [case["target"]], case["id"]
