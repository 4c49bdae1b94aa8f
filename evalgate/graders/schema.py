"""JSON Schema for answers that may be hostile: no download, no search without an end, and no float where a decimal is.

The draft is the one that `$schema` names, from draft-04 on, and 2020-12 where it names none. What `jsonschema` itself
does in floats, without a bound or not at all is in `keywords`. Everything that a schema asks for and that cannot be
had here is refused when the suite is loaded: another draft, a format that nobody checks, a reference to elsewhere, a
pattern that is none of ECMA-262.

A room of its own, because the library behind it takes longer to import than all graders together: only a suite with a
`json_schema` grader pays for it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import attrs
import jsonschema
import regex as bounded_regex
from jsonschema import validators
from jsonschema.protocols import Validator
from jsonschema_specifications import REGISTRY as SPECIFICATIONS  # type: ignore[import-untyped]  # has no stubs
from referencing import Resource, Specification
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT4, DRAFT6, DRAFT7, DRAFT201909, DRAFT202012, UnknownDialect

from evalgate.exchange import JsonValue
from evalgate.formats.canonical import canonical
from evalgate.graders import keywords
from evalgate.graders.effort import bounded, check_pattern, step
from evalgate.graders.formats import FORMATS
from evalgate.graders.json_text import Json


@dataclass(frozen=True, slots=True)
class _Draft:
    uri: str  # without the scheme and the empty fragment, which people write in every way
    validator: type[Validator]
    specification: Specification[Any]


_DRAFTS = (
    _Draft("json-schema.org/draft/2020-12/schema", jsonschema.Draft202012Validator, DRAFT202012),
    _Draft("json-schema.org/draft/2019-09/schema", jsonschema.Draft201909Validator, DRAFT201909),
    _Draft("json-schema.org/draft-07/schema", jsonschema.Draft7Validator, DRAFT7),
    _Draft("json-schema.org/draft-06/schema", jsonschema.Draft6Validator, DRAFT6),
    _Draft("json-schema.org/draft-04/schema", jsonschema.Draft4Validator, DRAFT4),
)


def problem_with(schema: JsonValue, *, check_format: bool = True) -> str | None:
    """Why `schema` is none, or none that can be used here; None when it can."""
    if not isinstance(schema, dict):
        return "expected a JSON schema (an object) as 'value'"
    try:
        draft = _draft(schema)
        # no check of formats: it would read patterns as Python does, and `_look_up` reads them as ECMA-262 does
        draft.validator.check_schema(schema, format_checker=jsonschema.FormatChecker(()))  # type: ignore[call-arg]  # the stub lacks it
        _look_up(schema, draft, check_format=check_format)
        with bounded():
            _validator(canonical(schema), check_format).is_valid(None)
    except jsonschema.SchemaError as failure:
        return f"not a JSON schema at {failure.json_path}: {failure.message[:300]}"
    except (Unresolvable, UnknownDialect, ValueError, TypeError, bounded_regex.error) as failure:
        return f"not a JSON schema that can be used here: {failure}"
    except (RecursionError, TimeoutError):
        return "not a JSON schema that can be used here: it refers to itself for ever"
    return None


def fits(value: Json, schema: JsonValue, *, check_format: bool = True) -> bool:
    """Whether `value` fits; what takes too long or too deep a search to be shown to fit, does not."""
    validator = _validator(canonical(schema), check_format)
    try:
        with bounded():
            return validator.is_valid(value)  # type: ignore[arg-type]  # the stub knows no Decimal
    except (TimeoutError, RecursionError, MemoryError, Unresolvable):
        return False


def _draft(schema: Mapping[str, JsonValue]) -> _Draft:
    """The draft that `$schema` names; raises `ValueError` for one that is not known here."""
    named = schema.get("$schema")
    if named is None:
        return _DRAFTS[0]
    uri = str(named).removeprefix("http://").removeprefix("https://").removesuffix("#")
    for draft in _DRAFTS:
        if draft.uri == uri:
            return draft
    message = (
        f"$schema names {named!r}; expected one of {', '.join('http://' + draft.uri for draft in _DRAFTS)}, or none"
    )
    raise ValueError(message)


@functools.lru_cache(maxsize=256)
def _validator(schema: bytes, check_format: bool) -> Validator:
    exact = json.loads(schema, parse_float=Decimal)  # the shortest text of a float is what its author wrote
    # a registry of its own: a $ref to the network is an error, not a download
    validator: Validator = _class(_draft(exact), check_format)(exact, registry=SPECIFICATIONS)
    return validator


@functools.cache
def _class(draft: _Draft, check_format: bool) -> type[Validator]:
    own: dict[str, object] = {
        "additionalProperties": keywords.additional_properties,
        # 2019-09 replaced it, and would let those of a schema without `$schema` pass in silence
        "dependencies": jsonschema.Draft7Validator.VALIDATORS["dependencies"],
        "multipleOf": keywords.multiple_of,
        "pattern": keywords.pattern,
        "patternProperties": keywords.pattern_properties,
        "uniqueItems": keywords.unique_items,
    }
    if check_format:
        own["format"] = keywords.format_
    if draft.specification in (DRAFT201909, DRAFT202012):
        own["unevaluatedItems"] = keywords.unevaluated_items
        own["unevaluatedProperties"] = keywords.unevaluated_properties
    is_integer = keywords.is_written_as_integer if draft.specification is DRAFT4 else keywords.is_integer
    types = draft.validator.TYPE_CHECKER.redefine_many({"integer": is_integer, "number": keywords.is_number})
    extended: type[Validator] = validators.extend(draft.validator, own, type_checker=types)  # type: ignore[no-untyped-call]  # its stub has no annotations
    extended.evolve = _evolve  # type: ignore[method-assign]  # its own leaves this class where a schema says `$schema`
    return extended


def _evolve(self: Validator, **changes: object) -> Validator:
    step()
    evolved: Validator = attrs.evolve(self, **changes)  # type: ignore[misc]  # an attrs class, of which the stub is silent
    return evolved


def _look_up(schema: dict[str, JsonValue], draft: _Draft, *, check_format: bool) -> None:
    """Every reference, pattern and format of `schema`; raises whatever is wrong with the first that cannot be used."""
    root = draft.specification.create_resource(schema)
    todo: list[tuple[Any, Resource[Any]]] = [(SPECIFICATIONS.resolver_with_root(root), root)]
    seen: set[int] = set()
    while todo:
        resolver, resource = todo.pop()
        contents = resource.contents
        if not isinstance(contents, dict) or id(contents) in seen:
            continue
        seen.add(id(contents))
        if _draft({"$schema": str(draft.uri), **contents}) is not draft:
            message = f"a part of it has a $schema of its own, {contents['$schema']!r}; one draft holds for all"
            raise ValueError(message)
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            if isinstance(reference := contents.get(keyword), str):
                resolved = resolver.lookup(reference)
                todo.append((resolved.resolver, draft.specification.create_resource(resolved.contents)))
        for pattern in (contents.get("pattern"), *contents.get("patternProperties", {})):
            if isinstance(pattern, str):
                check_pattern(pattern)
        if check_format and isinstance(name := contents.get("format"), str) and name not in FORMATS:
            message = (
                f"format {name!r} cannot be checked; expected one of {', '.join(FORMATS)}, or 'check_format: false'"
            )
            raise ValueError(message)
        # which the specification of 2020-12 has forgotten
        dependent = map(draft.specification.create_resource, contents.get("dependencies", {}).values())
        todo.extend((resolver, inner) for inner in dependent)
        todo.extend((resolver.in_subresource(inner), inner) for inner in resource.subresources())
