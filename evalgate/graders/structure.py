"""Graders for answers that should be JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

from evalgate.exchange import JsonValue, as_text
from evalgate.graders.expectations import an_object
from evalgate.graders.json_text import MISSING, DuplicateKeys, Extract, parse_json
from evalgate.graders.normalise import Normalisation, normalised
from evalgate.graders.registry import Text, grader


def _a_schema(expected: JsonValue, *, check_format: bool = True) -> str | None:
    from evalgate.graders.schema import problem_with

    return problem_with(expected, check_format=check_format)


@grader("json_schema", expects=_a_schema, value_as="schema")
def json_schema(
    text: str,
    expected: JsonValue,
    *,
    soft: bool = False,
    check_format: bool = True,
    extract: Extract = "fenced",
    duplicate_keys: DuplicateKeys = "last",
) -> float:
    """1 when the answer is JSON that fits the schema, else 0; with `soft`, 0.5 for JSON that does not fit.

    The draft is the one that the schema's `$schema` names, else 2020-12. `format` is held to, unless `check_format` is
    false. Where the JSON is, `extract` says, and `duplicate_keys` whether an object may have a key twice (`json_text`).
    What takes too long or too deep a search to be shown to fit, does not fit.
    """
    from evalgate.graders.schema import fits

    value = parse_json(text, extract=extract, duplicate_keys=duplicate_keys)
    if value is MISSING:
        return 0.0
    if fits(value, expected, check_format=check_format):
        return 1.0
    return 0.5 if soft else 0.0


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
    text: str,
    expected: JsonValue,
    *,
    normalise: Normalisation = "default",
    ignore_case: bool | None = None,
    extract: Extract = "fenced",
    duplicate_keys: DuplicateKeys = "last",
) -> float:
    """Share of the target's fields that the answer has right; 0 when it is not a JSON object.

    A nested object counts by its leaves. Texts are compared normalised as for `exact`, numbers by value and exactly
    (2 is 2.0, and true is not 1), lists in order. Fields that the target does not have are ignored; use `json_schema`
    to forbid them. `extract` and `duplicate_keys` as for `json_schema`.
    """
    value = parse_json(text, extract=extract, duplicate_keys=duplicate_keys)
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
            yield from _leaves(wanted, inner.get(key, MISSING), compared)
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
