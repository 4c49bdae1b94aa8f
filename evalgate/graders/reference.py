"""What every grader is called, takes and does: for editors as JSON Schema, for people as text. All of it comes from the
functions themselves, so that it cannot be out of date.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter

from evalgate.exchange import JsonValue
from evalgate.formats.schema_words import in_words
from evalgate.graders import names, registry
from evalgate.graders.expectations import no_value


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a grader; `schema` is its type. Without a default it must be given."""

    name: str
    schema: Mapping[str, JsonValue]
    default: JsonValue
    needed: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One grader: the first line of its docstring, the rest, and its options in the order of the function."""

    name: str
    summary: str
    details: str
    options: tuple[Option, ...]
    value_as: str | None
    takes_value: bool


def entries() -> list[Entry]:
    """All graders, sorted by name."""
    return [entry(name) for name in names()]


def entry(name: str) -> Entry:
    """What there is to say of one grader; raises `LookupError` with the nearest name."""
    found = registry.find(name)
    summary, _, details = inspect.cleandoc(found.score.__doc__ or "").partition("\n\n")
    options = tuple(_option(found, option) for option in found.options)
    return Entry(name, " ".join(summary.split()), details, options, found.value_as, found.expects is not no_value)


def _option(found: registry.Grader, name: str) -> Option:
    schema = TypeAdapter(found.options[name]).json_schema(ref_template="#/$defs/{model}")
    needed = name in found.needed
    default = None if needed else inspect.signature(found.score).parameters[name].default
    return Option(name, schema, default, needed)


def with_graders(suite: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """A suite's JSON Schema in which an assertion may only say what its grader knows."""
    definitions = dict(_mapping(suite["$defs"]))
    common = dict(_mapping(definitions["Assertion"]))
    properties = dict(_mapping(common["properties"]))
    every = entries()
    for each in every:
        own: dict[str, JsonValue] = {key: {"$ref": f"#/$defs/Assertion/properties/{key}"} for key in properties}
        own["type"] = {"const": each.name}
        if not each.takes_value:
            del own["value"]
        elif each.value_as is not None:
            word = each.value_as
            own[word] = {"description": "another word for value", **_mapping(own["value"])}
            told = f"the {word}, by which name it may be given as well; default: each case's target"
            own["value"] = {"description": told, **_mapping(own["value"])}
        for option in each.options:
            schema = dict(option.schema)
            definitions |= _mapping(schema.pop("$defs", {}))
            own[option.name] = schema if option.needed else {**schema, "default": option.default}
        definitions[f"grader.{each.name}"] = {
            "type": "object",
            "description": f"{each.summary}\n\n{each.details}".strip(),
            "properties": own,
            "required": ["type", *(option.name for option in each.options if option.needed)],
            "additionalProperties": False,
        }
    kind = _mapping(properties["type"]) | {"enum": [each.name for each in every]}
    cases: list[JsonValue] = [
        {
            "if": {"properties": {"type": {"const": each.name}}, "required": ["type"]},
            "then": {"$ref": f"#/$defs/grader.{each.name}"},
        }
        for each in every
    ]
    definitions["Assertion"] = {**common, "properties": {**properties, "type": kind}, "allOf": cases}
    return {**suite, "$defs": definitions}


def _mapping(value: JsonValue) -> dict[str, JsonValue]:
    assert isinstance(value, dict)
    return value


def as_markdown() -> str:
    """The whole reference, for docs/graders-reference.md."""
    head = "# All graders\n\nWritten by `evalgate graders --markdown` from the graders themselves; do not edit it.\n"
    shared = ", ".join(f"`{key}`" for key in registry.COMMON[1:])
    always = f"\nEvery grader also takes {shared}; see [graders.md](graders.md).\n"
    return head + always + "".join(f"\n{_section(each)}" for each in entries())


def _section(each: Entry) -> str:
    lines = [f"## `{each.name}`", "", each.summary]
    if each.details:
        lines += ["", each.details]
    if each.value_as:
        lines += ["", f"`{each.value_as}` is another word for `value`."]
    if not each.takes_value:
        lines += ["", "It takes no `value` and looks at no target."]
    if each.options:
        lines += ["", "| option | type | default |", "| --- | --- | --- |"]
        for option in each.options:
            lines.append(f"| `{option.name}` | {in_words(option.schema, cell=True)} | {_default(option)} |")
    return "\n".join(lines) + "\n"


def _default(option: Option) -> str:
    if option.needed:
        return "must be given"
    if option.default is None:
        return ""
    return f"`{str(option.default).lower() if isinstance(option.default, bool) else option.default}`"
