"""The grader `code`, as a suite uses it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from evalgate.errors import GraderError, InputError
from evalgate.exchange import Answer, JsonValue
from evalgate.graders import Seen, bind, graded
from evalgate.graders.sandbox import Isolation, SandboxError, isolation
from evalgate.graders.sandbox.grader import Task
from evalgate.graders.sandbox.packages import folders
from evalgate.suite import Suite, load_suite
from tests.conftest import suite_file

ADD = "assert add(2, 3) == 5"
RIGHT = "def add(a, b):\n    return a + b"


def suite(folder: Path, *targets: JsonValue, **options: JsonValue) -> Suite:
    cases = [{"id": f"c{n}", "input": f"x{n}", "target": target} for n, target in enumerate(targets)]
    return load_suite(suite_file(folder, cases=cases, assert_=[{"type": "code", "seconds": 1, **options}]))


@pytest.fixture(scope="module", autouse=True)
def held() -> Isolation:
    try:
        return isolation()
    except SandboxError as failure:
        pytest.skip(str(failure))


def score(folder: Path, target: JsonValue, text: str, **options: JsonValue) -> float:
    loaded = suite(folder, target, **options)
    return bind(loaded).grade(Answer(text, "stop"), loaded.cases[0])["score"]


IO: JsonValue = {"cases": [{"input": "2 3\n", "output": "5"}, {"input": "1 1\n", "output": "2\n"}]}


@pytest.mark.parametrize(
    ("target", "text", "expected"),
    [
        (ADD, RIGHT, 1),
        (ADD, f"Here:\n```python\n{RIGHT}\n```\nIt adds.", 1),
        (ADD, "def add(a, b):\n    return a - b", 0),
        (ADD, f"{RIGHT}\nif __name__ == '__main__':\n    print(add(int(input()), 1))", 1),
        (ADD, f"from __future__ import annotations\n{RIGHT}", 1),
        (ADD, "import os\nos._exit(0)", 0),
        (ADD, "raise SystemExit", 0),
        (ADD, "I cannot do that.", 0),
        (ADD, 'x = """', 0),
        (ADD, "\0", 0),
        (ADD, "\ud800", 0),
        (ADD, "def add(a, b):\n    while True: pass", 0),
        (ADD, "(" * 50_000, 0),
        ({"prefix": "def add(a, b):", "tests": ADD}, "    return a + b", 1),
        (IO, "print(sum(map(int, input().split())))", 1),
        (IO, "print(5)", 0),
        (IO, "print(sum(map(int, input().split())))\nraise SystemExit(1)", 0),
    ],
)
def test_a_program_is_right_when_it_passes(tmp_path: Path, target: JsonValue, text: str, expected: int) -> None:
    assert score(tmp_path, target, text) == expected


def test_with_partial_the_share_of_cases_counts(tmp_path: Path) -> None:
    assert score(tmp_path, IO, "print(5)", partial=True) == 0.5


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (None, "there is no target"),
        (3, "expected tests as a text"),
        ("x = 1", "expected tests that assert something"),
        ("assert (", "expected tests in Python"),
        ({"test": "assert x"}, "expected tests as a text, or an object"),
        ({"tests": "assert x", "cases": [{"input": "", "output": "1"}]}, "expected either tests or cases"),
        ({"cases": []}, "expected either tests or cases"),
        ({"cases": [{"input": "", "output": " "}]}, "an output that is not empty"),
        ({"cases": [{"input": ""}]}, "expected cases with input and output"),
    ],
)
def test_a_target_that_tests_nothing_is_refused(tmp_path: Path, target: JsonValue, told: str) -> None:
    with pytest.raises(InputError) as caught:
        bind(suite(tmp_path, target))
    assert told in str(caught.value)


def test_code_runs_without_isolation_only_when_two_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVALGATE_ALLOW_UNSAFE_CODE", raising=False)
    with pytest.raises(InputError, match="if you mean it, set EVALGATE_ALLOW_UNSAFE_CODE=1"):
        score(tmp_path, ADD, RIGHT, isolation="none")
    monkeypatch.setenv("EVALGATE_ALLOW_UNSAFE_CODE", "1")
    assert score(tmp_path, ADD, RIGHT, isolation="none") == 1


CLOSE = "import numpy as np\nassert np.allclose(third(1), 0.333333333)"


