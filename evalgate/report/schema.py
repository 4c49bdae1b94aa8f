"""SHOWS what a file may say, key by key: a Markdown page made of its JSON Schema, which is made of the code.

Every object has a section, named by the way to it (`gate.watch`), in the order in which the file has them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from evalgate.formats.schema_words import in_words

_ELSEWHERE = ("JsonValue", "grader.")  # anything; and what the reference of graders has


def as_markdown(name: str, title: str, schema: Mapping[str, Any], note: str) -> str:
    """The page; `name` is that of `evalgate schema`, `note` says where to read on."""
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    found = list(_ways("", schema, definitions, set()))
    order = list(schema["properties"])
    ways = {key: way for way, key in sorted(found, key=lambda each: order.index(each[0].partition(".")[0]))}
    named = {key: f"[`{way}`](#{re.sub(r'[^a-z_-]', '', way)})" for key, way in ways.items()}
    head = [
        f"# {title}",
        "",
        f"Written by `evalgate schema {name} --markdown` from the code; do not edit it. {note}",
        "",
        *_table(schema, named),
    ]
    for key, way in ways.items():
        definition = definitions[key]
        said = " ".join(str(definition.get("description", "")).split())
        head += ["", f"## `{way}`", "", *([said, ""] if said else []), *_table(definition, named)]
    return "\n".join(head) + "\n"


def _ways(
    way: str, schema: Mapping[str, Any], definitions: Mapping[str, Any], seen: set[str]
) -> Iterator[tuple[str, str]]:
    """The objects below a key by the shortest way to them, with the names of their definitions; each once."""
    later = []
    for key, value in schema.get("properties", {}).items():
        for name in _references(value):
            if name in seen or name.startswith(_ELSEWHERE) or "properties" not in definitions[name]:
                continue
            seen.add(name)
            also = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
            below = f"{way}.{key}" if way else key
            below = f"{below}.{also}" if value.get("anyOf") and key == "transform" else below
            yield below, name
            later.append((below, name))
    for below, name in later:
        yield from _ways(below, definitions[name], definitions, seen)


def _references(schema: Any) -> Iterator[str]:
    """The definitions that a key's own value may be, or an element of it."""
    if isinstance(schema, Mapping):
        if isinstance(reference := schema.get("$ref"), str):
            yield reference.rpartition("/")[2]
        for key in ("anyOf", "items", "additionalProperties"):
            yield from _references(schema.get(key))
    elif isinstance(schema, list):
        for each in schema:
            yield from _references(each)


def _table(schema: Mapping[str, Any], named: Mapping[str, str]) -> list[str]:
    needed = schema.get("required", [])
    rows = ["| key | type | default | |", "| --- | --- | --- | --- |"]
    for key, value in schema.get("properties", {}).items():
        default = "must be given" if key in needed else _default(value)
        told = str(value.get("description", ""))
        if examples := value.get("examples"):
            told += f". Such as {' or '.join(_code(each) for each in examples)}"
        rows.append(f"| `{key}` | {in_words(value, cell=True, named=named)} | {default} | {_cell(told)} |")
    return rows


def _default(value: Mapping[str, Any]) -> str:
    default = value.get("default")
    if default is None or default in ("", [], {}):
        return ""
    return f"`{default}`" if isinstance(default, str) and default.isprintable() else _code(default)


def _code(value: Any) -> str:
    """A value as YAML has it in one line."""
    text = json.dumps(value, ensure_ascii=False)
    if "\\n" not in text:
        text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000)
    return f"`{text.strip().removesuffix('...').strip()}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
