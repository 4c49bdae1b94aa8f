"""JSON Schema (draft 2020-12) for answers that may be hostile: no download, and no search without an end.

A room of its own, because the library behind it takes longer to import than all graders together: only a suite with a
`json_schema` grader pays for it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Protocol

import jsonschema
import orjson
import regex as bounded_regex
from jsonschema import validators
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from evalgate.exchange import JsonValue
from evalgate.formats.canonical import canonical
from evalgate.graders.text import REGEX_SECONDS


def problem_with(schema: JsonValue) -> str | None:
    """Why `schema` is none, or none that can be used here; None when it can."""
    if not isinstance(schema, dict):
        return "expected a JSON schema (an object) as 'value'"
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as failure:
        return f"not a JSON schema: {failure.message}"
    try:
        _look_up(schema)
        _validator(canonical(schema)).is_valid(None)
    except (Unresolvable, ValueError, bounded_regex.error) as failure:
        return f"not a JSON schema that can be used here: {failure}"
    except RecursionError:
        return "not a JSON schema that can be used here: it refers to itself for ever"
    return None


def fits(value: JsonValue, schema: JsonValue) -> bool:
    """Whether `value` fits; what takes too long or too deep a search to be shown to fit, does not."""
    try:
        return _validator(canonical(schema)).is_valid(value)
    except (TimeoutError, RecursionError, Unresolvable):
        return False


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
