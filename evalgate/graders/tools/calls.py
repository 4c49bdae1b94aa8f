"""The calls of tools in an answer, and what may be wrong with one before its values are looked at.

Answers carry them in the shape of the OpenAI API, whichever protocol they came by: a list of objects whose `function`
has a `name` and, as text, its `arguments`. What is said here of a call is what published verifiers of vendors say,
by the names that OpenRouter gives them: `InvalidJson`, `UnknownName`, `SchemaMismatch`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from evalgate.exchange import Answer, JsonValue
from evalgate.formats.canonical import canonical
from evalgate.graders.json_text import MISSING, Json, Missing, parse_json
from evalgate.suite.generation import tools_as_sent

if TYPE_CHECKING:
    from evalgate.suite import Case

MAX_CALLS = 256  # of one answer; a target has no more than half as many, so that whoever makes more is wrong anyway

Fault = Literal["InvalidJson", "UnknownName", "SchemaMismatch", "WrongArguments", "MissingCall", "ExtraCall"]
Tools = Mapping[str, JsonValue]  # by name, the JSON schema of the arguments; None: it has none


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments; `MISSING` where they are no JSON."""

    name: str
    arguments: Json | Missing


def tools_of(parameters: Mapping[str, JsonValue]) -> Tools:
    """The functions that a request offers, by name."""
    offered = parameters.get("tools")
    functions = (
        [each.get("function") for each in offered if isinstance(each, dict)] if isinstance(offered, list) else []
    )
    return {
        str(each["name"]): each.get("parameters") for each in functions if isinstance(each, dict) and "name" in each
    }


def offered(case: Case, tools: Tools) -> Tools:
    """The functions that `case` offers: its own, or else the suite's `tools`."""
    return tools_of({"tools": tools_as_sent(case.tools)}) if case.tools else tools


def calls_of(answer: Answer) -> list[Call]:
    """The calls in an answer, in its order; what is no call at all is one without a name. At most 257."""
    made = answer.details.get("tool_calls")
    return [_call(each) for each in made[: MAX_CALLS + 1]] if isinstance(made, list) else []


def _call(entry: JsonValue) -> Call:
    function = entry.get("function") if isinstance(entry, dict) else None
    if not isinstance(function, dict):
        return Call("", MISSING)
    name, given = function.get("name"), function.get("arguments")
    # some servers send the object itself; through its text, numbers keep what was written
    text = given if isinstance(given, str) else canonical(given).decode() if isinstance(given, dict) else ""
    return Call(name if isinstance(name, str) else "", parse_json(text, extract="strict"))


def fault_of(call: Call, tools: Tools, *, check_format: bool = False) -> Fault | None:
    """What is wrong with a call, whatever was expected; None: it could be made.

    A function without a schema takes any object. `format` is only asserted with `check_format`, since those who serve
    models do not check it.
    """
    if call.name not in tools:
        return "UnknownName"
    if call.arguments is MISSING:
        return "InvalidJson"
    if not isinstance(call.arguments, dict):
        return "SchemaMismatch"
    schema = tools[call.name]
    if not schema:
        return None
    from evalgate.graders.schema import fits

    return None if fits(call.arguments, schema, check_format=check_format) else "SchemaMismatch"
