"""When two JSON values are the same: the rule that `json_fields` and `json_match` hold values to, field by field.

Texts are compared normalised as for `exact`, numbers by value and exactly (2 is 2.0, and true is not 1), lists in
order. A rule may loosen that: numbers within a tolerance, lists in any order, dates however they are written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from evalgate.exchange import JsonValue, as_text
from evalgate.graders.dates import DateForm, day
from evalgate.graders.json_text import MISSING
from evalgate.graders.normalise import Normalisation, normalised

Tolerance = Annotated[float, Field(ge=0, allow_inf_nan=False)]
MAX_UNORDERED = 1_000  # members of a list in any order: each may have to be held against each
_MAX_EXPONENT = 400  # of numbers that are compared with a tolerance: a float has no more


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Rule:
    """How one field is compared; what is not said is as for the others."""

    normalise: Normalisation | None = None
    ignore_case: bool | None = None
    tolerance: Tolerance | None = None
    relative_tolerance: Tolerance | None = None
    unordered: bool | None = None
    dates: DateForm | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """The rule for every field, and what some fields have of their own, by path: `due`, `lines[].price`."""

    normalise: Normalisation = "default"
    ignore_case: bool | None = None
    tolerance: float = 0.0
    relative_tolerance: float = 0.0
    unordered: bool = False
    dates: DateForm = "as_text"
    fields: Mapping[str, Rule] = dataclasses.field(default_factory=dict)

    def at(self, path: str) -> Comparison:
        """The comparison for the field at `path`, and for what is inside it until another rule says otherwise."""
        rule = self.fields.get(path)
        if rule is None:
            return self
        said = {key: value for key, value in dataclasses.asdict(rule).items() if value is not None}
        return dataclasses.replace(self, **said)

    def text(self, text: str) -> str:
        """`text` as it is compared."""
        return normalised(text, self.normalise, self.ignore_case)


def leaves(expected: JsonValue, actual: object, how: Comparison, path: str = "") -> Iterator[bool]:
    """For every leaf of a nested object, whether the answer has it right; fields beyond the target's do not count."""
    if isinstance(expected, dict) and expected:
        inner = actual if isinstance(actual, dict) else {}
        for key, wanted in expected.items():
            below = f"{path}.{key}" if path else key
            yield from leaves(wanted, inner.get(key, MISSING), how.at(below) if how.fields else how, below)
    else:
        yield same(expected, actual, how, path)


def same(expected: JsonValue, actual: object, how: Comparison, path: str = "", *, whole: bool = False) -> bool:
    """Whether two values are one; with `whole`, an object has no field beyond the target's, at any depth."""
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, str) and isinstance(actual, str):
        return expected == actual or how.text(expected) == how.text(actual) or _same_day(expected, actual, how)
    if isinstance(expected, int | float | Decimal) and isinstance(actual, int | float | Decimal):
        return _value(expected) == _value(actual) or _is_near(expected, actual, how)
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and _same_lists(expected, actual, how, f"{path}[]", whole=whole)
    if isinstance(expected, dict) and expected and isinstance(actual, dict):
        return (not whole or expected.keys() == actual.keys()) and _same_fields(
            expected, actual, how, path, whole=whole
        )
    return expected == actual


def _same_fields(
    expected: Mapping[str, JsonValue], actual: Mapping[str, object], how: Comparison, path: str, *, whole: bool
) -> bool:
    below = ((f"{path}.{key}" if path else key, key) for key in expected)
    return all(
        same(expected[key], actual.get(key, MISSING), how.at(name) if how.fields else how, name, whole=whole)
        for name, key in below
    )


def _same_day(expected: str, actual: str, how: Comparison) -> bool:
    if how.dates == "as_text":
        return False
    wanted = day(expected, how.dates)
    return wanted is not None and wanted == day(actual, how.dates)


def _is_near(expected: float | Decimal, actual: float | Decimal, how: Comparison) -> bool:
    if not (how.tolerance or how.relative_tolerance):
        return False
    wanted, found = Decimal(_value(expected)), Decimal(_value(actual))
    if max(abs(wanted.adjusted()), abs(found.adjusted())) > _MAX_EXPONENT:
        return False  # exact fractions of these would not fit into memory
    share, absolute = (Fraction(as_text(each)) for each in (how.relative_tolerance, how.tolerance))
    return abs(Fraction(found) - Fraction(wanted)) <= max(absolute, share * abs(Fraction(wanted)))


def _value(number: float | Decimal) -> int | Decimal:
    """Exactly what is written: a float is its shortest text, for it stands for that."""
    return Decimal(as_text(number)) if isinstance(number, float) else number


def _same_lists(
    expected: Sequence[JsonValue], actual: Sequence[object], how: Comparison, path: str, *, whole: bool
) -> bool:
    member = how.at(path) if how.fields else how
    if not how.unordered:
        return all(same(one, other, member, path, whole=whole) for one, other in zip(expected, actual, strict=True))
    if len(expected) > MAX_UNORDERED:
        return False
    fits = [[at for at, other in enumerate(actual) if same(one, other, member, path, whole=whole)] for one in expected]
    return all(fits) and _all_matched(fits)


def _all_matched(fits: Sequence[Sequence[int]]) -> bool:
    """Whether each can be given a partner of its own: with tolerances, the first that fits may be another's only one.

    Augmenting paths (Kuhn), searched breadth first, so that no list is too long to recurse through.
    """
    taken: dict[int, int] = {}  # member of the answer: member of the target
    for start in range(len(fits)):
        came_from: dict[int, int] = {}
        todo, end = [start], None
        while todo and end is None:
            one = todo.pop(0)
            for at in fits[one]:
                if at not in came_from:
                    came_from[at] = one
                    if at not in taken:
                        end = at
                        break
                    todo.append(taken[at])
        if end is None:
            return False
        while True:
            one = came_from[end]
            before = next((at for at, owner in taken.items() if owner == one), None)
            taken[end] = one
            if before is None or one == start:
                break
            end = before
    return True
