"""The grader for instructions that can be checked without a judge."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from evalgate.exchange import JsonValue
from evalgate.formats.canonical import canonical
from evalgate.formats.documents import did_you_mean
from evalgate.graders.instruction_checks import CHECKS, Check
from evalgate.graders.registry import grader

MAX_CHECKS = 100
MAX_CHECKED = 200_000  # characters


def _listed(expected: JsonValue) -> Iterator[tuple[str, Mapping[str, JsonValue]]]:
    """Name and arguments of each check; raises `ValueError` for what is none."""
    if isinstance(expected, dict) and "instruction_id_list" in expected:  # as the data set of IFEval has it
        names, arguments = expected["instruction_id_list"], expected.get("kwargs")
        if not isinstance(names, list) or not isinstance(arguments, list) or len(names) != len(arguments):
            message = "expected as many 'kwargs' as there are in 'instruction_id_list' as target"
            raise ValueError(message)
        pairs = list(zip(names, arguments, strict=True))
    elif isinstance(expected, dict):
        pairs = list(expected.items())
    elif isinstance(expected, list):
        pairs = [pair for each in expected for pair in (each.items() if isinstance(each, dict) else [(each, None)])]
    else:
        message = "expected a list of checks as target, such as {'punctuation:no_comma': {}}"
        raise ValueError(message)
    if not 0 < len(pairs) <= MAX_CHECKS:
        message = f"expected 1 to {MAX_CHECKS} checks as target, got {len(pairs)}"
        raise ValueError(message)
    for name, given in pairs:
        if not isinstance(name, str) or name not in CHECKS:
            message = f"no check {name!r}{did_you_mean(str(name), set(CHECKS))}"
            raise ValueError(message)
        if given is not None and not isinstance(given, dict):
            message = f"{name}: expected a mapping of its arguments, got {given!r}"
            raise ValueError(message)
        # the data set has a column for each argument of every check, and leaves those of others empty
        yield name, {key: value for key, value in (given or {}).items() if value is not None}


@functools.cache
def _parameters(check: Check) -> Mapping[str, inspect.Parameter]:
    parameters = dict(inspect.signature(check, eval_str=True).parameters)
    del parameters["text"]
    return parameters


def _arguments(name: str, given: Mapping[str, JsonValue]) -> dict[str, object]:
    parameters, checked = _parameters(CHECKS[name]), {}
    for key, value in given.items():
        if key not in parameters:
            message = f"{name}: no argument {key!r}{did_you_mean(key, set(parameters))}"
            raise ValueError(message)
        try:
            checked[key] = TypeAdapter(parameters[key].annotation).validate_python(value)
        except ValidationError as failure:
            message = f"{name}: {key}: {failure.errors()[0]['msg']}, got {str(value)[:100]!r}"
            raise ValueError(message) from None
    missing = {key for key, each in parameters.items() if each.default is inspect.Parameter.empty} - set(checked)
    if missing:
        message = f"{name}: needs {' and '.join(map(repr, sorted(missing)))}"
        raise ValueError(message)
    return checked


@functools.lru_cache(maxsize=1024)
def _checks(expected: bytes) -> tuple[functools.partial[bool], ...]:
    import orjson

    listed = _listed(orjson.loads(expected))
    return tuple(functools.partial(CHECKS[name], **_arguments(name, given)) for name, given in listed)


def _usable(expected: JsonValue) -> str | None:
    if expected is None:
        return "there is no target (and no value in the assertion)"
    try:
        for name, given in _listed(expected):
            _arguments(name, given)
    except ValueError as failure:
        return str(failure)
    return None


@grader("instructions", expects=_usable, value_as="checks", role="guard")
def instructions(text: str, expected: JsonValue, *, counts: Literal["all", "share"] = "all") -> float:
    """1 when every instruction was followed, else 0; with `counts: share`, the share of those that were.

    The target (or `value`, or `checks`) lists checks with their arguments, by the names of IFEval:
    `[{"length_constraints:number_words": {num_words: 50, relation: at most}}, "punctuation:no_comma"]`, or as its data
    set has them (`{instruction_id_list: […], kwargs: […]}`). Answers are taken as they are, which is its strict
    reading. Of an answer of more than 200,000 characters no instruction counts as followed.

    Checks: {checks}.
    """
    if len(text) > MAX_CHECKED:
        return 0.0
    followed = [check(text) for check in _checks(canonical(expected))]
    return float(all(followed)) if counts == "all" else sum(followed) / len(followed)


instructions.__doc__ = str(instructions.__doc__).replace(
    "{checks}",
    "; ".join(
        f"`{name}`" + (f" ({', '.join(_parameters(each))})" if _parameters(each) else "")
        for name, each in CHECKS.items()
    ),
)
