"""The suite of BFCL on questions of our own in the layout of the original."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from evalgate.exchange import Answer, JsonValue
from evalgate.graders import bind
from evalgate.suite import Suite, load_suite
from evalgate.validate import validate

SUITE = Path(__file__).parents[2] / "suites" / "hub" / "bfcl" / "suite.yaml"
CITY = {"type": "string", "description": "A city."}
FERRY: JsonValue = {
    "name": "ferry.book",
    "description": "Book a ferry.",
    "parameters": {
        "type": "dict",
        "properties": {
            "start": CITY,
            "days": {"type": "integer"},
            "price": {"type": "float", "optional": True},
            "seat": {"type": "tuple", "items": {"type": "integer"}},
            "type": {"type": "string", "enum": ["car", "foot"]},
            "note": {"type": "any"},
            "payer": {"type": "dict", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}},
        },
        "required": ["start"],
    },
}
SUM: JsonValue = {
    "name": "sum_up",
    "description": "Sum numbers.",
    "parameters": {"type": "dict", "properties": {"numbers": {"type": "array"}}, "required": ["numbers"]},
}
PAYER: JsonValue = {"name": ["Ann", "Ann Lee"], "age": ["", 40]}
# by category: the question, its functions, the answers as the files have them, right calls, and wrong ones
OWN: dict[str, tuple[str, list[JsonValue], JsonValue, list[JsonValue], list[JsonValue]]] = {
    "simple": (
        "A ferry from St. Ives for Ann in a car, please.",
        [FERRY],
        [{"ferry.book": {"start": ["St. Ives"], "price": [7.0, ""], "type": ["car"], "payer": [PAYER]}}],
        [{"ferry_book": {"start": "st ives", "type": "car", "payer": {"name": "Ann Lee"}}}],
        [{"ferry_book": {"start": "St. Ives", "type": "car", "payer": {"name": "Bob"}}}],
    ),
    "multiple": (
        "What are 3 and 4 together?",
        [FERRY, SUM],
        [{"sum_up": {"numbers": [[3, 4], [4, 3]]}}],
        [{"sum_up": {"numbers": [4, 3]}}],
        [{"sum_up": {"numbers": [3, 4], "start": "Rome"}}],
    ),
    "parallel": (
        "Sum up 1 and 2, and 5 and 6.",
        [SUM],
        [{"sum_up": {"numbers": [[1, 2]]}}, {"sum_up": {"numbers": [[5, 6]]}}],
        [{"sum_up": {"numbers": [5, 6]}}, {"sum_up": {"numbers": [1, 2]}}],
        [{"sum_up": {"numbers": [5, 6]}}],
    ),
    "parallel_multiple": (
        "A ferry from Kiel on seat 3, 4, and the sum of 8 and 9.",
        [FERRY, SUM],
        [{"ferry.book": {"start": ["Kiel"], "seat": [[3, 4]]}}, {"sum_up": {"numbers": [[8, 9]]}}],
        [{"ferry_book": {"start": "Kiel", "seat": [3, 4]}}, {"sum_up": {"numbers": [8, 9]}}],
        [{"ferry_book": {"start": "Kiel", "seat": [4, 3]}}, {"sum_up": {"numbers": [8, 9]}}],
    ),
    "irrelevance": ("Who wrote this song?", [SUM], None, [], [{"sum_up": {"numbers": []}}]),
}


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """The suite with its files in a folder, which is all that its README says to change."""
    content = yaml.safe_load(SUITE.read_text())
    kept = {key: content["dataset"][key] for key in ("format", "split")}
    content["dataset"] = {"path": "rows", **kept}
    (tmp_path / "rows" / "possible_answer").mkdir(parents=True)
    for name, (asked, functions, answers, _, _) in OWN.items():
        question = {"id": f"{name}_0", "question": [[{"role": "user", "content": asked}]], "function": functions}
        (tmp_path / "rows" / f"BFCL_v3_{name}.json").write_text(json.dumps(question))
        if answers is not None:
            written = json.dumps({"id": f"{name}_0", "ground_truth": answers})
            (tmp_path / "rows" / "possible_answer" / f"BFCL_v3_{name}.json").write_text(written)
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(content))
    return load_suite(tmp_path / "suite.yaml")


def answer(calls: list[JsonValue]) -> Answer:
    pairs = [pair for call in calls if isinstance(call, dict) for pair in call.items()]
    made: list[JsonValue] = [{"function": {"name": name, "arguments": json.dumps(given)}} for name, given in pairs]
    return Answer("" if made else "No idea.", "stop", details={"tool_calls": made} if made else {})


@pytest.mark.parametrize("name", OWN)
def test_right_calls_score_one_and_others_do_not(name: str, suite: Suite) -> None:
    case = next(case for case in suite.source if case.id == f"{name}_0")
    grading = bind(suite)
    assert grading.grade(answer(OWN[name][3]), case)["score"] == 1
    assert grading.grade(answer(OWN[name][4]), case)["score"] == 0


def test_each_question_is_asked_as_it_stands_with_its_own_functions(suite: Suite) -> None:
    case = next(case for case in suite.source if case.id == "simple_0")
    request = suite.request(case)
    assert [message.to_json() for message in request.prompt] == [  # type: ignore[union-attr]
        {"role": "user", "content": "A ferry from St. Ives for Ann in a car, please."}
    ]
    (tool,) = request.parameters["tools"]  # type: ignore[misc]
    assert tool == {  # type: ignore[has-type]
        "type": "function",
        "function": {
            "name": "ferry_book",
            "description": "Book a ferry.",
            "parameters": {
                "type": "object",
                "properties": {
                    "start": CITY,
                    "days": {"type": "integer"},
                    "price": {"type": "number"},
                    "seat": {"type": "array", "items": {"type": "integer"}},
                    "type": {"type": "string", "enum": ["car", "foot"]},
                    "note": {"type": "string"},
                    "payer": {
                        "type": "object",
                        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
                    },
                },
                "required": ["start"],
            },
        },
    }


def test_what_its_answers_mean_scores_one_and_the_categories_are_slices(suite: Suite) -> None:
    (trial,) = validate(suite).trials
    assert (trial.targets, trial.right, trial.confused) == (5, 5, 0.0)
    assert {case.metadata["category"] for case in suite.source} == OWN.keys()
