"""The answer that a target means scores 1, whatever the target: or `evalgate validate` would accuse good suites."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evalgate.exchange import Answer, JsonValue
from evalgate.graders import bind, names, registry
from evalgate.graders.ideal import calling
from evalgate.graders.sandbox.grader import Task
from evalgate.graders.transform import extract_code, fenced, undone
from evalgate.suite import Case, load_suite
from tests.conftest import JSON, suite_file
from tests.graders.test_any_answer import OPTIONS

MADE = [name for name in names() if registry.find(name).ideal is not None]
CHEAP = [name for name in MADE if name not in ("code", "sql", "maths", "embedding_similarity")]
TOOLS = [{"type": "function", "function": {"name": "get", "parameters": {"type": "object"}}}]
CALL: JsonValue = [{"name": "get", "arguments": {"city": {"$one_of": ["Paris", "Rome"]}, "days": {"$optional": 1.50}}}]


def test_graders_that_need_a_model_a_price_or_a_judge_make_none() -> None:
    without = {name for name in names() if name not in MADE}
    assert without == {
        *("cost", "latency", "length", "judge", "pairwise", "python"),
        *("forbidden", "pii", "regex", "json_schema", "tool_schema", "instructions"),
    }


TEXTS = st.text(min_size=1, max_size=20)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(["1,204.50", "3/4", "½"])
OBJECTS = st.dictionaries(TEXTS, JSON, min_size=1, max_size=3)
CALLS = st.lists(
    st.fixed_dictionaries({"name": TEXTS, "arguments": st.dictionaries(TEXTS, JSON, max_size=3)}), max_size=3
)
TARGETS: dict[str, st.SearchStrategy[JsonValue]] = {
    "exact": TEXTS | NUMBERS | st.booleans(),
    "numeric": NUMBERS,
    "multiple_choice": st.sampled_from(["A", "b", "(C)", "D."]),
    "classification": st.sampled_from(["a", "b"]),
    "json_match": JSON,
    "json_fields": OBJECTS,
    "refusal": st.booleans(),
    "tool_calls": CALLS,
    "tool_trigger": CALLS | st.booleans(),
}


@pytest.mark.parametrize("name", CHEAP)
@given(st.data())
def test_the_answer_of_any_usable_target_scores_1(name: str, data: st.DataObject) -> None:
    found, options = registry.find(name), dict(OPTIONS.get(name, {}))
    expected = data.draw(TARGETS.get(name, TEXTS))
    assume(found.problem_with(expected, options) is None)
    answer = found.ideal_answer(expected, options)
    assert answer is not None
    assume(answer.text.strip() or answer.details)  # who says nothing scores 0, and no target can be that
    if found.sees:
        options["seen"] = registry.Seen(answer, Case("c", "", expected))
    assert found.score(answer.text, expected, **options) == pytest.approx(1)


@pytest.mark.parametrize(
    ("assertion", "target"),
    [
        ({"type": "exact"}, "Paris."),
        ({"type": "exact", "transform": {"after": "Answer:"}}, "42"),
        ({"type": "exact", "transform": "extract_code"}, "```\nx\n```"),
        ({"type": "exact", "transform": ["last_line", {"after": "Label:"}]}, "ham"),
        ({"type": "numeric"}, 1204.50),
        ({"type": "numeric", "decimal": "comma", "unit": ["kg", "kilo"]}, 1.5),
        ({"type": "numeric", "marker": "Ergebnis:"}, "3/4"),
        ({"type": "numeric", "percent": "fraction"}, "15%"),
        ({"type": "maths"}, r"\frac{1}{2}"),
        ({"type": "maths"}, r"$x^2 + 1$"),
        ({"type": "multiple_choice", "letters": "ABCD"}, "(c)"),
        ({"type": "classification", "labels": {"spam": ["junk"], "ham": []}}, "spam"),
        ({"type": "json_match"}, "a text, which is JSON in quotes"),
        ({"type": "json_fields"}, {"total": 1204.50, "lines": [{"a": None}]}),
        ({"type": "token_f1"}, ["one reference", "another"]),
        ({"type": "bleu"}, ["Hello!"]),
        ({"type": "chrf"}, "é"),
        ({"type": "embedding_similarity"}, "a colour"),
        ({"type": "refusal"}, True),
        ({"type": "refusal"}, False),
        ({"type": "sql", "setup": "CREATE TABLE t (a); INSERT INTO t VALUES (1)"}, "SELECT a FROM t"),
        ({"type": "code"}, {"tests": "assert f() == 1", "solution": "def f():\n    return 1"}),
        ({"type": "code", "extract": "whole"}, {"cases": [{"input": "", "output": "1"}], "solution": "print(1)"}),
        ({"type": "tool_calls"}, CALL),
        ({"type": "tool_calls"}, []),
        ({"type": "tool_trigger"}, CALL),
        ({"type": "tool_trigger"}, False),
    ],
)
def test_the_answer_of_a_target_scores_1_with_the_options_of_the_assertion(
    tmp_path: Path, assertion: dict[str, object], target: JsonValue
) -> None:
    tools = {"generation": {"tools": TOOLS}} if str(assertion["type"]).startswith("tool") else {}
    cases = [{"id": "a", "input": "?", "target": target}]
    suite = load_suite(suite_file(tmp_path, assert_=[assertion], cases=cases, **tools))
    [bound] = bind(suite).metrics["score"]
    answer = bound.ideal(suite.cases[0])
    assert answer is not None
    assert bound.grade(registry.Seen(answer, suite.cases[0])) == pytest.approx(1)


@pytest.mark.parametrize(
    ("assertion", "target"),
    [
        ({"type": "code"}, "assert f() == 1"),
        ({"type": "sql"}, {"setup": "CREATE TABLE t (a)", "rows": []}),
        ({"type": "tool_calls"}, [{"name": "get", "arguments": {"city": {"$any": True}}}]),
        ({"type": "exact", "transform": {"regex": r"\d+"}}, "7"),
    ],
)
def test_no_answer_is_made_up_where_a_target_does_not_say_one(
    tmp_path: Path, assertion: dict[str, object], target: JsonValue
) -> None:
    tools = {"generation": {"tools": TOOLS}} if str(assertion["type"]).startswith("tool") else {}
    cases = [{"id": "a", "input": "?", "target": target}]
    suite = load_suite(suite_file(tmp_path, assert_=[assertion], cases=cases, **tools))
    assert bind(suite).metrics["score"][0].ideal(suite.cases[0]) is None


def test_a_solution_is_a_text_and_changes_no_score() -> None:
    with pytest.raises(ValueError, match="a solution as a text"):
        Task.of({"tests": "assert f()", "solution": 1})
    plain, solved = Task.of({"tests": "assert f()"}), Task.of({"tests": "assert f()", "solution": "x"})
    assert (plain.prefix, plain.tests, plain.cases) == (solved.prefix, solved.tests, solved.cases)


def test_steps_are_undone_from_the_last_to_the_first() -> None:
    assert undone(["last_line"], "a") == "a"
    assert undone([], "a") == "a"


@given(st.text("`a\n", min_size=1, max_size=12).filter(lambda text: bool(text.strip())))
def test_what_is_put_into_a_fence_is_what_is_taken_out_of_it(text: str) -> None:
    assert extract_code(fenced(text)) == text + "\n"


def test_calls_have_the_shape_in_which_servers_send_them() -> None:
    made = calling([("get", {"city": "Paris"})])
    function = {"name": "get", "arguments": '{"city":"Paris"}'}
    assert made.details["tool_calls"] == [{"id": "call_0", "type": "function", "function": function}]
    assert isinstance(made, Answer)
