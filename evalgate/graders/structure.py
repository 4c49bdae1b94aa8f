"""Graders for answers that should be JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from evalgate.exchange import JsonValue
from evalgate.graders import ideal
from evalgate.graders.dates import DateForm
from evalgate.graders.expectations import an_object
from evalgate.graders.json_text import MISSING, DuplicateKeys, Extract, parse_json
from evalgate.graders.normalise import Normalisation
from evalgate.graders.registry import Text, grader
from evalgate.graders.same import Comparison, Rule, Tolerance, leaves, same

Fields = dict[str, Rule]


def _a_schema(expected: JsonValue, *, check_format: bool = True) -> str | None:
    from evalgate.graders.schema import problem_with

    return problem_with(expected, check_format=check_format)


@grader("json_schema", expects=_a_schema, value_as="schema")
def json_schema(
    text: str,
    expected: JsonValue,
    *,
    soft: bool = False,
    check_format: bool = True,
    extract: Extract = "fenced",
    duplicate_keys: DuplicateKeys = "last",
) -> float:
    """1 when the answer is JSON that fits the schema, else 0; with `soft`, 0.5 for JSON that does not fit.

    The draft is the one that the schema's `$schema` names, else 2020-12. `format` is held to, unless `check_format` is
    false. Where the JSON is, `extract` says, and `duplicate_keys` whether an object may have a key twice (`json_text`).
    What takes too long or too deep a search to be shown to fit, does not fit.
    """
    from evalgate.graders.schema import fits

    value = parse_json(text, extract=extract, duplicate_keys=duplicate_keys)
    if value is MISSING:
        return 0.0
    if fits(value, expected, check_format=check_format):
        return 1.0
    return 0.5 if soft else 0.0


def _texts(
    expected: JsonValue,
    *,
    normalise: Normalisation = "default",
    ignore_case: bool | None = None,
    fields: Fields | None = None,
) -> Iterator[Text]:
    todo = [("", expected, Comparison(normalise, ignore_case, fields=fields or {}))]
    while todo:
        field, value, how = todo.pop()
        if isinstance(value, str):
            yield Text(field, value, how.text(value))
        elif isinstance(value, dict):
            named = ((f"{field}.{key}".removeprefix("."), inner) for key, inner in value.items())
            todo += [(name, inner, how.at(name)) for name, inner in named]
        elif isinstance(value, list):
            name = f"{field}[]"
            todo += [(name, inner, how.at(name)) for inner in value]


@grader("json_fields", expects=an_object, texts=_texts, ideal=ideal.as_json)
def json_fields(
    text: str,
    expected: JsonValue,
    *,
    normalise: Normalisation = "default",
    ignore_case: bool | None = None,
    extract: Extract = "fenced",
    duplicate_keys: DuplicateKeys = "last",
    tolerance: Tolerance = 0.0,
    relative_tolerance: Tolerance = 0.0,
    unordered: bool = False,
    dates: DateForm = "as_text",
    fields: Fields | None = None,
) -> float:
    """Share of the target's fields that the answer has right; 0 when it is not a JSON object.

    A nested object counts by its leaves. Texts are compared normalised as for `exact`, numbers by value and exactly
    (2 is 2.0, and true is not 1), lists in order. Fields that the target does not have are ignored; use `json_match`
    or `json_schema` to forbid them. `extract` and `duplicate_keys` as for `json_schema`.

    `tolerance` is absolute, `relative_tolerance` a share of the target; the larger one counts. `unordered` takes lists
    in any order (of at most 1,000 members), and each member counts once. `dates` compares texts that are days as days:
    `any` where they can only be read in one way, or `day_first`, `month_first`. `fields` says the same of one field
    and what is inside it, by its path: `{due: {dates: any}, "lines[].price": {tolerance: 0.01}}`.
    """
    value = parse_json(text, extract=extract, duplicate_keys=duplicate_keys)
    if not isinstance(value, dict):
        return 0.0
    how = Comparison(normalise, ignore_case, tolerance, relative_tolerance, unordered, dates, fields or {})
    right = list(leaves(expected, value, how))
    return sum(right) / len(right)


def _a_value(expected: JsonValue) -> str | None:
    return "there is no target (and no value in the assertion)" if expected is None else None


@grader("json_match", expects=_a_value, texts=_texts, ideal=ideal.as_json)
def json_match(
    text: str,
    expected: JsonValue,
    *,
    extra_fields: Literal["refuse", "allow"] = "refuse",
    normalise: Normalisation = "default",
    ignore_case: bool | None = None,
    extract: Extract = "fenced",
    duplicate_keys: DuplicateKeys = "last",
    tolerance: Tolerance = 0.0,
    relative_tolerance: Tolerance = 0.0,
    unordered: bool = False,
    dates: DateForm = "as_text",
    fields: Fields | None = None,
) -> float:
    """1 when the answer is JSON and the whole of it is the target, else 0; for a share, use `json_fields`.

    The target may be any JSON value, also a list or an empty object. Objects must have the target's fields and no
    others, at any depth; with `extra_fields: allow` further ones do not matter. A field that is null is not one that
    is missing. A target that is a text is compared with the JSON text of the answer: `"Paris"` with its quotes. All
    other options as for `json_fields`.
    """
    value = parse_json(text, extract=extract, duplicate_keys=duplicate_keys)
    if value is MISSING:
        return 0.0
    how = Comparison(normalise, ignore_case, tolerance, relative_tolerance, unordered, dates, fields or {})
    return float(same(expected, value, how, whole=extra_fields == "refuse"))
