"""The types of a JSON Schema as people say them, for references that are made of schemas."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_FROM = {"minimum": "from", "exclusiveMinimum": "above"}
_TO = {"maximum": "to", "exclusiveMaximum": "below"}
_SPOKEN = 10**12  # a limit beyond this is that of 64 bits, and nobody's concern
_KINDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}


def in_words(schema: Mapping[str, Any], *, cell: bool = False, named: Mapping[str, str] | None = None) -> str:
    """A type with its bounds; in a `cell` of a table, with words of code marked as such.

    `named` says what stands for a definition, by its name; one that is not there can be anything.
    """

    def words(inner: Mapping[str, Any]) -> str:
        return in_words(inner, cell=cell, named=named)

    kind = schema.get("type")
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return ", ".join(f"`{value}`" if cell else str(value) for value in values)
    if "$ref" in schema:
        return (named or {}).get(schema["$ref"].rpartition("/")[2], "anything")
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(words(member) for member in schema["anyOf"] if member != {"type": "null"}))
    if kind == "array":
        return f"list of {words(schema.get('items', {}))}{_length(schema)}"
    return "mapping" if kind == "object" else f"{_KINDS.get(str(kind), 'anything')}{_bounds(schema)}"


def _length(schema: Mapping[str, Any]) -> str:
    named = (("at least", schema.get("minItems")), ("at most", schema.get("maxItems")))
    told = ", ".join(f"{word} {count:,}" for word, count in named if count)
    return f" ({told})" if told else ""


def _bounds(schema: Mapping[str, Any]) -> str:
    if schema.get("type") == "string":
        return f" of at most {schema['maxLength']:,} characters" if "maxLength" in schema else ""
    low = next((f" {word} {_number(schema[key])}" for key, word in _FROM.items() if _is_spoken(schema.get(key))), "")
    high = next((f" {word} {_number(schema[key])}" for key, word in _TO.items() if _is_spoken(schema.get(key))), "")
    return f"{low},{high}" if low.startswith(" above") and high else low + high


def _is_spoken(limit: float | None) -> bool:
    return limit is not None and abs(limit) < _SPOKEN


def _number(value: float) -> str:
    return f"{Decimal(str(value)):,f}"
