"""Graders for answers that should be JSON."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Protocol

import jsonschema
import orjson
import regex as bounded_regex
from jsonschema import validators
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from evalgate.canonical import canonical
from evalgate.exchange import JsonValue
from evalgate.graders.expectations import an_object
from evalgate.graders.registry import grader
from evalgate.graders.text import REGEX_SECONDS, normalised

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


class _Validates(Protocol):
    def descend(
        self, instance: object, schema: object, path: str | None = None, schema_path: str | None = None
    ) -> Iterator[jsonschema.ValidationError]: ...


_Errors = Iterator[jsonschema.ValidationError]


def _found(pattern: str, text: str) -> bool:
    """Raises `TimeoutError`: a schema's pattern meets hostile text, and so do its patterns for names."""
    return bounded_regex.search(pattern, text, timeout=REGEX_SECONDS) is not None


def _pattern(_: _Validates, pattern: str, instance: object, schema: object) -> _Errors:
    del schema
    if isinstance(instance, str) and not _found(pattern, instance):
        yield jsonschema.ValidationError(f"does not match {pattern!r}")


def _pattern_properties(
    validator: _Validates, patterns: Mapping[str, object], instance: object, schema: object
) -> _Errors:
    del schema
    if isinstance(instance, dict):
        for pattern, inner in patterns.items():
            for name, value in instance.items():
                if _found(pattern, name):
                    yield from validator.descend(value, inner, path=name, schema_path=pattern)


def _additional_properties(
    validator: _Validates, inner: object, instance: object, schema: Mapping[str, Mapping[str, object]]
) -> _Errors:
    if isinstance(instance, dict):
        named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        for name, value in instance.items():
            if name not in named and not any(_found(pattern, name) for pattern in patterns):
                yield from validator.descend(value, inner, path=name)


_Validator = validators.extend(  # type: ignore[no-untyped-call]  # its stub has no annotations
    jsonschema.Draft202012Validator,
    {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    },
)


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
    try:
        _look_up(expected)
        _validator(canonical(expected)).is_valid(None)
    except (Unresolvable, ValueError, bounded_regex.error) as failure:
        return f"not a JSON schema that can be used here: {failure}"
    except RecursionError:
        return "not a JSON schema that can be used here: it refers to itself for ever"
    return None


def _look_up(schema: dict[str, JsonValue]) -> None:
    """Every reference and pattern of `schema`; raises whatever is wrong with the first that cannot be used."""
    root = DRAFT202012.create_resource(schema)
    todo = [(Registry().resolver_with_root(root), root)]
    while todo:
        resolver, resource = todo.pop()
        contents = resource.contents
        if isinstance(contents, dict):
            for reference in (contents.get("$ref"), contents.get("$dynamicRef")):
                if reference is not None:
                    resolver.lookup(reference)
            for pattern in (contents.get("pattern"), *contents.get("patternProperties", {})):
                if pattern is not None:
                    bounded_regex.compile(pattern)
        todo.extend((resolver.in_subresource(inner), inner) for inner in resource.subresources())


@grader("json_schema", expects=_a_schema)
def json_schema(text: str, expected: JsonValue) -> float:
    """0 when the answer is not JSON, 0.5 when it is but does not fit the schema, 1 when it fits (draft 2020-12).

    What takes too long or too deep a search to be shown to fit, does not fit.
    """
    value = parse_json(text)
    if value is _MISSING:
        return 0.0
    try:
        fits = _validator(canonical(expected)).is_valid(value)  # type: ignore[arg-type]  # JSON, but for `_MISSING`
    except (TimeoutError, RecursionError, Unresolvable):
        fits = False
    return 1.0 if fits else 0.5


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
    if isinstance(expected, dict) and expected and isinstance(actual, dict):
        return all(_leaves(expected, actual))
    return expected == actual
