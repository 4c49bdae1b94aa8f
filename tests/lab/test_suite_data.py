from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml

from suites import generate
from suites.generate import SUITES, check_rows, encode, jaccard, words

SUITE_FOLDER = Path(generate.__file__).parent


def rows_of(operation):
    return [json.loads(line) for line in (SUITE_FOLDER / "data" / f"{operation}.jsonl").read_text().splitlines()]


def suite_of(operation):
    return yaml.safe_load((SUITE_FOLDER / f"{operation}.yaml").read_text())


@pytest.mark.parametrize("operation", SUITES)
def test_the_data_is_what_the_generator_writes(operation):
    assert encode(generate.generate(operation)) == (SUITE_FOLDER / "data" / f"{operation}.jsonl").read_text()


@pytest.mark.parametrize("operation", SUITES)
def test_there_are_enough_cases_and_no_near_duplicates(operation):
    rows = rows_of(operation)
    assert len(rows) >= 600
    assert check_rows(operation, rows) == []


@pytest.mark.parametrize("operation", SUITES)
def test_no_case_is_among_the_examples_of_its_prompt(operation):
    prompt = suite_of(operation)["prompt"]
    shown = prompt if isinstance(prompt, str) else "\n".join(message["content"] for message in prompt)
    for row in rows_of(operation):
        value = row["input"]
        asked = value if isinstance(value, str) else f"Q: {value['a']} + {value['b']}\n"
        assert asked not in shown


@pytest.mark.parametrize("operation", SUITES)
def test_completion_prompts_end_where_the_answer_begins(operation):
    prompt = suite_of(operation)["prompt"]
    assert not isinstance(prompt, str) or not prompt[-1].isspace()


def test_sums_are_right():
    assert all(row["input"]["a"] + row["input"]["b"] == row["target"] for row in rows_of("add_numbers"))


def test_feedback_is_balanced():
    assert Counter(row["target"] for row in rows_of("classify_feedback")) == {"positive": 320, "negative": 320}


def test_orders_hold_what_is_to_be_extracted():
    for row in rows_of("extract_order"):
        assert set(row["target"]) == {"name", "item", "quantity"}
        assert all(str(value) in row["input"] for value in row["target"].values())


def test_a_question_never_holds_its_own_answer_among_the_capitals():
    capitals = [row for row in rows_of("recall_fact") if row["metadata"]["relation"] == "capital"]
    given_away = [row["input"] for row in capitals if row["target"] in row["metadata"]["subject"]]
    assert len(given_away) <= 3  # Luxembourg and Singapore are capitals of themselves


def test_a_word_apart_is_a_near_duplicate():
    row = {"id": "a", "input": "one two three four five", "target": "positive", "metadata": {}}
    other = {**row, "id": "b", "input": "one two three four six"}
    assert check_rows("classify_feedback", [row, other]) == ["a and b: near-duplicates"]


def test_the_same_sum_the_other_way_round_is_a_duplicate():
    row = {"id": "a", "input": {"a": 3, "b": 9}, "target": 12, "metadata": {}}
    assert check_rows("add_numbers", [row, {**row, "id": "b", "input": {"a": 9, "b": 3}}]) != []


def test_missing_keys_and_repeated_ids_are_found():
    row = {"id": "a", "input": "one two", "target": "positive"}
    other = {"id": "a", "input": "three four", "target": "positive", "metadata": {}}
    problems = check_rows("classify_feedback", [row, other])
    assert len(problems) == 2


def test_jaccard_is_the_share_of_common_words():
    assert jaccard(words("The cat sat."), words("the CAT ran")) == 0.5
