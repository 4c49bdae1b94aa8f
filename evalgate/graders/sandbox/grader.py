"""The grader that runs code: the answer is a program, and tests say whether it is right."""

from __future__ import annotations

import ast
import functools
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial as partial_of
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import Field

from evalgate.exchange import Answer, JsonValue
from evalgate.graders import ideal
from evalgate.graders.registry import Prepared, grader
from evalgate.graders.sandbox.isolation import ALLOW, Isolation, SandboxError, isolation, unsafe
from evalgate.graders.sandbox.packages import Package, folders
from evalgate.graders.sandbox.runner import MEGABYTE, Limits, run
from evalgate.graders.transform import extract_code, fenced

MAX_CODE = 200_000  # characters of an answer: more is no program that anybody asked for
MAX_CASES = 100  # inputs of one target
_KEYS = {"prefix", "tests", "cases", "solution"}
_HUMAN_EVAL = {"prompt", "test", "entry_point"}
_LIMITS = {"seconds", "memory_mb", "processes"}
# the answer is a module and not the main program, so that what it does `if __name__ == "__main__"` is not done
_WITH_TESTS = """\
import os, sys, types
module = types.ModuleType("answer")
sys.modules["answer"] = module
for name, source in {parts!r}:
    exec(compile(source, name, "exec"), module.__dict__)
os.write(1, b"\\n{passed}\\n")
"""


@dataclass(frozen=True, slots=True)
class Task:
    """A target: code that stands before the answer, and tests behind it, or inputs with the outputs they have.

    `solution` is an answer that is right, for `evalgate validate` alone: no answer is held against it.
    """

    prefix: str
    tests: str
    cases: tuple[tuple[str, str], ...]
    solution: str | None = None

    @classmethod
    def of(cls, expected: JsonValue) -> Task:
        """Raises `ValueError` where it is none. Whether the tests are Python is left to `_check`, which takes long."""
        if isinstance(expected, str):
            expected = {"tests": expected}
        if isinstance(expected, dict) and expected.keys() >= _HUMAN_EVAL:  # as HumanEval's data set has it
            called = f"{expected['test']}\ncheck({expected['entry_point']})"
            body = expected.get("canonical_solution")  # where that column is in the target, too
            solved = None if body is None else f"{expected['prompt']}{body}"
            expected = {"prefix": expected["prompt"], "tests": called, "solution": solved}
        if not isinstance(expected, dict) or not expected.keys() <= _KEYS:
            raise ValueError("tests as a text, or an object with prefix, tests or cases, and solution")
        prefix, tests, cases = expected.get("prefix", ""), expected.get("tests", ""), expected.get("cases", [])
        if not isinstance(prefix, str) or not isinstance(tests, str) or not isinstance(cases, list):
            raise ValueError("prefix and tests as texts, and cases as a list")  # noqa: TRY004  # one kind for all
        if not isinstance(solution := expected.get("solution"), str | None):
            raise ValueError("a solution as a text")  # noqa: TRY004
        if bool(tests.strip()) == bool(cases):
            raise ValueError("either tests or cases")
        if len(cases) > MAX_CASES:
            raise ValueError(f"at most {MAX_CASES} cases")
        return cls(prefix, tests, tuple(map(_case, cases)), solution)


def _case(given: JsonValue) -> tuple[str, str]:
    if not isinstance(given, dict) or given.keys() != {"input", "output"}:
        raise ValueError("cases with input and output")
    asked, said = given["input"], given["output"]
    if not isinstance(asked, str) or not isinstance(said, str) or not said.strip():
        raise ValueError("an input and an output that is not empty as texts")
    return asked, said


def _check(tests: str) -> None:
    """Tests have to be Python, and to test something."""
    try:
        tree = ast.parse(tests)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as failure:
        raise ValueError(f"tests in Python ({failure})") from None
    if tests.strip() and not any(isinstance(node, ast.Assert | ast.Raise | ast.Call) for node in ast.walk(tree)):
        raise ValueError("tests that assert something")


def _a_task(expected: JsonValue) -> str | None:
    if expected is None:
        return "there is no target (and no value in the assertion)"
    try:
        _check(Task.of(expected).tests)
    except ValueError as failure:
        return f"expected {failure} as target, got {str(expected)[:60]!r}"
    return None


def _isolated(options: Mapping[str, object], folder: Path) -> Prepared:
    """Find out what there is to hold a program before anything is paid."""
    import os

    del folder
    if sys.platform != "linux":
        raise ValueError("type", "grader 'code' runs on Linux only: other systems have nothing to hold a program with")
    if options.get("isolation") == "none":
        if os.environ.get(ALLOW) != "1":
            message = f"would run what models write with all that you may do; if you mean it, set {ALLOW}=1"
            raise ValueError("isolation", message)
        return _prepared(unsafe(), options)
    try:
        return _prepared(isolation(), options)
    except SandboxError as failure:
        told = f"{failure}. Nothing is run without it (`isolation: none` with {ALLOW}=1 does, at your own risk)"
        raise ValueError("type", told) from None


