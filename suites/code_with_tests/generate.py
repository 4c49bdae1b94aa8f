"""Small Python functions with tests that the model does not see: well-known ones, and compositions of three parts.

The expected values are those of the solution, which stands beside the tests and is run here to find them.
"""

from __future__ import annotations

import ast
import inspect
import random
import re
from collections.abc import Iterator
from typing import Any

from classics import MODULES
from pipelines import NUMBERS, RECORDS, WORDS, Kind, composed, inputs

COUNTS = ((NUMBERS, 95, "numbers"), (WORDS, 95, "words"), (RECORDS, 45, "records"))
FRAMES = (
    "Write a function `{name}({argument})`. It gets {about}. From these, {said}.",
    "`{name}({argument})` takes {about}. Out of them, {said}. Write it.",
    "I have {about} and need a function `{name}({argument})` for it: {said}.",
    "Given {about} called `{argument}`, {said}. The function is to be called `{name}`.",
    "Please implement `{name}({argument})`, where `{argument}` is {about}. What it does: {said}.",
)


def cases() -> Iterator[dict[str, Any]]:
    rng = random.Random("20250101-code_with_tests")
    rows = list(_classics())
    for kind, count, topic in COUNTS:
        rows += _compositions(rng, kind, count, topic)
    yield from rng.sample(rows, len(rows))


def _classics() -> Iterator[dict[str, Any]]:
    for name, function in (each for module in MODULES for each in inspect.getmembers(module, inspect.isfunction)):
        source = inspect.getsource(function)
        documented = ast.get_docstring(ast.parse(source).body[0])
        assert documented is not None
        calls = re.findall(r"^>>> (.*)$", documented, re.MULTILINE)
        described = " ".join(documented[: documented.index(">>>")].split())
        signature = f"{name}{inspect.signature(function)}"
        values = [repr(eval(call, {name: function})) for call in calls]
        shown = f"`{calls[0]}` gives `{values[0]}`"
        yield _row(
            f"Write a Python function `{signature}`. {described}\nFor example, {shown}.",
            [f"assert {call} == {value}" for call, value in zip(calls, values, strict=True)],
            re.sub(r'\n    """.*?"""', "", source, count=1, flags=re.DOTALL),
            "classic",
        )


def _compositions(rng: random.Random, kind: Kind, count: int, topic: str) -> Iterator[dict[str, Any]]:
    triples = [(s, c, f) for s in kind.select for c in kind.change for f in kind.finish]
    made = 0
    for select, change, finish in rng.sample(triples, len(triples)):
        name, task, code = composed(kind, select, change, finish, FRAMES[made % len(FRAMES)])
        scope: dict[str, Any] = {}
        exec(code, scope)
        called = inputs(kind, rng)
        values = [repr(scope[name](each)) for each in called]
        if len(set(values)) < 4:  # says too little about whether the parts were understood
            continue
        tests = [f"assert {name}({each!r}) == {value}" for each, value in zip(called, values, strict=True)]
        yield _row(task, tests, code, topic)
        made += 1
        if made == count:
            return
    msg = f"only {made} of {count} functions on {topic}"
    raise ValueError(msg)


def _row(task: str, tests: list[str], code: str, topic: str) -> dict[str, Any]:
    target = {"tests": "\n".join(tests), "solution": code}
    return {"input": task, "target": target, "metadata": {"topic": topic, "lines": code.count("\n")}}
