"""Whatever a model says, and whatever is expected of it, a grader returns a score in [0, 1] and never raises."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalgate.exchange import Answer, JsonValue
from evalgate.graders import names, registry
from evalgate.suite import Case
from tests.conftest import JSON

JSON_LIKE = st.text(st.sampled_from('{}[]":,0123456789eE.-+ntrufalsdcxy \n`'), max_size=40)
ANSWERS = st.text(max_size=40) | JSON_LIKE | st.text(st.sampled_from("0123456789,.-+−eE٣ ²/"), max_size=30)
PATTERNS = st.text(st.sampled_from("ab()[]{}*+?|^$\\.dwsRPLVi<>:=!,1e&-~"), max_size=12)
KEYWORDS = ["type", "properties", "required", "pattern", "patternProperties", "additionalProperties", "items", "enum"]
KEYWORDS += ["$ref", "$defs", "allOf", "not", "multipleOf", "minLength", "uniqueItems", "unevaluatedProperties"]
SCHEMAS = st.dictionaries(
    st.sampled_from(KEYWORDS),
    JSON
    | st.sampled_from(["object", "array", "#", "#/$defs/a", "(", "(?R)"])
    | st.dictionaries(st.sampled_from(["a", "(", "^a"]), st.sampled_from([{}, False, {"type": "integer"}])),
    max_size=4,
)
EXTREME = [
    "",
    "\ud800",
    "\0",
    "9" * 100_000,
    "1e999",
    '{"a": 1, "a": 2}',
    '{"a": NaN}',
    '{"a": 1e308}',
    "[" * 1000 + "]" * 1000,
    "[" * 100_000,
    '{"a": ' * 500 + "1" + "}" * 500,
    "```json\n" * 1000,
    "a" * 200_000,
    "ﷺ" * 1000,
    "-" * 100_000,
    "1," * 50_000,
]


OPTIONS: dict[str, dict[str, object]] = {
    "classification": {"labels": ["a", "b"]},
    "cost": {"most_usd": 0.01},
    "judge": {"judge": "j", "rubric": "r"},
    "pairwise": {"judge": "j", "rubric": "r"},
    "latency": {"most_ms": 100.0},
    "length": {"least": 1},
}
OWN = names()
OWN.remove("python")  # scores what it is told to


def usable(name: str, expected: JsonValue) -> bool:
    return registry.find(name).problem_with(expected, OPTIONS.get(name, {})) is None


def graded(name: str, text: str, expected: JsonValue) -> float:
    found, options = registry.find(name), dict(OPTIONS.get(name, {}))
    if found.sees:
        options["seen"] = registry.Seen(Answer(text, "stop"), Case("c", "", expected))
    return found.score(text, expected, **options)


@pytest.mark.parametrize("name", OWN)
@given(ANSWERS, JSON | st.text(min_size=1, max_size=20))
@example("1", "1e5")
def test_any_answer_to_any_usable_expectation_has_a_score(name: str, text: str, expected: JsonValue) -> None:
    if usable(name, expected):
        assert 0.0 <= graded(name, text, expected) <= 1.0


@given(ANSWERS, PATTERNS)
@example("a", "(?L)a")
@example("a", "(?V0)(?V1)a")
@example("a", "(?au)a")
@example("a", "\\L<x>")
@example("a", "(" * 3000 + ")" * 3000)
def test_any_pattern_is_refused_before_it_is_used_or_gives_a_score(text: str, pattern: str) -> None:
    if usable("regex", pattern):
        assert registry.find("regex").score(text, pattern) in (0.0, 1.0)


@given(JSON.map(json.dumps) | JSON_LIKE, SCHEMAS)
@example("{}", {"$ref": "#/nope"})
@example("{}", {"$ref": "#"})
@example("{}", {"$ref": "https://example.com/schema"})
@example("{}", {"$dynamicRef": "#nope"})
@example('{"a": 1}', {"unevaluatedProperties": False, "$ref": "#/zz"})
@example('"a"', {"pattern": "[[:nope:]]"})
@example('{"a": 1}', {"patternProperties": {"[[:nope:]]": {}}})
@example("1", {"definitions": {"a": {"$ref": "#/nope"}}, "$ref": "#/definitions/a"})
@example("1", {"x": {"y": {"$ref": "#/nope"}}, "$ref": "#/x/y"})
@example("1", {"$id": "http://[", "$ref": "a"})
def test_any_schema_is_refused_before_it_is_used_or_gives_a_score(text: str, schema: JsonValue) -> None:
    if usable("json_schema", schema):
        assert registry.find("json_schema").score(text, schema) in (0.0, 0.5, 1.0)


@pytest.mark.parametrize("text", EXTREME, ids=range(len(EXTREME)))
def test_an_extreme_answer_has_a_score(text: str) -> None:
    tree = {"$ref": "#/$defs/tree", "$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}}}}
    expectations: dict[str, list[JsonValue]] = {
        "exact": ["a", 1],
        "contains": ["a"],
        "regex": ["(a+)+b", "^[0-9,]+$"],
        "numeric": [1, "1e300"],
        "json_schema": [{}, {"type": "object"}, tree],
        "json_fields": [{"a": 1}, {"a": {"a": [{"a": 2}]}}],
        "json_match": [{"a": 1}, []],
        "multiple_choice": ["A"],
        "classification": ["a"],
        "instructions": [[{"keywords:existence": {"keywords": ["a"]}}, "detectable_format:title"]],
        "forbidden": ["(a+)+b"],
        "refusal": [True],
        "pii": [None],
        "length": [None],
        "latency": [None],
        "cost": [None],
        "maths": ["10"],
        "tool_calls": [[], {"name": "f", "arguments": {"a": {"$any": True}}}],
        "tool_schema": [None],
        "tool_trigger": [True],
        "code": ["assert f()"],
        "sql": [{"setup": "CREATE TABLE t (a)", "rows": []}],
        "judge": ["a"],
        "pairwise": [None],
        **{name: ["a b"] for name in ("token_f1", "rouge_l", "edit_distance", "bleu", "chrf", "embedding_similarity")},
    }
    assert set(expectations) == set(OWN)
    for name, expected in expectations.items():
        for one in expected:
            assert 0.0 <= graded(name, text, one) <= 1.0
