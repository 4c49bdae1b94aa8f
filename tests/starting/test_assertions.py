"""Assertions of promptfoo as graders: the table, and that both say the same of any answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.graders import registry
from evalgate.starting.draft import Unsaid
from evalgate.starting.promptfoo_assertions import Asked, translated


def made(**assertion: Any) -> Asked | Unsaid:
    return translated(assertion, lambda value: value)


def score(asked: Asked, answer: str) -> float:
    """What the grader says of an answer; its value is checked as `check` would."""
    options = {
        key: value for key, value in asked.grader.items() if key not in ("type", "weight", "metric", "threshold")
    }
    grader = registry.find(str(asked.grader["type"]))
    if grader.prepare is not None or grader.sees:
        pytest.skip("looks at more than the text")
    checked = grader.check_options(options)
    assert grader.problem_with(asked.value, checked) is None
    return grader.score(answer, asked.value, **checked)


@pytest.mark.parametrize(
    ("assertion", "grader", "value"),
    [
        ({"type": "equals", "value": "a"}, {"type": "exact", "normalise": "none"}, "a"),
        ({"type": "equals", "value": 3.10}, {"type": "exact", "normalise": "none"}, "3.1"),
        ({"type": "equals", "value": True}, {"type": "exact", "normalise": "none"}, "true"),
        (
            {"type": "equals", "value": {"a": 1}},
            {"type": "json_match", "extract": "strict", "normalise": "none"},
            {"a": 1},
        ),
        ({"type": "contains", "value": "x"}, {"type": "contains", "normalise": "none"}, "x"),
        ({"type": "icontains-any", "value": "a.b, c"}, {"type": "regex", "ignore_case": True}, r"a\.b|c"),
        ({"type": "contains-all", "value": ["a", 2]}, {"type": "regex"}, r"(?s)\A(?=.*a)(?=.*2)"),
        ({"type": "is-json"}, {"type": "json_schema", "extract": "strict"}, {}),
        (
            {"type": "contains-json", "value": {"type": "array"}},
            {"type": "json_schema", "extract": "anywhere"},
            {"type": "array"},
        ),
        (
            {"type": "is-json", "value": '{"type": "object"}'},
            {"type": "json_schema", "extract": "strict"},
            {"type": "object"},
        ),
        ({"type": "latency", "threshold": 500}, {"type": "latency", "metric": "latency", "most_ms": 500}, None),
        ({"type": "cost", "threshold": 0.002}, {"type": "cost", "metric": "cost", "most_usd": 0.002}, None),
        ({"type": "bleu", "value": "a b"}, {"type": "bleu", "threshold": 0.5}, "a b"),
        ({"type": "rouge-n", "value": "a", "threshold": 0.6}, {"type": "rouge_l", "threshold": 0.6}, "a"),
        ({"type": "levenshtein", "value": "a"}, {"type": "edit_distance", "normalise": "none"}, "a"),
        ({"type": "not-is-refusal"}, {"type": "refusal"}, False),
        ({"type": "not-contains", "value": "a.b"}, {"type": "forbidden", "ignore_case": False}, r"a\.b"),
        (
            {"type": "contains", "value": "x", "weight": 2, "metric": "My metric!"},
            {"type": "contains", "normalise": "none", "weight": 2, "metric": "My_metric"},
            "x",
        ),
    ],
)
def test_an_assertion_that_has_an_equivalent(assertion: dict[str, Any], grader: dict[str, Any], value: Any) -> None:
    asked = made(**assertion)
    assert isinstance(asked, Asked)
    assert (dict(asked.grader), asked.value) == (grader, value)


@pytest.mark.parametrize(
    "assertion",
    [
        {"type": "javascript", "value": "output.length"},
        {"type": "python", "value": "len(output)"},
        {"type": "llm-rubric", "value": "polite"},
        {"type": "similar", "value": "x"},
        {"type": "not-is-json"},
        {"type": "not-latency", "threshold": 5},
        {"type": "contains", "value": "x", "transform": "output.trim()"},
        {"type": "contains", "value": "x", "weight": 0},
        {"type": "contains", "value": "x", "weight": "heavy"},
        {"type": "contains", "value": "x", "metric": "{{ m }}"},
        {"type": "contains", "value": ""},
        {"type": "contains", "value": ["x"]},
        {"type": "contains"},
        {"type": "contains-any", "value": ["a", ""]},
        {"type": "contains-any", "value": {"a": 1}},
        {"type": "regex", "value": "(?<n>a"},
        {"type": "is-json", "value": "{not json"},
        {"type": "is-json", "value": [1]},
        {"type": "latency"},
        {"type": "cost", "threshold": -1},
        {"type": "bleu", "value": "x", "threshold": 7},
        {"type": "assert-set", "assert": []},
        {"type": "anything-new", "value": 1},
        {},
    ],
    ids=json.dumps,
)
def test_an_assertion_that_has_none_is_kept_as_it_stands(assertion: dict[str, Any]) -> None:
    unsaid = made(**assertion)
    assert isinstance(unsaid, Unsaid)
    assert json.loads(unsaid.what) == assertion
    assert unsaid.why


@pytest.mark.parametrize("kind", ["levenshtein", "rouge-n", "bleu"])
def test_where_the_scale_is_another_one_it_is_told(kind: str) -> None:
    asked = made(type=kind, value="x")
    assert isinstance(asked, Asked)
    assert asked.differs


WORDS = st.text("aAbB.*\\ \n(é", min_size=1, max_size=4)
ANSWERS = st.text("aAbB.*\\ \n(é", min_size=1, max_size=12)
SAYS = {  # what promptfoo passes, in a line each
    "equals": lambda answer, word: answer == word,
    "contains": lambda answer, word: word in answer,
    "icontains": lambda answer, word: word.lower() in answer.lower(),
    "starts-with": lambda answer, word: answer.startswith(word),
}


@given(kind=st.sampled_from(sorted(SAYS)), negated=st.booleans(), word=WORDS, answer=ANSWERS)
def test_both_say_the_same_of_a_text(kind: str, negated: bool, word: str, answer: str) -> None:
    asked = made(type=f"not-{kind}" if negated else kind, value=word)
    assert isinstance(asked, Asked)
    assert score(asked, answer) == float(SAYS[kind](answer, word) != negated)


@given(every=st.booleans(), ignore=st.booleans(), words=st.lists(WORDS, min_size=1, max_size=3), answer=ANSWERS)
def test_both_say_the_same_of_a_list(every: bool, ignore: bool, words: list[str], answer: str) -> None:
    asked = made(type=f"{'i' if ignore else ''}contains-{'all' if every else 'any'}", value=words)
    assert isinstance(asked, Asked)
    searched, wanted = (answer.lower(), [word.lower() for word in words]) if ignore else (answer, words)
    assert score(asked, answer) == float((all if every else any)(word in searched for word in wanted))


def test_a_rubric_needs_a_judge() -> None:
    rubric = {"type": "llm-rubric", "value": "is polite", "provider": "openai:gpt-4"}
    asked = translated(rubric, lambda value: value, "the-judge")
    assert isinstance(asked, Asked)
    assert asked.grader == {"type": "judge", "judge": "the-judge"}
    assert (asked.key, asked.value) == ("rubric", "is polite")
    assert isinstance(translated(rubric, lambda value: value), Unsaid)
    assert isinstance(translated({**rubric, "rubricPrompt": "x"}, lambda value: value, "the-judge"), Unsaid)
