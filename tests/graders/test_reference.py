"""What is told of graders is what they do: the schema for editors, and the reference."""

from __future__ import annotations

from functools import cache

import jsonschema
import pytest

from evalgate.graders import names, registry
from evalgate.graders.reference import as_markdown, entries, entry, with_graders
from evalgate.suite import SuiteFile
from tests.conftest import SUITE


@cache
def validator() -> jsonschema.Draft202012Validator:
    schema = with_graders(SuiteFile.model_json_schema(by_alias=True))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def fits(assertion: dict[str, object]) -> bool:
    return validator().is_valid({**SUITE, "assert": [assertion]})


@pytest.mark.parametrize(
    "assertion",
    [
        {"type": "exact", "value": "a", "normalise": "strict", "transform": "last_line", "threshold": 1},
        {"type": "regex", "pattern": "^a"},
        {"type": "json_schema", "schema": {"type": "object"}, "soft": True},
        {"type": "json_fields", "fields": {"due": {"dates": "any"}}, "transform": [{"after": "JSON:"}]},
        {"type": "classification", "labels": ["a", "b"]},
        {"type": "classification", "labels": {"a": ["x"], "b": []}},
        {"type": "latency", "most_ms": 100},
    ],
)
def test_an_assertion_that_works_fits_the_schema(assertion: dict[str, object]) -> None:
    assert fits(assertion)


@pytest.mark.parametrize(
    "assertion",
    [
        {"type": "exakt"},
        {"type": "exact", "pattern": "a"},
        {"type": "exact", "thresold": 1},
        {"type": "exact", "normalise": "no"},
        {"type": "classification"},
        {"type": "latency", "most_ms": 100, "value": 1},
        {"type": "latency", "most_ms": 0},
        {"type": "json_fields", "fields": {"due": {"dats": "any"}}},
        {"value": 1},
    ],
)
def test_an_assertion_that_cannot_work_does_not_fit_the_schema(assertion: dict[str, object]) -> None:
    assert not fits(assertion)


@pytest.mark.parametrize("name", names())
def test_every_grader_says_what_it_does_and_what_it_takes(name: str) -> None:
    told = entry(name)
    assert told.summary.endswith(".")
    assert len(told.summary) < 130
    assert {option.name for option in told.options} == set(registry.find(name).options)
    assert f"## `{name}`" in as_markdown()


def test_options_that_must_be_given_are_told_apart() -> None:
    needed = {(each.name, option.name) for each in entries() for option in each.options if option.needed}
    own = {("classification", "labels"), ("latency", "most_ms"), ("cost", "most_usd"), ("python", "function")}
    assert needed == own | {(name, option) for name in ("judge", "pairwise") for option in ("judge", "rubric")}
