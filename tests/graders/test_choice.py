"""Letters and labels: one that is clearly meant counts, and what could be two is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.graders import registry
from evalgate.graders.choice import chosen, classification, label_of, multiple_choice

LETTERS = "ABCDEFGHIJ"


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("(b)", "B"),
        ("**B.**", "B"),
        ("[B]", "B"),
        ("I", "I"),
        ("The answer is B.", "B"),
        ("The answer is B Paris", "B"),
        ("The answer is (C) Paris", "C"),
        ("Answer:\n\nC", "C"),
        ("answer: c", "C"),
        ("The correct answer is:\n\n**B) 42**", "B"),
        ("The final answer is $\\boxed{D}$. I hope it is correct.", "D"),
        ("$\\boxed{\\text{C}}$", "C"),
        ("<answer>E</answer>", "E"),
        ("#### F", "F"),
        ("First, the answer is A. Wait, the answer is D", "D"),
        ("The answer is A because B is wrong", "A"),
        ("B) Paris", "B"),
        ("I would take option C", "C"),
    ],
)
def test_the_letter_that_is_meant_is_found(text: str, letter: str) -> None:
    assert chosen(text, LETTERS) == letter
    assert multiple_choice(text, letter) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "K",
        "AB",
        "A or B",
        "The answer is A or B",
        "The answer is A, B",
        "Both (A) and (B)",
        "(A) is wrong. (B) is right",
        "A) Paris\nB) Rome\nC) Oslo",
        "I think so",
        "A good way",
        "The answer is a city",
        "The answer is I think Rome",
        "The answer is not B",
        "The answer is ABC",
        "Paris",
    ],
)
def test_what_names_no_letter_or_several_is_no_answer(text: str) -> None:
    assert chosen(text, LETTERS) is None
    assert multiple_choice(text, "A") == multiple_choice(text, "B") == 0.0


@given(st.sampled_from(LETTERS), st.sampled_from(LETTERS), st.sampled_from(["{}", "({})", "**{}**", "Answer: {}"]))
def test_a_letter_scores_exactly_when_it_is_the_target(said: str, wanted: str, form: str) -> None:
    assert multiple_choice(form.format(said), wanted) == float(said == wanted)


@given(st.text(st.sampled_from("ABCIabci ()*.:$\\boxed{}answer is\n"), max_size=60))
def test_no_answer_scores_for_two_letters(text: str) -> None:
    assert sum(multiple_choice(text, letter) for letter in LETTERS) <= 1.0


def test_a_target_that_is_no_letter_is_refused() -> None:
    found = registry.find("multiple_choice")
    assert found.problem_with("B", {}) is None
    assert "expected one of the letters ABCD as target, got 'E'" in str(found.problem_with("E", {"letters": "ABCD"}))
    assert found.problem_with(2, {}) is not None
    assert found.problem_with("A or B", {}) is not None


SENTIMENT = {"positive": ["pos", "+"], "negative": ["neg"], "not clear": []}


@pytest.mark.parametrize(
    ("text", "whole", "anywhere"),
    [
        ("Positive.", "positive", "positive"),
        ("`pos`", "positive", "positive"),
        ("+", "positive", "positive"),
        ("The label is negative", None, "negative"),
        ("negative, and again: neg", None, "negative"),
        ("positive or negative", None, None),
        ("It is not negative", None, None),
        ("this isn't positive", None, None),
        ("That is not clear to me", None, "not clear"),
        ("positively", None, None),
        ("", None, None),
    ],
)
def test_a_label_is_the_whole_answer_or_the_only_one_in_it(text: str, whole: str | None, anywhere: str | None) -> None:
    assert label_of(text, SENTIMENT) == whole
    assert label_of(text, SENTIMENT, anywhere=True) == anywhere


@given(st.lists(st.sampled_from(["spam", "ham", "and", "not", "."]), max_size=6), st.booleans())
def test_an_answer_scores_for_one_label_at_most(words: list[str], anywhere: bool) -> None:
    labels = ["spam", "ham"]
    scores = [classification(" ".join(words), each, labels=labels, anywhere=anywhere) for each in labels]
    assert sum(scores) <= 1.0


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (["a"], "at least two labels"),
        (["a", "A."], "would be compared as one"),
        ({"a": ["x"], "b": ["X"]}, "would be compared as one"),
        (["a", "\u200b"], "nothing is left"),
    ],
)
def test_labels_that_cannot_be_told_apart_are_refused(labels: object, told: str, tmp_path: Path) -> None:
    prepare = registry.find("classification").prepare
    assert prepare is not None
    with pytest.raises(ValueError, match=told):
        prepare({"labels": labels}, tmp_path)


def test_a_target_that_is_no_label_is_refused() -> None:
    found = registry.find("classification")
    assert "expected one of the labels a, b" in str(found.problem_with("c", {"labels": ["a", "b"]}))
    assert found.problem_with("x", {"labels": {"a": ["x"], "b": []}}) is not None
