"""Graders for answers that should be JSON."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

import jsonschema
import orjson
import regex as bounded_regex
from jsonschema import validators
from referencing import Registry

from evalgate.canonical import canonical
from evalgate.exchange import JsonValue
from evalgate.graders.expectations import an_object
from evalgate.graders.registry import grader
from evalgate.graders.text import REGEX_SECONDS, normalised

MAX_JSON = 1_000_000  # characters
_FENCE = re.compile(r"^```[a-zA-Z]{0,10}[ \t]*\n(.*)\n?```$", re.DOTALL)
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


def _bounded_pattern(
    validator: object, pattern: str, instance: object, schema: object
) -> Iterator[jsonschema.ValidationError]:
    """`pattern`, with a bound on the time: a schema's regex meets hostile text."""
    del validator, schema
    if isinstance(instance, str):
        try:
            matched = bounded_regex.search(pattern, instance, timeout=REGEX_SECONDS)
        except TimeoutError:
            matched = None
        if matched is None:
            yield jsonschema.ValidationError(f"does not match {pattern!r}")


_Validator = validators.extend(jsonschema.Draft202012Validator, {"pattern": _bounded_pattern})


@functools.lru_cache(maxsize=256)
def _validator(schema: bytes) -> jsonschema.protocols.Validator:
    # an empty registry: a $ref to the network is an error, not a download
    validator: jsonschema.protocols.Validator = _Validator(orjson.loads(schema), registry=Registry())
    return validator


def _a_schema(expected: JsonValue) -> str | None:
    if not isinstance(expected, dict):
        return "expected a JSON schema (an object) as 'value'"
    try:
        jsonschema.Draft202012Validator.check_schema(expected)
    except jsonschema.SchemaError as failure:
        return f"not a JSON schema: {failure.message}"
    return None


@grader("json_schema", expects=_a_schema)
def json_schema(text: str, expected: JsonValue) -> float:
    """0 when the answer is not JSON, 0.5 when it is but does not fit the schema, 1 when it fits (draft 2020-12)."""
    value = parse_json(text)
    if value is _MISSING:
        return 0.0
    return 1.0 if _validator(canonical(expected)).is_valid(value) else 0.5


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
            yield from _leaves(wanted, inner.get(key, _MISSING))
    else:
        yield _same(expected, actual)


def _same(expected: JsonValue, actual: JsonValue | object) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, str) and isinstance(actual, str):
        return normalised(expected) == normalised(actual)
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(_same, expected, actual))
    return expected == actual
