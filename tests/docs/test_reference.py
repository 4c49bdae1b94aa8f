"""The references are those of the code, and leave no key without a word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from evalgate.cli.schema import PAGES
from tests.docs.pages import ROOT
from tests.docs.shell import parse, run
from tests.docs.test_files import SCHEMAS


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_is_that_of_the_code(name: str) -> None:
    code, printed = run(parse(f"evalgate schema {name} --markdown"), {})
    assert code == 0
    assert (ROOT / "docs" / f"{name}-reference.md").read_text() == printed, "run: make schemas"


def test_a_format_that_people_do_not_write_has_no_page() -> None:
    code, printed = run(parse("evalgate schema signal --markdown"), {})
    assert (code, "expected one of suite, catalog, gateway" in printed) == (2, True)


def _keys(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    schema = SCHEMAS[name]
    ours = {key: value for key, value in schema["$defs"].items() if not key.startswith("grader.") and key != "Rule"}
    for owner, definition in {name: schema, **ours}.items():
        yield from ((f"{owner}.{key}", value) for key, value in definition.get("properties", {}).items())


@pytest.mark.parametrize("name", PAGES)
def test_every_key_is_described(name: str) -> None:
    assert [key for key, value in _keys(name) if not value.get("description")] == []


@pytest.mark.parametrize("name", PAGES)
def test_examples_and_defaults_fit_what_they_are_of(name: str) -> None:
    for _, value in _keys(name):
        schema = {**value, "$defs": SCHEMAS[name]["$defs"]}
        defaults = [value["default"]] if value.get("default") not in (None, {}) else []
        for each in [*value.get("examples", []), *defaults]:
            jsonschema.validate(each, schema, cls=jsonschema.Draft202012Validator)