@pytest.mark.parametrize("isolation", ["bubblewrap", "none"])
def test_tests_may_use_a_package_that_the_suite_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isolation: str
) -> None:
    monkeypatch.setenv("EVALGATE_ALLOW_UNSAFE_CODE", "1")
    options: dict[str, JsonValue] = {"packages": ["numpy"], "isolation": isolation}
    assert score(tmp_path, CLOSE, "third = lambda n: n / 3", **options) == 1
    assert score(tmp_path, CLOSE, "third = lambda n: n / 2", **options) == 0


def test_programs_that_print_may_use_a_package(tmp_path: Path) -> None:
    text = "from __future__ import annotations\nimport numpy\nprint(numpy.sum([int(n) for n in input().split()]))"
    assert score(tmp_path, IO, text, packages=["numpy"]) == 1
    assert score(tmp_path, IO, text) == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"packages": ["scipy"]}, "packages: 0: Input should be 'numpy', got \\['scipy'\\]"),
        ({"packages": "numpy"}, "packages: Input should be a valid tuple"),
        ({"packages": ["numpy"], "memory_mb": 64}, "cannot be imported in the sandbox within its limits .*memory"),
    ],
)
def test_packages_that_could_not_be_imported_are_refused(
    tmp_path: Path, options: dict[str, JsonValue], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        bind(suite(tmp_path, CLOSE, **options))


@pytest.mark.parametrize("stray", [None, "numpy.py", "numpy/x.py"])
def test_a_package_that_is_not_installed_is_refused_with_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stray: str | None
) -> None:
    if stray is not None:  # neither a module nor a folder without __init__ is the package
        (tmp_path / stray).parent.mkdir(exist_ok=True)
        (tmp_path / stray).write_text("")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "numpy", raising=False)
    with pytest.raises(ValueError, match="numpy is not installed where evalgate runs: pip install numpy"):
        folders(["numpy"])


def test_what_is_bound_is_part_of_what_graded(tmp_path: Path) -> None:
    assert bind(suite(tmp_path, ADD)).rules != bind(suite(tmp_path, ADD, packages=["numpy"])).rules


def test_the_solution_of_a_row_of_human_eval_stands_behind_its_prompt(tmp_path: Path) -> None:
    row: JsonValue = {
        "prompt": "def add(a, b):\n",
        "test": "def check(candidate):\n    assert candidate(2, 3) == 5\n",
        "entry_point": "add",
        "canonical_solution": "    return a + b\n",
    }
    assert Task.of(row).solution == "def add(a, b):\n    return a + b\n"


def test_a_megabyte_of_tests_is_held_against_an_answer(tmp_path: Path) -> None:
    many = f"import numpy\nfor n in {list(range(150_000))}:\n    assert add(n, 1) == n + 1"
    assert len(many) > 1_000_000
    assert score(tmp_path, many, RIGHT, packages=["numpy"], seconds=30, memory_mb=1024) == 1


def test_a_system_without_isolation_is_refused_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolation.cache_clear()
    monkeypatch.setattr(sys.modules[isolation.__module__], "_bubblewrap", lambda: "/bin/false")
    with pytest.raises(InputError, match="bubblewrap cannot isolate anything on this system"):
        bind(suite(tmp_path, ADD))
    isolation.cache_clear()


def test_a_sandbox_that_breaks_is_an_error_of_the_run_and_no_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = suite(tmp_path, ADD)
    grading = bind(loaded)
    monkeypatch.setattr("evalgate.graders.sandbox.runner.interpreter", lambda: "/nowhere/python")
    with pytest.raises(GraderError, match="grader 'code' failed on the answer to case 'c0'"):
        grading.grade(Answer(RIGHT, "stop"), loaded.cases[0])


def test_many_answers_are_graded_at_once_and_in_order(tmp_path: Path) -> None:
    loaded = suite(tmp_path, *(f"assert f() == {n}" for n in range(6)))
    grading = bind(loaded)
    assert grading.slow
    seen = [Seen(Answer(f"f = lambda: {case.id[1:]}", "stop"), case) for case in loaded.cases]
    seen[3] = Seen(Answer("f = lambda: -1", "stop"), seen[3].case)
    scores = asyncio.run(graded(grading, seen))
    assert [each["score"] for each in scores] == [1, 1, 1, 0, 1, 1]
