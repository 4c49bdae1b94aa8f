"""Tests that assert the same kinds of things, as one suite: which value goes where, and what a case's input is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalgate.errors import InputError
from evalgate.exchange import JsonValue
from evalgate.formats.rewriting import plain
from evalgate.starting.draft import Draft, Unsaid
from evalgate.starting.nunjucks import filled, renamed
from evalgate.starting.promptfoo_assertions import Asked
from evalgate.starting.promptfoo_prompts import Asking
from evalgate.starting.promptfoo_tests import Test


@dataclass(slots=True)
class Group:
    """Tests with what each asserts, in the order in which it stands there."""

    tests: list[Test]
    asserted: list[Sequence[Asked | Unsaid]]

    def add(self, test: Test, asserted: Sequence[Asked | Unsaid]) -> None:
        """One more."""
        self.tests.append(test)
        self.asserted.append(asserted)

    def values(self, index: int) -> list[JsonValue]:
        """What the `index`-th assertion that could be translated holds each test's answer against."""
        return [[each for each in row if isinstance(each, Asked)][index].value for row in self.asserted]


def drafted(group: Group, asking: Asking, operation: str, path: Path) -> Draft:
    """The suite; raises `InputError` where a case could not be asked."""
    assertions, targets = _assertions(group)
    rows, told = _rows(group, asking, targets, path)
    whole = bool(rows) and not isinstance(rows[0]["input"], dict)
    if isinstance(asking.prompt, str):
        prompt: Any = renamed(asking.prompt, set(asking.names), asking.place, whole=whole)
    else:
        prompt = [
            {**message, "content": renamed(message["content"], set(asking.names), asking.place, whole=whole)}
            for message in asking.prompt
        ]
    about = f"From {path.name}."
    return Draft(operation, prompt, assertions, rows, asking.generation, about, told=(*asking.told, *told))


def _assertions(group: Group) -> tuple[list[Mapping[str, Any] | Unsaid], list[JsonValue] | None]:
    """The suite's assertions, and each case's target, where a value is another one for each."""
    made: list[Mapping[str, Any] | Unsaid] = []
    targets: list[JsonValue] | None = None
    seen: set[str] = set()
    index = 0
    for each in group.asserted[0]:
        if isinstance(each, Unsaid):
            made.append(each)
            seen.add(_kind(each))
            continue
        values = group.values(index)
        index += 1
        constant = all(repr(value) == repr(values[0]) for value in values)  # 1 is not true
        if each.value is None:
            made.append(each.grader)
        elif constant:
            made.append({**each.grader, each.key: values[0]})
        elif targets is None or targets == values:
            targets = values
            made.append(each.of_target)
        else:
            made.append(
                Unsaid.of(
                    {**each.grader, each.key: values[0]},
                    f"another value for each of {len(values)} cases, and a case has one target",
                )
            )
            continue
        if each.differs:
            made.append(Unsaid.of(each.grader["type"], each.differs, partly=True))
    for row in group.asserted[1:]:
        for each in row:
            if isinstance(each, Unsaid) and _kind(each) not in seen:
                seen.add(_kind(each))
                made.append(each)
    return made, targets


def _kind(unsaid: Unsaid) -> str:
    try:
        return str(json.loads(unsaid.what).get("type")) + unsaid.why
    except (ValueError, AttributeError):
        return unsaid.what + unsaid.why


def _rows(
    group: Group, asking: Asking, targets: Sequence[JsonValue] | None, path: Path
) -> tuple[list[dict[str, Any]], list[str]]:
    if not asking.names:
        raise InputError(f"{asking.place}: the prompt has no variable in it, so that every case would ask the same")
    names = sorted(asking.names)
    told: list[str] = []
    missing = sum(any(name not in test.vars for name in names) for test in group.tests)
    if missing == len(group.tests):
        never = [name for name in names if all(name not in test.vars for test in group.tests)]
        if never:
            raise InputError(f"{asking.place}: no test of {path} sets the variable {never[0]!r} that the prompt reads")
    if missing:
        told.append(
            f"{missing} tests of {path} do not set all of {', '.join(names)[:200]}: empty there, as in promptfoo"
        )
    inputs = [_input(test, names) for test in group.tests]
    whole = len(names) == 1 and all(isinstance(each[names[0]], str) and each[names[0]] for each in inputs)
    ids = _ids(group.tests)
    rows: list[dict[str, Any]] = []
    known: dict[str, int] = {}
    again = 0
    for index, (test, values) in enumerate(zip(group.tests, inputs, strict=True)):
        asked = json.dumps(values, sort_keys=True)
        if asked in known:
            again += 1
            continue
        known[asked] = index
        row: dict[str, Any] = {"id": ids[index], "input": values[names[0]] if whole else values}
        if targets is not None:
            row["target"] = plain(targets[index])
        rest = {key: value for key, value in test.vars.items() if key not in names and value != row.get("target")}
        about = {
            **plain_mapping(test.metadata),
            **rest,
            **({"description": test.description} if test.description else {}),
        }
        about.pop("id", None)
        about.pop("placeholder", None)
        rows.append(row | ({"metadata": about} if about else {}))
    if again:
        told.append(f"left out {again} tests of {path} that ask exactly what another one asks")
    return rows, told


def plain_mapping(value: Mapping[str, Any]) -> dict[str, Any]:
    """`value` as JSON has it."""
    return {key: plain(each) for key, each in value.items()}


def _input(test: Test, names: Sequence[str]) -> dict[str, Any]:
    """The variables that the prompt reads; one that has a template in it is filled, as promptfoo does."""
    values = {name: test.vars.get(name, "") for name in names}
    return {
        name: filled(value, test.vars, f"{test.place} vars.{name}") if isinstance(value, str) else value
        for name, value in values.items()
    }


def _ids(tests: Sequence[Test]) -> list[str]:
    """The tests' own ids where all have one of their own, else their numbers."""
    own = [test.metadata.get("id", test.vars.get("id")) for test in tests]
    if all(isinstance(each, str | int) and not isinstance(each, bool) and 0 < len(str(each)) <= 200 for each in own):
        said = [str(each) for each in own]
        if len(set(said)) == len(said):
            return said
    return [f"test-{number}" for number in range(1, len(tests) + 1)]
