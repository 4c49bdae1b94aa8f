"""Graders for answers that should be JSON."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from evalgate.exchange import JsonValue
from evalgate.graders.expectations import an_object
from evalgate.graders.json_text import MISSING, DuplicateKeys, Extract, parse_json
from evalgate.graders.registry import grader
from evalgate.graders.text import normalised


def _a_schema(expected: JsonValue, *, check_format: bool = True) -> str | None:
    from evalgate.graders.schema import problem_with

    return problem_with(expected, check_format=check_format)


@grader("json_schema", expects=_a_schema)
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


@grader("json_fields", expects=an_object)
def json_fields(text: str, expected: JsonValue) -> float:
    """Share of the target's fields that the answer has right; 0 when it is not a JSON object.

    A nested object counts by its leaves. Texts are compared normalised, numbers by value (2 is 2.0), lists in order.
    Fields that the target does not have are ignored; use `json_schema` to forbid them.
    """
    value = parse_json(text)
    if not isinstance(value, dict):
        return 0.0
    leaves = list(_leaves(expected, value))
    return sum(leaves) / len(leaves)


def _leaves(expected: JsonValue, actual: JsonValue | object) -> Iterator[bool]:
    if isinstance(expected, dict) and expected:
        inner = actual if isinstance(actual, dict) else {}
        for key, wanted in expected.items():
            yield from _leaves(wanted, inner.get(key, MISSING))
    else:
        yield _same(expected, actual)


def _same(expected: JsonValue, actual: JsonValue | object) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, str) and isinstance(actual, str):
        return normalised(expected) == normalised(actual)
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(_same, expected, actual))
    if isinstance(expected, dict) and expected and isinstance(actual, dict):
        return all(_leaves(expected, actual))
    return (Decimal(repr(expected)) if isinstance(expected, float) else expected) == actual
