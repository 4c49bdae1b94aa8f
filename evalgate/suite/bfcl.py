"""The Berkeley leaderboard of function calls (BFCL v3) as cases: `dataset: {format: bfcl}`.

Its questions and its answers are files of their own, `BFCL_v3_NAME.json` and `possible_answer/BFCL_v3_NAME.json`, JSON
Lines both, joined by `id`; the types of its schemas are not those of JSON Schema, and where an answer has a list, any
of it is right, with "" for what may be left out. Only what can be judged by the calls alone is read: one turn, no
program to be run, none of the texts in which Java and JavaScript write their values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from evalgate.errors import InputError
from evalgate.exchange import JsonValue
from evalgate.suite.rows import JsonlRows, RowError

CATEGORIES = ("simple", "multiple", "parallel", "parallel_multiple", "irrelevance")
_UNANSWERED = "irrelevance"  # nothing is to be called, so there is no file of answers
# as the leaderboard tells them to models that it calls by the OpenAI API
_TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": "string"}
_PYTHON: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}
_OPTIONAL = ""

Object = dict[str, Any]  # whatever a file holds; what is not of this format raises where it is looked at

Files = Callable[[str], Path]  # by a name within the data set


class _UnfitError(Exception):
    """An answer that the function's own schema does not allow."""


def bfcl_rows(split: str, file: Files, place: str) -> Iterator[tuple[str, object]]:
    """The cases of the categories that `split` names (`simple+multiple`), as `(place, row)`.

    A question of which no answer fits the schema of its function, as where a variable's name stands for a list, is a
    `RowError`: nobody who keeps to the schema could be right, and whoever leaves it out says so. Raises `InputError`
    for another category, and for files that are not of this format.
    """
    names = split.split("+")
    if unknown := [name for name in names if name not in CATEGORIES]:
        message = f"no category {unknown[0]!r} that format bfcl reads; there are {', '.join(CATEGORIES)} (joined by +)"
        raise InputError(f"{place}: {message}")
    for name in dict.fromkeys(names):
        answers = {} if name == _UNANSWERED else _answers(file(f"possible_answer/BFCL_v3_{name}.json"))
        for where, row in _rows(file(f"BFCL_v3_{name}.json")):
            try:
                case = _case(row, name, answers)
            except _UnfitError:
                told = f"{row['id']}: no answer fits the function's schema; leave it out (dataset.without: {{id: …}})"
                yield where, RowError(f"{where}: {told}", {"id": row["id"], "category": name})
                continue
            except (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError) as failure:
                told = f"not a row of BFCL: {type(failure).__name__} {str(failure)[:100]}"
                yield where, InputError(f"{where}: {told}")
                continue
            yield where, case


def _rows(path: Path) -> Iterator[tuple[str, dict[str, JsonValue]]]:
    try:
        with path.open("rb") as lines:
            for record in JsonlRows(path.name).find(lines):
                if isinstance(record.row, InputError):
                    raise record.row
                where = f"{path.name}:{record.line}"
                if not isinstance(record.row, dict):
                    raise InputError(f"{where}: expected an object")
                yield where, record.row
    except OSError as failure:
        raise InputError(f"{path}: cannot be read: {failure.strerror}") from None


def _answers(path: Path) -> dict[str, Any]:
    return {str(row.get("id")): row.get("ground_truth") for _, row in _rows(path)}


def _case(row: Object, category: str, answers: Mapping[str, Any]) -> dict[str, JsonValue]:
    identity, turns = str(row["id"]), row["question"]
    if len(turns) != 1:
        raise ValueError("question: more than one turn")
    schemas = {_name(each["name"]): _schema(each["parameters"]) for each in row["function"]}
    described = {_name(each["name"]): each["description"] for each in row["function"]}
    tools = [
        {"type": "function", "function": {"name": name, "description": described[name], "parameters": schema}}
        for name, schema in schemas.items()
    ]
    if len(tools) < len(row["function"]):
        raise ValueError("function: two of one name")
    target: list[JsonValue] = []
    if category != _UNANSWERED:
        if identity not in answers:
            raise ValueError("id: there is no answer in possible_answer")
        target = [_call(called, schemas) for called in answers[identity]]
        if not target:
            raise ValueError("ground_truth: empty")
    return {"id": identity, "messages": turns[0], "target": target, "tools": tools, "category": category}


def _name(name: str) -> str:
    """A function's name as the OpenAI API takes it, in the leaderboard's own way."""
    return name.replace(".", "_")


def _schema(given: Object) -> Object:
    """A schema in the types of JSON Schema, at every depth; a parameter may be called `type`, too."""
    found = {key: value for key, value in given.items() if key != "optional"}
    if isinstance(kind := given.get("type"), str):
        found["type"] = _TYPES.get(kind, kind)
    if "properties" in given:
        found["properties"] = {name: _schema(each) for name, each in given["properties"].items()}
    if "items" in given:
        found["items"] = _schema(given["items"])
    return found


def _call(called: Object, schemas: Mapping[str, Object]) -> JsonValue:
    """`{function: {argument: [what is right, …]}}` as a call of a target."""
    ((written, arguments),) = called.items()
    name = _name(written)
    if name not in schemas:
        raise ValueError(f"ground_truth: no function {written!r}")
    return {"name": name, "arguments": _members(arguments, schemas[name])}


def _members(given: Object, schema: Object) -> dict[str, JsonValue]:
    known = schema.get("properties", {})
    meant = {
        key: _meant(value if isinstance(value, list) else [value], known.get(key, {})) for key, value in given.items()
    }
    found: dict[str, JsonValue] = {key: value for key, value in meant.items() if value is not None}
    if not set(schema.get("required", [])) <= found.keys():
        raise _UnfitError
    return found


def _meant(given: list[JsonValue], schema: Object) -> JsonValue:
    """What a list of right values means; None where the argument has to be left out."""
    optional, right = _OPTIONAL in given, list[JsonValue]()
    for each in given:
        if each == _OPTIONAL:
            continue
        try:
            right.append(_value(each, schema))
        except _UnfitError:
            continue
    if optional and schema.get("type") == "string" and "enum" not in schema:
        right.append(_OPTIONAL)  # the leaderboard takes the empty text itself as well
    if not right:
        if optional:
            return None
        raise _UnfitError
    one: JsonValue = right[0] if len(right) == 1 else {"$one_of": right}
    return {"$optional": one} if optional else one


def _value(value: JsonValue, schema: Object) -> JsonValue:
    """One right value; what an object holds are lists of right values again."""
    kind = _PYTHON.get(str(schema.get("type")), object)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind not in (bool, object)):
        raise _UnfitError
    if "enum" in schema and value not in schema["enum"]:
        raise _UnfitError
    if isinstance(value, dict):
        return _members(value, schema)
    return [_value(each, schema.get("items", {})) for each in value] if isinstance(value, list) else value
