"""Cases: what one is, and what cannot be one. Baseline and variant are paired by case id, so ids must be stable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evalgate.errors import InputError
from evalgate.exchange import JsonValue
from evalgate.formats.canonical import digest
from evalgate.formats.documents import MAX_DEPTH, did_you_mean, told_at_once
from evalgate.suite.generation import problem_with_tools
from evalgate.suite.turns import problem_with

KEYS = {"id", "input", "target", "metadata", "messages", "tools"}
MAX_ID_LENGTH = 200
_EMPTY: tuple[object, ...] = (None, "", {}, [])
_NESTED = (dict, list)


@dataclass(frozen=True, slots=True)
class Case:
    """One dataset row. `place` is the `file:line` it came from; `target` is None where the row has none.

    `messages` are a conversation that goes on with what the prompt asks; it may be all that there is to answer.
    `tools` are offered in place of the suite's, where there are any.
    """

    id: str
    input: JsonValue
    target: JsonValue
    metadata: dict[str, JsonValue] = field(default_factory=dict)
    place: str = ""
    messages: list[JsonValue] = field(default_factory=list)
    tools: list[JsonValue] = field(default_factory=list)


def build_cases(rows: Iterable[tuple[str, object]], source: str) -> list[Case]:
    """Build cases from `(place, row)` pairs; refuses an empty sequence and duplicate ids; tells all of it."""
    cases: dict[str, Case] = {}
    wrong: list[str] = []
    for place, row in rows:
        try:
            case = checked_case(row, place)
        except InputError as failure:
            wrong.append(str(failure))
            continue
        if case.id in cases:
            wrong.append(str(duplicate(case, cases[case.id].place)))
        cases.setdefault(case.id, case)
    if wrong:
        raise told_at_once(wrong)
    if not cases:
        raise no_cases(source)
    return list(cases.values())


def checked_case(row: object, place: str) -> Case:
    """The case that `row` is; raises `InputError` naming the `place` when it is none."""
    if isinstance(row, InputError):
        raise row
    if not isinstance(row, dict):
        raise InputError(f"{place}: expected an object with {', '.join(sorted(KEYS))}")
    if "weight" in row:
        message = "cases have no weight, they are a sample of the traffic; what matters more is an operation of its own"
        raise InputError(f"{place} weight: {message}")
    if not row.keys() <= KEYS:
        key = next(key for key in row if key not in KEYS)
        told = f"{place} {key}: unknown key{did_you_mean(str(key), KEYS)}"
        if not row.keys() & {"input", "messages"}:
            told += " (columns that are called otherwise: dataset: {path: …, columns: …})"
        raise InputError(told)
    if _deeper_than(MAX_DEPTH, row):
        raise InputError(f"{place}: nested deeper than {MAX_DEPTH} levels")
    messages = row.get("messages")
    if messages is not None and (problem := problem_with(messages)):
        raise InputError(f"{place} messages{problem}")
    if (tools := row.get("tools")) is not None and (problem := problem_with_tools(tools)):
        raise InputError(f"{place} tools{problem}")
    if row.get("input") in _EMPTY and not messages:
        raise InputError(f"{place}: a case needs an 'input'")
    identity, metadata = row.get("id"), row.get("metadata")
    if isinstance(identity, bool) or not isinstance(identity, str | int | float | None) or identity == "":
        raise InputError(f"{place} id: expected a text or a number, got {identity!r}")
    if len(str(identity)) > MAX_ID_LENGTH:
        raise InputError(f"{place} id: longer than {MAX_ID_LENGTH} characters")
    if not isinstance(metadata, dict | None):
        raise InputError(f"{place} metadata: expected an object, got {metadata!r}")
    return case_of(row, place)


def with_defaults(row: object, defaults: Mapping[str, JsonValue]) -> object:
    """The row with what every case has that says nothing else; metadata key by key."""
    if not defaults or not isinstance(row, dict):
        return row
    filled = {**defaults, **{key: value for key, value in row.items() if value is not None or key not in defaults}}
    own, common = row.get("metadata"), defaults.get("metadata")
    if isinstance(common, dict) and isinstance(own, dict):
        filled["metadata"] = {**common, **own}
    return filled


def case_of(row: Mapping[str, JsonValue], place: str) -> Case:
    """The case that `row` is; only for a row that has been checked before."""
    identity, metadata, messages, tools = row.get("id"), row.get("metadata"), row.get("messages"), row.get("tools")
    if identity is None:
        asked = [row.get("input"), messages] if messages else row["input"]
        asked = {"asked": asked, "tools": tools} if tools else asked
        identity = digest(asked)[7:23]  # by content, so that it stays when rows are added or sorted
    metadata, messages = metadata if isinstance(metadata, dict) else {}, messages if isinstance(messages, list) else []
    own = tools if isinstance(tools, list) else []
    return Case(str(identity), row.get("input"), row.get("target"), metadata, place, messages, own)


def duplicate(case: Case, first: str) -> InputError:
    """Why a case that has the id of another, from the place `first`, is refused."""
    return InputError(f"{case.place}: duplicate case id {case.id!r}; first used at {first}")


def no_cases(source: str) -> InputError:
    """Why a dataset without any case is refused."""
    return InputError(f"{source}: no cases; a suite without cases would pass without having asked anything")


def _deeper_than(levels: int, value: object) -> bool:
    layer: list[object] = [value]
    for _ in range(levels):
        inside = [each.values() if isinstance(each, dict) else each for each in layer if isinstance(each, _NESTED)]
        if not inside:
            return False
        layer = [inner for each in inside for inner in each]
    return bool(layer)