def _prepared(held: Isolation, options: Mapping[str, object]) -> Prepared:
    packages = cast("tuple[Package, ...]", options.get("packages", ()))
    if packages:
        given = cast("dict[str, int]", {key: options[key] for key in _LIMITS & options.keys()})
        try:
            held = replace(held, packages=folders(packages))
            _imported(packages, held, _limits(**given))
        except (ValueError, SandboxError) as failure:
            raise ValueError("packages", str(failure)) from None
    return Prepared(partial_of(code, held=held), None, f"code of models runs in: {held}")


@functools.cache
def _imported(packages: tuple[Package, ...], held: Isolation, limits: Limits) -> None:
    """Import them once as answers will: where that fails, all answers would be equally wrong."""
    found = run(f"import {', '.join(packages)}", held, limits=limits)
    if found.ended != "done":
        said = found.stderr.strip().splitlines()[-1:] or [f"it ended ({found.ended}) and said nothing"]
        told = f"cannot be imported in the sandbox within its limits (memory_mb, seconds): {said[0][:300]}"
        raise ValueError(told)


def _limits(*, seconds: int = 10, memory_mb: int = 512, processes: int = 16) -> Limits:
    return Limits(seconds=seconds, memory=memory_mb * MEGABYTE, processes=processes)


def _solution(expected: JsonValue, *, extract: Literal["fence", "whole"] = "fence") -> Answer | None:
    solution = Task.of(expected).solution
    if solution is None:
        return None
    return ideal.a_text(solution if extract == "whole" else fenced(solution, "python"))


@grader("code", expects=_a_task, prepare=_isolated, slow=True, ideal=_solution, cpus=1.0)
def code(
    text: str,
    expected: JsonValue,
    held: Isolation | None = None,
    *,
    seconds: Annotated[int, Field(ge=1, le=300)] = 10,
    memory_mb: Annotated[int, Field(ge=64, le=65_536)] = 512,
    processes: Annotated[int, Field(ge=1, le=1024)] = 16,
    isolation: Literal["bubblewrap", "none"] = "bubblewrap",
    extract: Literal["fence", "whole"] = "fence",
    partial: bool = False,
    packages: tuple[Package, ...] = (),
) -> float:
    """1 when the answer is Python that passes the tests, run in a sandbox; else 0.

    The program is what the last code fence holds, or the whole answer without one (`extract: whole`: always). The
    target is tests (a text with `assert`s, run behind the answer in its namespace), or `{prefix, tests}` with code
    before it, or `{prefix, cases: [{input, output}]}`: then the program is run for each input and what it prints is
    compared, but for white space at the ends of lines; `partial` gives the share of cases. HumanEval's columns
    (`{prompt, test, entry_point}`) are taken as they are. A `solution` beside tests is what `evalgate validate` runs to
    see that they can be passed. Tests share a process with
    the answer, so that one which sets out to fool them can; nothing can fool `cases`.

    Each run has `seconds` of processor time, `memory_mb` for each of at most `processes`, 32 MB to write, 1 MB to say,
    the standard library, `packages` beside it (numpy) and nothing else: no network, no files, no environment.
    docs/graders-code.md says what holds it.
    """
    del isolation, packages
    task, program = Task.of(expected), extract_code(text) if extract == "fence" else text
    if len(program) > MAX_CODE or held is None:
        return 0.0
    limits = _limits(seconds=seconds, memory_mb=memory_mb, processes=processes)
    if task.tests:
        return float(_passes(task, program, held, limits))
    whole = f"{task.prefix}\n{program}" if task.prefix else program
    right = 0
    for asked, said in task.cases:
        found = run(whole, held, stdin=asked, limits=limits)
        passed = found.ended == "done" and _lines(found.stdout) == _lines(said)
        if not passed and not partial:
            return 0.0
        right += passed
    return right / len(task.cases)


def _passes(task: Task, program: str, held: Isolation, limits: Limits) -> bool:
    """Whether the tests came to their end; an answer that leaves before, with whatever exit code, does not pass."""
    passed = secrets.token_hex(16)
    parts = [("prefix.py", task.prefix), ("answer.py", program), ("tests.py", task.tests)]
    if task.prefix:
        parts = [("answer.py", f"{task.prefix}\n{program}"), ("tests.py", task.tests)]
    found = run(_WITH_TESTS.format(parts=parts, passed=passed), held, limits=limits)
    return found.ended == "done" and found.stdout.endswith(f"\n{passed}\n")


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]
