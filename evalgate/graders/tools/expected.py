"""What calls are expected: the targets of `tool_calls`, and when a call is the one that a target means.

A target is a list of calls in any order; an empty one says that no tool is to be called:

    - {name: get_weather, arguments: {city: Paris, unit: {$one_of: [c, celsius]}, days: {$optional: 1}}}

Instead of a value, at any depth, there may stand `{$one_of: […]}` (allowed alternatives), `{$any: true}` (whatever fits
the schema), and for a member of an object `{$optional: …}`: it may be left out, and where it is given it has to be
that. Everything else is compared by value, nested values as well, and nothing is stripped from a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from evalgate.exchange import JsonValue
from evalgate.graders.json_text import Json
from evalgate.graders.same import MAX_UNORDERED, Comparison, same
from evalgate.graders.tools.matching import most_pairs

MAX_EXPECTED = 128  # calls in one target
ONE_OF, OPTIONAL, ANY = "$one_of", "$optional", "$any"
_WORDS = (ONE_OF, OPTIONAL, ANY)
_BFCL = str.maketrans("", "", " ,./-_*^")  # what the Berkeley leaderboard removes from texts


@dataclass(frozen=True, slots=True)
class Values:
    """How values are compared; with `ignore_punctuation`, texts as the Berkeley leaderboard compares them."""

    how: Comparison
    ignore_punctuation: bool = False


def expected_calls(expected: JsonValue) -> list[tuple[str, dict[str, JsonValue]]]:
    """Name and arguments of each call of a target that `problem_with` finds nothing wrong with."""
    calls = expected if isinstance(expected, list) else [expected]
    objects = [each for each in calls if isinstance(each, dict)]
    return [(str(each["name"]), cast("dict[str, JsonValue]", each.get("arguments") or {})) for each in objects]


def problem_with(expected: JsonValue) -> str | None:
    """Why a target cannot be used; None when it can."""
    if expected is None:
        return "there is no target (and no value in the assertion)"
    calls = expected if isinstance(expected, list) else [expected]
    if len(calls) > MAX_EXPECTED:
        return f"expected at most {MAX_EXPECTED} calls as target, got {len(calls)}"
    return next(filter(None, map(_problem_with_call, calls)), None)


def _problem_with_call(call: JsonValue) -> str | None:
    if not isinstance(call, dict) or not isinstance(call.get("name"), str) or not call["name"]:
        return f"expected a list of calls with name and arguments as target, got {str(call)[:60]!r}"
    if unknown := sorted(call.keys() - {"name", "arguments"}):
        return f"unknown key {unknown[0]!r} in the call of {call['name']!r}; expected name and arguments as target"
    if not isinstance(call.get("arguments", {}), dict):
        return f"the arguments of {call['name']!r} are no object; expected name and arguments as target"
    wrong = next(_misused(call.get("arguments", {}), member=False), None)
    return f"{wrong}; expected other arguments of {call['name']!r} as target" if wrong else None


def _misused(value: JsonValue, *, member: bool) -> Iterator[str]:
    """What is wrong with the words of a target."""
    if isinstance(value, list):
        for each in value:
            yield from _misused(each, member=False)
    if not isinstance(value, dict):
        return
    word = next((word for word in _WORDS if word in value), None)
    if word is None:
        for each in value.values():
            yield from _misused(each, member=True)
        return
    inner = value[word]
    if len(value) > 1:
        yield f"{word} stands alone in its object"
    elif word == OPTIONAL and not member:
        yield "$optional is for what an object holds"
    elif word == ANY and inner is not True:
        yield "$any is true"
    elif word == ONE_OF and not (isinstance(inner, list) and inner):
        yield "$one_of needs a list of alternatives"
    elif word != ANY:
        for each in inner if word == ONE_OF and isinstance(inner, list) else [inner]:
            yield from _misused(each, member=False)


def example(value: JsonValue) -> JsonValue:
    """A value that a target means: the first of its alternatives, and all that may be left out."""
    if isinstance(value, list):
        return [example(each) for each in value]
    if not isinstance(value, dict):
        return value
    if ONE_OF in value:
        alternatives = cast("list[JsonValue]", value[ONE_OF])
        return example(alternatives[0])
    if OPTIONAL in value:
        return example(value[OPTIONAL])
    return {key: example(each) for key, each in value.items()}


def mentions_any(value: JsonValue) -> bool:
    """Whether a target leaves a value open, so that it has no example."""
    if isinstance(value, dict):
        return ANY in value or any(map(mentions_any, value.values()))
    return isinstance(value, list) and any(map(mentions_any, value))


def is_meant(wanted: JsonValue, actual: Json, values: Values) -> bool:
    """Whether a value of a call is one that the target means."""
    if isinstance(wanted, dict):
        return _is_word_or_object_meant(wanted, actual, values)
    if isinstance(wanted, list):
        return isinstance(actual, list) and len(wanted) == len(actual) and _are_items_meant(wanted, actual, values)
    if values.ignore_punctuation and isinstance(wanted, str) and isinstance(actual, str):
        return _unpunctuated(wanted) == _unpunctuated(actual)
    return same(wanted, actual, values.how)


def _is_word_or_object_meant(wanted: dict[str, JsonValue], actual: Json, values: Values) -> bool:
    if ANY in wanted:
        return True
    if ONE_OF in wanted:
        return any(is_meant(each, actual, values) for each in cast("list[JsonValue]", wanted[ONE_OF]))
    if OPTIONAL in wanted:
        return is_meant(wanted[OPTIONAL], actual, values)
    return isinstance(actual, dict) and _are_members_meant(wanted, actual, values)


def _are_members_meant(wanted: dict[str, JsonValue], actual: dict[str, Json], values: Values) -> bool:
    if not actual.keys() <= wanted.keys():
        return False  # an argument that nobody asked for
    return all(
        is_meant(each, actual[key], values) if key in actual else isinstance(each, dict) and OPTIONAL in each
        for key, each in wanted.items()
    )


def _are_items_meant(wanted: Sequence[JsonValue], actual: Sequence[Json], values: Values) -> bool:
    if not values.how.unordered:
        return all(is_meant(one, other, values) for one, other in zip(wanted, actual, strict=True))
    if len(wanted) > MAX_UNORDERED:
        return False
    fits = [[at for at, other in enumerate(actual) if is_meant(one, other, values)] for one in wanted]
    return all(fits) and len(most_pairs(fits)) == len(wanted)


def _unpunctuated(text: str) -> str:
    return text.translate(_BFCL).lower().replace("'", '"')
