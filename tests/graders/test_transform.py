"""What is taken out of an answer before it is graded; what is not found leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.exchange import Answer
from evalgate.graders import bind
from evalgate.graders.transform import Step, extract_code, first_line, json_repair, last_line, step_of
from evalgate.suite import load_suite
from evalgate.suite.models import Assertion
from tests.conftest import suite_file


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Here:\n```python\nx = 1\n```\nDone.", "x = 1\n"),
        ("```\na\n```\n```\nb\n```", "b\n"),
        ("```\na\n```\n```\n\n```", "a\n"),
        ("~~~~\n~~~\n~~~~", "~~~\n"),
        ("```python\ncut off", "cut off"),
        ("  ```\n  x\n  ```", "  x\n"),
        ("no fence", "no fence"),
        ("a ``` b", "a ``` b"),
        ("", ""),
    ],
)
def test_the_last_fence_that_holds_something_counts(text: str, code: str) -> None:
    assert extract_code(text) == code


def test_lines_that_are_blank_do_not_count() -> None:
    assert first_line("\n \n a \nb") == "a"
    assert last_line("a\n b \n \n") == "b"
    assert first_line("") == last_line("\n") == ""


@pytest.mark.parametrize(
    ("text", "mended"),
    [('{"a": 1,}', '{"a": 1}'), ("Here: {'a': 1}", '{"a": 1}'), ('{"a": [1, 2', '{"a": [1, 2]}'), ('"a"', '"a"')],
)
def test_json_is_mended(text: str, mended: str) -> None:
    assert json_repair(text) == mended


@pytest.mark.parametrize("text", ["", "no JSON at all", "[" * 101, "a" * 50_001, "{" * 1000])
def test_what_cannot_be_mended_stays(text: str) -> None:
    assert json_repair(text) == text


def step(transform: object) -> Step:
    return step_of(Assertion.model_validate({"type": "exact", "transform": transform}).transform[0])


def test_what_stands_behind_the_last_marker_is_taken() -> None:
    after = step({"after": "Label:"})
    assert after("Label: a\nLabel: b ") == "b"
    assert after("b") == ""


@pytest.mark.parametrize(
    ("pattern", "text", "taken"),
    [
        (r"\d+", "1 and 23", "23"),
        (r"= (\d+)", "= 1, = 2", "2"),
        (r"(a)|b", "a b", ""),
        (r"\d+", "none", ""),
        (r"(a|aa)+$", "a" * 60 + "!", ""),
    ],
)
def test_the_last_match_is_taken(pattern: str, text: str, taken: str) -> None:
    found = step({"regex": pattern})
    assert found(text) == taken


@given(st.text(max_size=60) | st.text(st.sampled_from("`~\n {}[]\"',:a1\\"), max_size=60))
def test_no_answer_breaks_a_transform(text: str) -> None:
    for name in ("extract_code", "first_line", "last_line", "json_repair"):
        taken = step(name)(text)
        assert isinstance(taken, str)
        if name != "json_repair":
            assert taken in text


def graded(folder: Path, text: str, **assertion: object) -> float:
    suite = load_suite(suite_file(folder, assert_=[{"type": "exact", "value": "ham", **assertion}]))
    return bind(suite).grade(Answer(text, "stop"), suite.cases[0])["score"]


def test_steps_are_taken_one_after_the_other(tmp_path: Path) -> None:
    text = "<think>spam</think>I say:\n```\nspam\nLabel: ham\n```"
    assert graded(tmp_path, text) == 0.0
    assert graded(tmp_path, text, transform=["extract_code", "last_line", {"after": "Label:"}]) == 1.0
    assert graded(tmp_path, text, transform=["last_line", "extract_code"]) == 0.0


def test_a_transform_that_leaves_nothing_scores_zero(tmp_path: Path) -> None:
    never = {"type": "forbidden", "value": "spam", "transform": {"after": "Label:"}}
    assert graded(tmp_path, "ham", **never) == 0.0
    assert graded(tmp_path, "Label: ham", **never) == 1.0


def test_broken_json_is_broken_unless_it_is_to_be_mended(tmp_path: Path) -> None:
    fields = {"type": "json_match", "value": {"a": 1}}
    assert graded(tmp_path, '{"a": 1,}', **fields) == 0.0
    assert graded(tmp_path, '{"a": 1,}', **fields, transform="json_repair") == 1.0


@pytest.mark.parametrize(
    ("transform", "told"),
    [
        ("extrct_code", "assert.0.transform"),
        ({"regex": "("}, "assert.0.transform: not a regular expression"),
        ({"regx": "a"}, "assert.0.transform"),
        ({"after": ""}, "assert.0.transform"),
        (["last_line"] * 11, "assert.0.transform"),
    ],
)
def test_a_transform_that_cannot_work_is_refused(tmp_path: Path, transform: object, told: str) -> None:
    with pytest.raises(InputError) as caught:
        graded(tmp_path, "", transform=transform)
    assert told in str(caught.value)


def test_a_suite_without_transforms_has_the_hash_of_before_there_were_any(tmp_path: Path) -> None:
    hashes = [
        load_suite(suite_file(tmp_path, assert_=[{"type": "exact", **more}])).hash
        for more in ({}, {"transform": []}, {"transform": "last_line"}, {"transform": ["last_line"]})
    ]
    assert hashes[0] == hashes[1] != hashes[2] == hashes[3]
