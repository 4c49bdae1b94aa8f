"""A function of one's own: loaded when it is asked for twice, and its errors are no zeros."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evalgate.errors import GraderError, InputError
from evalgate.exchange import Answer
from evalgate.graders import Grading, bind
from evalgate.graders.user_code import ALLOW
from evalgate.suite import Suite, load_suite
from tests.conftest import pointed_at, suite_file

CODE = """
def half(text, expected, least=1):
    return 0.5 if len(text) >= least else 0

def whole(text, expected, *, seen):
    return seen.answer.text == text and seen.case.target == expected

def fails(text, expected):
    return {}["total"]

def two(text, expected):
    return 2.0

def nothing(text, expected):
    return float("nan")

def word(text, expected):
    return "yes"

async def later(text, expected):
    return 1.0

def alone(text):
    return 1.0

NUMBER = 5
"""


@pytest.fixture(autouse=True)
def _allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ALLOW, "1")


def suite(folder: Path, function: str, **more: object) -> Suite:
    (folder / "own.py").write_text(CODE)
    return load_suite(suite_file(folder, assert_=[{"type": "python", "function": function, **more}]))


def score(folder: Path, function: str, text: str = "abc", **more: object) -> float:
    loaded = suite(folder, function, **more)
    return bind(loaded).grade(Answer(text, "stop"), loaded.cases[0])["score"]


def test_a_function_beside_the_suite_scores(tmp_path: Path) -> None:
    assert score(tmp_path, "own:half") == 0.5
    assert score(tmp_path, "own:half", arguments={"least": 4}) == 0.0
    assert score(tmp_path, "own:half", threshold=0.5) == 1.0
    assert score(tmp_path, "own:half", text="") == 0.0


def test_a_function_may_ask_for_the_answer_and_the_case(tmp_path: Path) -> None:
    assert score(tmp_path, "own:whole") == 1.0


@pytest.mark.parametrize(
    ("function", "told"),
    [
        ("fails", "KeyError: 'total' [own.py:9]"),
        ("two", "ValueError: own:two returned '2.0'; expected a number in 0 to 1"),
        ("nothing", "own:nothing returned 'nan'"),
        ("word", "own:word returned 'yes'"),
    ],
)
def test_what_it_raises_ends_the_run_with_suite_case_and_grader(tmp_path: Path, function: str, told: str) -> None:
    with pytest.raises(GraderError) as caught:
        score(tmp_path, f"own:{function}")
    assert told in str(caught.value)
    message = str(caught.value)
    assert re.match(r".*suite.yaml:1:\d+ assert.0: grader 'python' failed on the answer to case 'c\d' \(", message)
    assert pointed_at(message, tmp_path).startswith(f'{{"type": "python", "function": "own:{function}"}}')
    assert pointed_at(message[message.index("(") :], tmp_path).startswith('{"id": "c')


@pytest.mark.parametrize(
    ("function", "told"),
    [
        ("own.half", "expected module:function, got 'own.half'"),
        ("../own:half", "expected module:function"),
        ("own:NUMBER", "has no function 'NUMBER'"),
        ("own:missing", "has no function 'missing'"),
        ("other:half", "cannot read"),
        ("own:later", "is asynchronous"),
        ("own:alone", "cannot be called as function(text, expected, **arguments)"),
    ],
)
def test_what_cannot_be_called_is_refused_before_anything_is_asked(tmp_path: Path, function: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        bind(suite(tmp_path, function))
    assert told in str(caught.value)
    assert re.match(r".*suite.yaml:1:\d+ assert.0.function: ", str(caught.value))
    assert pointed_at(str(caught.value), tmp_path).startswith(f'"function": "{function}"')


@pytest.mark.parametrize("code", ["import nowhere", "def half(", "raise RuntimeError('x')"])
def test_a_file_that_cannot_be_loaded_is_refused(tmp_path: Path, code: str) -> None:
    loaded = suite(tmp_path, "own:half")
    (tmp_path / "own.py").write_text(code)
    with pytest.raises(InputError, match=r"own\.py cannot be loaded: \w+Error"):
        bind(loaded)


def test_nothing_runs_unless_the_environment_allows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = suite(tmp_path, "own:half")
    (tmp_path / "own.py").write_text("from pathlib import Path\nPath(__file__).with_name('ran').touch()\n")
    for value in ("", "0", "true"):
        monkeypatch.setenv(ALLOW, value)
        with pytest.raises(InputError, match=f"if you trust it, set {ALLOW}=1"):
            bind(loaded)
    assert not (tmp_path / "ran").exists()


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "outside.py").write_text(CODE)
    loaded = suite(inside, "linked:half")
    (inside / "linked.py").symlink_to(tmp_path / "outside.py")
    with pytest.raises(InputError, match="lies outside the suite's folder"):
        bind(loaded)


def test_the_hash_changes_with_the_code(tmp_path: Path) -> None:
    loaded = suite(tmp_path, "own:half")
    before: Grading = bind(loaded)
    (tmp_path / "own.py").write_text(CODE.replace("0.5", "0.6"))
    after = bind(loaded)
    assert before.hash != after.hash
    assert before.rules != after.rules
    assert after.grade(Answer("abc", "stop"), loaded.cases[0]) == {"score": 0.6}
