from __future__ import annotations

import json
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from suites import generate
from suites.distinct import MAX_JACCARD, jaccard, words

LAB = Path(generate.__file__).parent / "lab"
OPERATIONS = ("add_numbers", "classify_feedback", "extract_order", "recall_fact")


def rows_of(operation):
    return [json.loads(line) for line in (LAB / operation / "cases.jsonl").read_text().splitlines()]


def suite_of(operation):
    return yaml.safe_load((LAB / operation / "suite.yaml").read_text())


@pytest.mark.parametrize("operation", OPERATIONS)
def test_there_are_enough_cases_for_a_margin_of_five_points(operation):
    assert len(rows_of(operation)) >= 600


@pytest.mark.parametrize("operation", ["classify_feedback", "extract_order"])
def test_no_two_texts_are_nearly_the_same(operation):
    texts = [words(row["input"]) for row in rows_of(operation)]
    assert max(jaccard(one, other) for one, other in combinations(texts, 2)) < MAX_JACCARD


def test_no_sum_is_there_the_other_way_round():
    sums = [frozenset(row["input"].values()) for row in rows_of("add_numbers")]
    assert len(set(sums)) == len(sums)


def test_no_relation_of_a_subject_is_asked_twice():
    facts = [(row["metadata"]["relation"], row["metadata"]["subject"]) for row in rows_of("recall_fact")]
    assert len(set(facts)) == len(facts)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_case_is_among_the_examples_of_its_prompt(operation):
    prompt = suite_of(operation)["prompt"]
    shown = prompt if isinstance(prompt, str) else "\n".join(message["content"] for message in prompt)
    for row in rows_of(operation):
        value = row["input"]
        asked = value if isinstance(value, str) else f"Q: {value['a']} + {value['b']}\n"
        assert asked not in shown


@pytest.mark.parametrize("operation", OPERATIONS)
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
