"""Keywords of JSON Schema that the library behind `schema` does in floats, without a bound, or not at all."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any, Protocol

import jsonschema
from referencing.jsonschema import lookup_recursive_ref

from evalgate.graders.effort import found
from evalgate.graders.formats import has_format
from evalgate.graders.json_text import MAX_JSON

Schema = Mapping[str, Any]
Errors = Iterator[jsonschema.ValidationError]


class Validates(Protocol):
    """What a keyword sees of the validator."""

    VALIDATORS: Mapping[str, object]
    _resolver: Any

    def descend(
        self, instance: object, schema: object, path: object = None, schema_path: object = None
    ) -> Iterator[jsonschema.ValidationError]:
        """The errors of a part of the answer under a part of the schema."""
        ...

    def evolve(self, **changes: object) -> Validates:
        """The same validator with another schema."""
        ...


def _error(message: str) -> jsonschema.ValidationError:
    return jsonschema.ValidationError(message)


# ----------------------------------------------------------------------------------------------------------- numbers

_EXACT = Context(prec=MAX_JSON + 1, Emax=MAX_EMAX, Emin=MIN_EMIN)


def is_number(_: object, instance: object) -> bool:
    """`type: number`."""
    return isinstance(instance, int | float | Decimal) and not isinstance(instance, bool)


def is_integer(_: object, instance: object) -> bool:
    """`type: integer` from draft-06 on: a number without a fraction, however it is written."""
    if isinstance(instance, Decimal):
        return instance == instance.to_integral_value(context=_EXACT)
    return isinstance(instance, int) and not isinstance(instance, bool)


def is_written_as_integer(_: object, instance: object) -> bool:
    """`type: integer` in draft-04, for which 1.0 is none."""
    whole = not isinstance(instance, Decimal) or instance.as_tuple().exponent == 0
    return whole and is_integer(None, instance)


def multiple_of(_: Validates, divisor: int | Decimal, instance: object, schema: Schema) -> Errors:
    """`multipleOf`, exactly."""
    del schema
    if isinstance(instance, int | Decimal) and not isinstance(instance, bool) and not _is_multiple(instance, divisor):
        yield _error(f"not a multiple of {divisor}")


def _is_multiple(value: int | Decimal, divisor: int | Decimal) -> bool:
    if isinstance(value, int) and isinstance(divisor, int):
        return value % divisor == 0
    whole, shift = _coefficient(value)
    unit, unit_shift = _coefficient(divisor)
    if not whole:
        return True
    # neither ends in a zero now: a value of more decimal places than its divisor is none of its multiples
    if shift < unit_shift:
        return False
    remainder = int(_EXACT.remainder(whole, unit))
    return remainder * pow(10, shift - unit_shift, int(unit)) % int(unit) == 0


def _coefficient(value: int | Decimal) -> tuple[Decimal, int]:
    """`value` as a whole number that does not end in 0, and the power of ten that it is to be multiplied with."""
    reduced = _EXACT.normalize(Decimal(value))
    sign, digits, exponent = reduced.as_tuple()
    return Decimal((sign, digits, 0)), int(exponent)


# ------------------------------------------------------------------------------------------------------------- texts


def pattern(_: Validates, expression: str, instance: object, schema: Schema) -> Errors:
    """`pattern`, as ECMA-262 has it, and bounded."""
    del schema
    if isinstance(instance, str) and not found(expression, instance):
        yield _error(f"does not match {expression!r}")


def format_(_: Validates, name: str, instance: object, schema: Schema) -> Errors:
    """`format`, asserted."""
    del schema
    if isinstance(instance, str) and not has_format(name, instance):
        yield _error(f"is no {name}")


# ------------------------------------------------------------------------------------------------- lists and objects


def unique_items(_: Validates, asked: bool, instance: object, schema: Schema) -> Errors:
    """`uniqueItems`, in time linear in the list."""
    del schema
    if asked and isinstance(instance, list) and len(set(map(_identity, instance))) < len(instance):
        yield _error("has an item twice")


def _identity(value: Any) -> Hashable:
    """Equal for values that JSON Schema calls equal: 1 is 1.0 and is not true."""
    if isinstance(value, dict):
        return "object", frozenset((name, _identity(inner)) for name, inner in value.items())
    if isinstance(value, list):
        return "list", tuple([_identity(inner) for inner in value])
    return (type(value), value) if isinstance(value, bool | str) else value


def pattern_properties(validator: Validates, patterns: Schema, instance: object, schema: Schema) -> Errors:
    """`patternProperties`."""
    del schema
    if isinstance(instance, dict):
        for expression, inner in patterns.items():
            for name, value in instance.items():
                if found(expression, name):
                    yield from validator.descend(value, inner, path=name, schema_path=expression)


def additional_properties(validator: Validates, inner: object, instance: object, schema: Schema) -> Errors:
    """`additionalProperties`."""
    if isinstance(instance, dict):
        named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        for name, value in instance.items():
            if name not in named and not any(found(expression, name) for expression in patterns):
                yield from validator.descend(value, inner, path=name)


def unevaluated_properties(validator: Validates, inner: object, instance: object, schema: Schema) -> Errors:
    """`unevaluatedProperties`, of 2019-09 and 2020-12."""
    if isinstance(instance, dict):
        others = {key: value for key, value in schema.items() if key != "unevaluatedProperties"}
        evaluated = _evaluated(validator, instance, others)
        for name, value in instance.items():
            if name not in evaluated:
                yield from validator.descend(value, inner, path=name)


def unevaluated_items(validator: Validates, inner: object, instance: object, schema: Schema) -> Errors:
    """`unevaluatedItems`, of 2019-09 and 2020-12."""
    if isinstance(instance, list):
        others = {key: value for key, value in schema.items() if key != "unevaluatedItems"}
        evaluated = _evaluated(validator, instance, others)
        for index, value in enumerate(instance):
            if index not in evaluated:
                yield from validator.descend(value, inner, path=index)


def _evaluated(validator: Validates, instance: Mapping[str, object] | Sequence[object], schema: object) -> set[object]:
    """Names or indices that some other keyword of `schema`, or of what applies in its place, has looked at."""
    if not isinstance(schema, Mapping):
        return set()
    own = _names(instance, schema) if isinstance(instance, Mapping) else _indices(validator, instance, schema)
    for inside, inner in _in_place(validator, instance, schema):
        own |= _evaluated(inside, instance, inner)
    return own


def _names(instance: Mapping[str, object], schema: Schema) -> set[object]:
    if "additionalProperties" in schema or "unevaluatedProperties" in schema:
        return set(instance)
    patterns = schema.get("patternProperties", ())
    matched = {name for name in instance if any(found(expression, name) for expression in patterns)}
    return {*matched, *(schema.get("properties", {}).keys() & instance.keys())}


def _indices(validator: Validates, instance: Sequence[object], schema: Schema) -> set[object]:
    items, every = schema.get("items"), range(len(instance))
    if "unevaluatedItems" in schema or (items is not None and not isinstance(items, list)):
        return set(every)
    if isinstance(items, list):  # 2019-09, where `contains` does not count
        return set(every if "additionalItems" in schema else every[: len(items)])
    own: set[object] = set(every[: len(schema.get("prefixItems", ()))])
    if "contains" in schema and "prefixItems" in validator.VALIDATORS:
        own |= {index for index in every if _is_valid(validator, instance[index], schema["contains"])}
    return own


def _in_place(validator: Validates, instance: object, schema: Schema) -> Iterator[tuple[Validates, object]]:
    """The schemas that hold for the same instance in this place, each with a validator that finds its references."""
    for keyword in ("$ref", "$dynamicRef"):
        if keyword in schema:
            yield _referred(validator, validator._resolver.lookup(schema[keyword]))
    if "$recursiveRef" in schema:
        yield _referred(validator, lookup_recursive_ref(validator._resolver))
    for keyword in ("allOf", "anyOf", "oneOf"):
        for inner in schema.get(keyword, ()):
            if _is_valid(validator, instance, inner):
                yield validator, inner
    if "if" in schema:
        holds = _is_valid(validator, instance, schema["if"])
        if holds:
            yield validator, schema["if"]
        yield validator, schema.get("then" if holds else "else")
    for name, inner in schema.get("dependentSchemas", {}).items():
        if isinstance(instance, Mapping) and name in instance:
            yield validator, inner


def _referred(validator: Validates, resolved: Any) -> tuple[Validates, object]:
    return validator.evolve(schema=resolved.contents, _resolver=resolved.resolver), resolved.contents


def _is_valid(validator: Validates, instance: object, schema: object) -> bool:
    return next(validator.descend(instance, schema), None) is None
