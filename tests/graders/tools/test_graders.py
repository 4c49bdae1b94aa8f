"""The graders of tool calls, as a suite uses them."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.exchange import Answer, JsonValue
from evalgate.graders import bind
from evalgate.graders.tools.graders import held_against
from evalgate.report.kinds import faults_of_calls
from evalgate.suite import Suite, load_suite
from evalgate.validate import validate
from tests.conftest import suite_file

WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "unit": {"type": "string"},
        "at": {"type": "object"},
        "tags": {"type": "array"},
    },
    "required": ["city"],
}
TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "now"}},
]


def called(*calls: tuple[str, JsonValue], text: str = "") -> Answer:
    made = [{"function": {"name": name, "arguments": json.dumps(given)}} for name, given in calls]
    return Answer(text, "tool_calls" if calls else "stop", details={"tool_calls": made} if calls else {})


def score(folder: Path, target: JsonValue, answer: Answer, type_: str = "tool_calls", **options: JsonValue) -> float:
    cases = [{"id": "a", "input": "x", "target": target}]
    suite = load_suite(
        suite_file(folder, cases=cases, generation={"tools": TOOLS}, assert_=[{"type": type_, **options}])
    )
    return bind(suite).grade(answer, suite.cases[0])["score"]


def weather(**arguments: JsonValue) -> tuple[str, JsonValue]:
    return "weather", arguments


def meant(**arguments: JsonValue) -> JsonValue:
    return {"name": "weather", "arguments": arguments}


PARIS, ROME = meant(city="Paris"), meant(city="Rome")


@pytest.mark.parametrize(
    ("target", "answer", "expected"),
    [
        ([PARIS], called(weather(city="Paris")), 1),
        (PARIS, called(weather(city="Paris")), 1),
        ([PARIS], called(weather(city="Paris"), text="I look it up."), 1),
        ([PARIS], called(weather(city="paris")), 0),
        ([PARIS], called(weather(city="Paris.")), 0),
        ([PARIS], called(weather(city="Paris", days=1)), 0),
        ([PARIS], called(), 0),
        ([PARIS], called(("now", {"city": "Paris"})), 0),
        ([PARIS], called(weather(city="Paris"), weather(city="Paris")), 0),
        ([PARIS, ROME], called(weather(city="Rome"), weather(city="Paris")), 1),
        ([PARIS, ROME], called(weather(city="Rome"), weather(city="Rome")), 0),
        ([], called(), 1),
        ([], called(weather(city="Paris")), 0),
        ([{"name": "now"}], called(("now", {})), 1),
        ([meant(city="A", days=2)], called(weather(city="A", days=2.0)), 1),
        ([meant(city="A", days=1)], called(weather(city="A", days=True)), 0),
        ([meant(city="A", days=2)], called(weather(city="A", days="2")), 0),
        ([meant(city="A", at={"lat": {"deg": 1}})], called(weather(city="A", at={"lat": {"deg": 1}})), 1),
        ([meant(city="A", at={"lat": {"deg": 1}})], called(weather(city="A", at={"lat": {"deg": 2}})), 0),
        ([meant(city="A", at={"lat": {"deg": 1}})], called(weather(city="A", at={"lat": {"deg": 1, "x": 0}})), 0),
        ([meant(city="A", tags=[1, 2])], called(weather(city="A", tags=[2, 1])), 0),
        ([meant(city={"$one_of": ["Paris", "Paris, France"]})], called(weather(city="Paris, France")), 1),
        ([meant(city={"$one_of": ["Paris", "Paris, France"]})], called(weather(city="France")), 0),
        ([meant(city="A", unit={"$optional": "c"})], called(weather(city="A")), 1),
        ([meant(city="A", unit={"$optional": "c"})], called(weather(city="A", unit="c")), 1),
        ([meant(city="A", unit={"$optional": "c"})], called(weather(city="A", unit="f")), 0),
        ([meant(city="A", unit={"$optional": {"$one_of": ["c", "C"]}})], called(weather(city="A", unit="C")), 1),
        ([meant(city={"$any": True})], called(weather(city="whatever")), 1),
        ([meant(city={"$any": True})], called(weather(city=3)), 0),
        ([meant(city={"$any": True})], called(weather()), 0),
    ],
)
def test_the_calls_are_those_of_the_target(tmp_path: Path, target: JsonValue, answer: Answer, expected: int) -> None:
    assert score(tmp_path, target, answer) == expected


@pytest.mark.parametrize(
    ("options", "target", "answer", "expected"),
    [
        ({"arguments": "schema"}, [PARIS], called(weather(city="Rome")), 1),
        ({"arguments": "schema"}, [PARIS], called(weather(town="Rome")), 0),
        ({"arguments": "any"}, [PARIS], called(weather(town="Rome")), 1),
        ({"order": "given"}, [PARIS, ROME], called(weather(city="Rome"), weather(city="Paris")), 0),
        ({"order": "given"}, [PARIS, ROME], called(weather(city="Paris"), weather(city="Rome")), 1),
        ({"extra_calls": "allow"}, [PARIS], called(("now", {}), weather(city="Paris")), 1),
        ({"extra_calls": "allow"}, [], called(("now", {})), 0),
        ({"partial": True}, [PARIS, ROME], called(weather(city="Rome")), 0.5),
        ({"partial": True}, [PARIS], called(weather(city="Paris"), ("now", {})), 0.5),
        ({"partial": True}, [], called(), 1),
        ({"ignore_case": True, "normalise": "strict"}, [PARIS], called(weather(city=" paris ")), 1),
        ({"ignore_punctuation": True}, [meant(city="St. Paul")], called(weather(city="st paul")), 1),
        ({"tolerance": 1.0}, [meant(city="A", days=3)], called(weather(city="A", days=4)), 1),
        ({"unordered": True}, [meant(city="A", tags=[1, 2])], called(weather(city="A", tags=[2, 1])), 1),
    ],
)
def test_options_loosen_what_counts(
    tmp_path: Path, options: dict[str, JsonValue], target: JsonValue, answer: Answer, expected: float
) -> None:
    assert score(tmp_path, target, answer, **options) == expected


def test_a_call_that_fits_two_expectations_is_given_to_the_one_that_needs_it(tmp_path: Path) -> None:
    either = meant(city={"$one_of": ["Paris", "Rome"]})
    assert score(tmp_path, [either, PARIS], called(weather(city="Paris"), weather(city="Rome"))) == 1


@pytest.mark.parametrize(
    ("answer", "faults"),
    [
        (called(weather(city="Rome")), {"WrongArguments": 1}),
        (called(weather(town="Paris")), {"SchemaMismatch": 1}),
        (called(("wether", {"city": "Paris"})), {"UnknownName": 1}),
        (called(("now", {})), {"ExtraCall": 1, "MissingCall": 1}),
        (called(), {"MissingCall": 1}),
        (called(weather(city="Paris"), ("now", {})), {"ExtraCall": 1}),
        (Answer("", "stop", details={"tool_calls": [{"function": {"name": "now", "arguments": "{"}}]}), None),
    ],
)
def test_what_is_wrong_is_named(answer: Answer, faults: dict[str, int] | None) -> None:
    held = held_against(answer, [PARIS], {"weather": WEATHER, "now": None})
    assert dict(held.faults) == (faults if faults is not None else {"InvalidJson": 1, "MissingCall": 1})


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.integers())
def test_the_order_of_parallel_calls_makes_no_difference(cities: list[int], seed: int) -> None:
    shuffled = Random(seed).sample(cities, len(cities))
    target: JsonValue = [meant(city={"$one_of": [str(city), str(city + 1)]}) for city in cities]
    held = held_against(called(*(weather(city=str(city)) for city in shuffled)), target, {"weather": WEATHER})
    assert held.matched == len(cities)
    assert not held.faults


@pytest.mark.parametrize(
    ("type_", "target", "answer", "options", "expected"),
    [
        ("tool_schema", None, called(weather(city="A"), ("now", {})), {}, 1),
        ("tool_schema", None, called(weather(city="A"), weather(city=1)), {}, 0),
        ("tool_schema", None, called(), {}, 0),
        ("tool_schema", None, called(), {"without_call": 1}, 1),
        ("tool_trigger", True, called(("now", {})), {}, 1),
        ("tool_trigger", False, called(("now", {})), {}, 0),
        ("tool_trigger", [], called(text="hello"), {}, 1),
        ("tool_trigger", [PARIS], called(text="hello"), {}, 0),
    ],
)
def test_schema_and_trigger(
    tmp_path: Path, type_: str, target: JsonValue, answer: Answer, options: dict[str, JsonValue], expected: float
) -> None:
    assert score(tmp_path, target, answer, type_, **options) == expected


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("weather", "expected a list of calls with name and arguments as target, got 'weather'"),
        ([{"arguments": {}}], "expected a list of calls with name and arguments as target"),
        ([{"name": "weather", "args": {}}], "unknown key 'args' in the call of 'weather'"),
        ([{"name": "weather", "arguments": []}], "the arguments of 'weather' are no object"),
        ([{"name": "wether", "arguments": {"city": "A"}}], "which is not offered; did you mean 'weather'?"),
        (
            [{"name": "weather", "arguments": {"town": "A"}}],
            "the target's arguments of 'weather' do not fit its schema",
        ),
        ([meant(city={"$one_of": []})], "$one_of needs a list of alternatives"),
        ([meant(city={"$any": False})], "$any is true"),
        ([meant(city={"$any": True, "a": 1})], "$any stands alone"),
        ([meant(city="A", tags=[{"$optional": 1}])], "$optional is for what an object holds"),
        ([PARIS] * 129, "expected at most 128 calls as target, got 129"),
    ],
)
def test_a_target_that_nobody_could_meet_is_refused(tmp_path: Path, target: JsonValue, told: str) -> None:
    with pytest.raises(InputError) as caught:
        score(tmp_path, target, called())
    assert told in str(caught.value)
    assert "suite.yaml:1" in str(caught.value)


def test_a_suite_that_offers_no_tools_is_refused(tmp_path: Path) -> None:
    suite = load_suite(suite_file(tmp_path, assert_=[{"type": "tool_calls", "value": []}]))
    with pytest.raises(InputError, match="a model that is offered no tools calls none"):
        bind(suite)


def suite_with_own_tools(folder: Path, *, suite_tools: bool = False, **changes: object) -> Suite:
    """Two cases with tools of their own that have one name and other arguments."""
    cases = [
        {
            "id": each,
            "input": f"Where is {each}?",
            "tools": [{"function": {"name": "find", "parameters": {"type": "object", "required": [each]}}}],
            "target": [{"name": "find", "arguments": {each: 1}}],
        }
        for each in ("cat", "dog")
    ]
    common = {"tools": TOOLS} if suite_tools else {}
    content = {"prompt": [{"role": "user", "content": "{{ input }}"}], "cases": cases, **common, **changes}
    return load_suite(suite_file(folder, **content))


@pytest.mark.parametrize("suite_tools", [False, True])
def test_calls_are_held_against_the_tools_that_the_case_brings(tmp_path: Path, suite_tools: bool) -> None:
    assertions = [{"type": "tool_calls"}, {"type": "tool_schema", "metric": "schema"}]
    suite = suite_with_own_tools(tmp_path, suite_tools=suite_tools, assert_=assertions)
    grading = bind(suite)
    for case, other in (("cat", "dog"), ("dog", "cat")):
        asked = next(each for each in suite.cases if each.id == case)
        assert grading.grade(called(("find", {case: 1})), asked) == {"score": 1.0, "schema": 1.0}
        assert grading.grade(called(("find", {other: 1})), asked) == {"score": 0.0, "schema": 0.0}
        assert grading.grade(called(weather(city="Paris")), asked) == {"score": 0.0, "schema": 0.0}


def test_a_suite_whose_cases_bring_their_tools_can_be_validated(tmp_path: Path) -> None:
    assertions = [{"type": "tool_calls"}, {"type": "tool_schema", "metric": "schema"}]
    trials = validate(suite_with_own_tools(tmp_path, assert_=assertions)).trials
    assert [(trial.grader, trial.right, trial.confused) for trial in trials] == [
        ("tool_calls", 2, 0.0),
        ("tool_schema", 2, 0.0),
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"target": [{"name": "fnd", "arguments": {}}]}, "which is not offered; did you mean 'find'?"),
        ({"target": [{"name": "find", "arguments": {}}]}, "do not fit its schema, so no answer could be right"),
        ({"tools": None}, "tools: case 'cat': missing; the suite has none either"),
        (
            {"tools": [{"function": {"name": "find", "parameters": {"type": "object", "required": 1}}}]},
            "tools.0.function.parameters: the parameters of 'find': not a JSON schema",
        ),
    ],
)
def test_what_cannot_be_met_with_the_cases_own_tools_is_refused(
    tmp_path: Path, change: dict[str, object], told: str
) -> None:
    own = suite_with_own_tools(tmp_path, assert_=[{"type": "tool_calls"}])
    cases = [{"id": c.id, "input": c.input, "tools": c.tools, "target": c.target} for c in own.source]
    cases[0] |= change  # type: ignore[arg-type]
    with pytest.raises(InputError) as caught:
        bind(suite_with_own_tools(tmp_path, cases=cases, assert_=[{"type": "tool_calls"}]))
    assert told in str(caught.value)
    assert "cases.0" in str(caught.value)


def test_faults_are_told_by_the_tools_that_the_case_brings(tmp_path: Path) -> None:
    suite = suite_with_own_tools(tmp_path, suite_tools=True, assert_=[{"type": "tool_calls"}])
    ours = {case.id: called(("find", {case.id: 1})) for case in suite.cases}
    theirs = {"cat": called(("find", {"dog": 1})), "dog": called(weather(city="Paris"))}
    found = faults_of_calls(bind(suite), suite, list(suite.cases), ours, theirs)
    told = {
        kind: (base.with_fault.get(kind, 0), variant.with_fault.get(kind, 0)) for kind, (base, variant) in found.items()
    }
    assert told == {"UnknownName": (0, 1), "SchemaMismatch": (0, 1)}
