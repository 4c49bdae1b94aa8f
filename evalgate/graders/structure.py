"""Graders for answers that should be JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

import orjson

from evalgate.exchange import JsonValue, as_text
from evalgate.graders.expectations import an_object
from evalgate.graders.normalise import Normalisation, normalised
from evalgate.graders.registry import Text, grader

MAX_JSON = 1_000_000  # characters
_FENCE = re.compile(r"^```[a-zA-Z]{0,10}[ \t]*\r?\n(.*)\n?```$", re.DOTALL)
_MISSING = object()


def parse_json(text: str) -> JsonValue | object:
    """The JSON value that `text` is, alone or in one Markdown code fence; `_MISSING` when it is none."""
    stripped = text[:MAX_JSON].strip()
    if fenced := _FENCE.match(stripped):
        stripped = fenced.group(1)
    try:
        value: JsonValue = orjson.loads(stripped)
    except orjson.JSONDecodeError:
        return _MISSING
    return value


def _a_schema(expected: JsonValue) -> str | None:
    from evalgate.graders.schema import problem_with

    return problem_with(expected)


@grader("json_schema", expects=_a_schema)
def json_schema(text: str, expected: JsonValue) -> float:
    """0 when the answer is not JSON, 0.5 when it is but does not fit the schema, 1 when it fits (draft 2020-12).

    What takes too long or too deep a search to be shown to fit, does not fit.
    """
    from evalgate.graders.schema import fits

    value = parse_json(text)
    if value is _MISSING:
        return 0.0
    return 1.0 if fits(value, expected) else 0.5  # type: ignore[arg-type]  # JSON, but for `_MISSING`


def _texts(
    expected: JsonValue, *, normalise: Normalisation = "default", ignore_case: bool | None = None
) -> Iterator[Text]:
    todo = [("", expected)]
    while todo:
        field, value = todo.pop()
        if isinstance(value, str):
            yield Text(field, value, normalised(value, normalise, ignore_case))
        elif isinstance(value, dict):
            todo += [(f"{field}.{key}".removeprefix("."), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            todo += [(f"{field}[]", inner) for inner in value]


@grader("json_fields", expects=an_object, texts=_texts)
def json_fields(
    text: str, expected: JsonValue, *, normalise: Normalisation = "default", ignore_case: bool | None = None
) -> float:
    """Share of the target's fields that the answer has right; 0 when it is not a JSON object.

    A nested object counts by its leaves. Texts are compared normalised as for `exact`, numbers by value and exactly
    (2 is 2.0, and true is not 1), lists in order. Fields that the target does not have are ignored; use `json_schema`
    to forbid them.
    """
    value = parse_json(text)
    if not isinstance(value, dict):
        return 0.0
    compared = partial(normalised, normalise=normalise, ignore_case=ignore_case)
    leaves = list(_leaves(expected, value, compared))
    return sum(leaves) / len(leaves)


_Compared = Callable[[str], str]


def _leaves(expected: JsonValue, actual: JsonValue | object, compared: _Compared) -> Iterator[bool]:
    if isinstance(expected, dict) and expected:
        inner = actual if isinstance(actual, dict) else {}
        for key, wanted in expected.items():
            yield from _leaves(wanted, inner.get(key, _MISSING), compared)
    else:
        yield _same(expected, actual, compared)


def _same(expected: JsonValue, actual: JsonValue | object, compared: _Compared) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, str) and isinstance(actual, str):
        return expected == actual or compared(expected) == compared(actual)
    if isinstance(expected, int | float | Decimal) and isinstance(actual, int | float | Decimal):
        return _value(expected) == _value(actual)
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(
            _same(one, other, compared) for one, other in zip(expected, actual, strict=True)
        )
    if isinstance(expected, dict) and expected and isinstance(actual, dict):
        return all(_leaves(expected, actual, compared))
    return expected == actual


def _value(number: float | Decimal) -> int | Decimal:
    """Exactly what is written: a float is its shortest text, for it stands for that."""
    return Decimal(as_text(number)) if isinstance(number, float) else number
