"""From a suite's assertions to one function; every mistake is found before anything is asked."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import GraderError, InputError
from evalgate.exchange import Answer
from evalgate.graders import Grading, bind, grader, names, registry
from evalgate.graders.bind import GRADERS_VERSION
from evalgate.graders.expectations import a_scalar
from evalgate.suite import load_suite
from tests.conftest import outcome, pointed_at, suite_file


def bound(folder: Path, *assertions: object, **changes: object) -> Grading:
    return bind(load_suite(suite_file(folder, assert_=list(assertions), **changes)))


def refusal(folder: Path, *assertions: object, **changes: object) -> str:
    with pytest.raises(InputError) as caught:
        bound(folder, *assertions, **changes)
    return str(caught.value).replace(str(folder) + "/", "")


def score(folder: Path, text: str, *assertions: object) -> dict[str, float]:
    case = next(case for case in load_suite(suite_file(folder)).cases if case.id == "c1")
    return bound(folder, *assertions).grade(Answer(text, "stop"), case)


CONTAINS, EXACT = {"type": "contains", "value": "shade"}, {"type": "exact"}


def test_the_target_is_expected_unless_the_assertion_has_a_value(tmp_path: Path) -> None:
    assert score(tmp_path, "Shade 1.", EXACT) == {"score": 1.0}
    assert score(tmp_path, "Shade 1.", EXACT | {"value": "shade 2"}) == {"score": 0.0}


def test_assertions_of_one_metric_are_averaged_by_weight(tmp_path: Path) -> None:
    assert score(tmp_path, "a shade", CONTAINS | {"weight": 3}, EXACT) == {"score": 0.75}


def test_each_metric_has_a_score_of_its_own(tmp_path: Path) -> None:
    assert score(tmp_path, "a shade", CONTAINS | {"metric": "words"}, EXACT) == {"words": 1.0, "score": 0.0}


def test_a_threshold_makes_the_score_one_or_zero(tmp_path: Path) -> None:
    json_ = {"type": "json_schema", "value": {"type": "object"}, "soft": True}
    assert score(tmp_path, "[]", json_) == {"score": 0.5}
    assert score(tmp_path, "[]", json_ | {"threshold": 0.5}) == {"score": 1.0}
    assert score(tmp_path, "[]", json_ | {"threshold": 0.6}) == {"score": 0.0}


@given(st.lists(st.floats(0, 1_000_000, exclude_min=True), min_size=1, max_size=5), st.text(max_size=10))
def test_a_score_is_in_0_to_1_for_all_weights(
    tmp_path_factory: pytest.TempPathFactory, weights: list[float], text: str
) -> None:
    values = [{"type": "json_schema", "value": {}, "weight": weight} for weight in weights]
    assert 0.0 <= score(tmp_path_factory.getbasetemp(), text, *values, EXACT)["score"] <= 1.0


@pytest.mark.parametrize("answer", [Answer("shade 1", "error", error="reset"), Answer("", "refused", error="HTTP 400")])
def test_an_answer_that_failed_scores_zero_on_every_metric(tmp_path: Path, answer: Answer) -> None:
    case = load_suite(suite_file(tmp_path)).cases[0]
    grading = bound(tmp_path, CONTAINS | {"metric": "words", "value": "s"}, {"type": "regex", "value": ".*"})
    assert grading.grade(answer, case) == {"words": 0.0, "score": 0.0}


@pytest.mark.parametrize(
    ("assertion", "told"),
    [
        ({"type": "exakt"}, "assert.0.type: no grader 'exakt'; did you mean 'exact'?"),
        (EXACT | {"thresold": 1}, "assert.0.thresold: unknown key for grader 'exact'; did you mean 'threshold'?"),
        (EXACT | {"normalise": "no"}, "assert.0.normalise: Input should be 'default', 'strict' or 'none', got 'no'"),
        (EXACT | {"normalise": False}, "assert.0.normalise: Input should be 'default', 'strict' or 'none', got False"),
        (EXACT | {"reasoning": "drop"}, "assert.0.reasoning: input should be 'strip' or 'keep', got 'drop'"),
        (EXACT | {"reasonin": "keep"}, "assert.0.reasonin: unknown key for grader 'exact'; did you mean 'reasoning'?"),
        ({"type": "contains", "value": "\u200b"}, "assert.0.value: nothing is left of '\\u200b' when it is normalised"),
        (
            {"type": "numeric", "value": "3,5", "decimal": "point"},
            "assert.0.value: expected a number as value, got '3,5'",
        ),
        ({"type": "numeric", "value": 1, "tolerance": -1}, "assert.0.tolerance: Input should be greater than or equal"),
        ({"type": "numeric", "value": 1, "tolerance": "inf"}, "assert.0.tolerance: Input should be a finite number"),
        ({"type": "numeric", "value": "x"}, "assert.0.value: expected a number as value, got 'x'"),
        ({"type": "numeric"}, "cases.0: case 'c0': expected a number as target, got 'shade"),
        ({"type": "regex", "value": "("}, "assert.0.value: not a regular expression"),
        ({"type": "regex", "value": "(?V0)(?V1)"}, "assert.0.value: not a regular expression"),
        ({"type": "json_schema", "value": {"$ref": "#/x"}}, "assert.0.value: not a JSON schema"),
        (
            {"type": "json_schema", "value": {"format": "phone"}},
            "assert.0.value: not a JSON schema that can be used here: format 'phone' cannot be checked; expected",
        ),
        ({"type": "json_schema", "value": {}, "extract": "prose"}, "assert.0.extract: Input should be 'strict', 'fen"),
        ({"type": "json_schema"}, "cases.0: case 'c0': expected a JSON schema (an object) as 'value'"),
        ({"type": "regex", "pattern": "("}, "assert.0.pattern: not a regular expression"),
        ({"value": 1}, "assert.0.type: missing"),
    ],
)
def test_an_assertion_that_cannot_work_is_refused_with_its_place(
    tmp_path: Path, assertion: dict[str, object], told: str
) -> None:
    found = refusal(tmp_path, assertion)
    place, message = found.split(" ", 1)
    assert message.startswith(told)
    assert place.startswith("suite.yaml:1:")
    key = told.partition(":")[0].rpartition(".")[2]
    there = '{"id": "c0"' if key == "0" else f'"{key}": ' if key in assertion else json.dumps(assertion)
    assert pointed_at(found, tmp_path).startswith(there)


def test_a_case_without_the_target_that_a_grader_needs_is_named(tmp_path: Path) -> None:
    told = refusal(tmp_path, EXACT, cases=[{"id": "a", "input": 1, "target": 2}, {"id": "b", "input": 3}])
    message = told.partition(" ")[2]
    assert message.startswith("cases.1: case 'b': there is no target")
    assert pointed_at(told, tmp_path).startswith('{"id": "b", "input": 3}')
    needs = message.partition("which grader 'exact' needs (")[2]
    assert re.fullmatch(r"suite.yaml:1:\d+ assert.0\)", needs)
    assert pointed_at(needs, tmp_path).startswith('{"type": "exact"}')


CHANGES_A_SCORE: list[dict[str, object]] = [
    {"assert_": [EXACT | {"normalise": "strict"}]},
    {"assert_": [EXACT | {"reasoning": "keep"}]},
    {"assert_": [EXACT | {"weight": 2}]},
    {"assert_": [EXACT | {"value": "x"}]},
    {"assert_": [{"type": "contains"}]},
    {"cases": [{"id": "c0", "input": "number 0", "target": "other"}]},
]


@pytest.mark.parametrize("changes", CHANGES_A_SCORE)
def test_the_hash_changes_with_what_could_change_a_score(tmp_path: Path, changes: dict[str, object]) -> None:
    cases = [{"id": "c0", "input": "number 0", "target": "shade 0"}]
    plain = bind(load_suite(suite_file(tmp_path, cases=cases))).hash
    assert bind(load_suite(suite_file(tmp_path, **{"cases": cases, **changes}))).hash != plain


def test_the_hash_does_not_change_with_the_prompt_or_the_gate(tmp_path: Path) -> None:
    plain = bound(tmp_path, EXACT).hash
    assert bound(tmp_path, EXACT, prompt="{{ input }}", gate={"margin": 0.2}).hash == plain


def test_the_hash_does_not_change_with_the_order_of_the_cases(tmp_path: Path) -> None:
    cases = [{"id": f"c{n}", "input": n, "target": n} for n in range(5)]
    plain = bound(tmp_path, EXACT, cases=cases).hash
    assert bound(tmp_path, EXACT, cases=cases[::-1]).hash == plain
    assert bound(tmp_path, EXACT, cases=cases, gate={"margin": 0.05, "seed": 7}).hash == plain


def test_the_hash_changes_when_targets_change_places(tmp_path: Path) -> None:
    ids = ["c0", "c1"]
    one, other = (
        [{"id": name, "input": name, "target": target} for name, target in zip(ids, targets, strict=True)]
        for targets in (("a", "b"), ("b", "a"))
    )
    assert bound(tmp_path, EXACT, cases=one).hash != bound(tmp_path, EXACT, cases=other).hash


def test_the_hash_changes_with_the_version_of_the_graders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = bound(tmp_path, EXACT).hash
    monkeypatch.setattr(sys.modules[Grading.__module__], "GRADERS_VERSION", GRADERS_VERSION + 1)
    assert bound(tmp_path, EXACT).hash != plain


def test_reasoning_at_the_beginning_is_not_graded_unless_it_is_kept(tmp_path: Path) -> None:
    text = "<think>shade 2 or shade 1?</think>\n\nShade 1."
    assert score(tmp_path, text, EXACT) == {"score": 1.0}
    assert score(tmp_path, text, EXACT | {"reasoning": "keep"}) == {"score": 0.0}
    assert score(tmp_path, "<think>shade 1", {"type": "contains"}) == {"score": 0.0}
    assert score(tmp_path, "<think>shade 1", {"type": "contains", "reasoning": "keep"}) == {"score": 1.0}


def test_a_suite_that_says_nothing_of_reasoning_has_the_hash_of_before_there_was_a_word_for_it(tmp_path: Path) -> None:
    plain = load_suite(suite_file(tmp_path, assert_=[EXACT]))
    assert plain.file.model_dump(mode="json", by_alias=True)["assert"] == [
        {"type": "exact", "value": None, "threshold": None, "weight": 1.0, "metric": "score"}
    ]
    assert load_suite(suite_file(tmp_path, assert_=[EXACT | {"reasoning": "strip"}])).hash == plain.hash
    assert load_suite(suite_file(tmp_path, assert_=[EXACT | {"reasoning": "keep"}])).hash != plain.hash


def targets(*values: object) -> list[dict[str, object]]:
    return [{"id": f"c{number}", "input": number, "target": value} for number, value in enumerate(values)]


@pytest.mark.parametrize(
    ("assertion", "one", "other"),
    [
        (EXACT, "Paris", "paris."),
        (EXACT, "café", "cafe\u0301"),
        (EXACT, "init", "__init__"),
        (EXACT, "int", "int?"),
        ({"type": "contains"}, "Paris", "“Paris”"),
        (EXACT | {"normalise": "strict"}, "a b", "a  b"),
        (EXACT | {"normalise": "none", "ignore_case": True}, "A", "a"),
    ],
)
def test_two_targets_that_would_be_compared_as_one_are_refused(
    tmp_path: Path, assertion: dict[str, object], one: str, other: str
) -> None:
    told = refusal(tmp_path, assertion, cases=targets("x", one, "y", one, other))
    assert "once it is normalised; write both alike, or tell them apart with `normalise: strict` or `none`" in told
    assert repr(one) in told
    assert repr(other) in told
    assert re.match(r"suite.yaml:1:\d+ cases.4: case 'c4': target ", told)
    assert pointed_at(told, tmp_path).startswith('{"id": "c4"')
    before = told[told.index(" of case 'c") :]
    assert pointed_at(before, tmp_path).startswith(f'{{"id": "{before[10:12]}"')
    assertion_at = told[told.rindex("(") :]
    assert re.fullmatch(r"\(suite.yaml:1:\d+ assert.0\)", assertion_at)
    assert pointed_at(assertion_at, tmp_path).startswith('{"type": ')
    assert bound(tmp_path, assertion | {"normalise": "none", "ignore_case": False}, cases=targets(one, other, one))


def test_a_text_and_a_number_that_are_written_alike_are_one_target(tmp_path: Path) -> None:
    assert bound(tmp_path, EXACT, cases=targets(42, "42"))


def test_fields_that_would_be_compared_as_one_are_refused_by_name(tmp_path: Path) -> None:
    fields = {"type": "json_fields"}
    told = refusal(tmp_path, fields, cases=targets({"a": {"b": "Paris"}}, {"a": {"b": "PARIS"}, "c": 1}))
    assert "field 'a.b' of the target" in told
    assert "'Paris'" in told
    assert "'PARIS'" in told
    assert "field 'a[]' of the target" in refusal(tmp_path, fields, cases=targets({"a": ["x", "X"]}))
    assert bound(tmp_path, fields, cases=targets({"a": "Paris"}, {"b": "PARIS"}))


def test_only_what_is_held_against_targets_has_to_tell_them_apart(tmp_path: Path) -> None:
    assert bound(tmp_path, CONTAINS, {"type": "regex"}, cases=targets("Paris", "paris."))


@given(st.lists(st.sampled_from(["a", "A", "b", "b.", "c"]), min_size=1, max_size=8))
def test_targets_are_refused_exactly_when_two_become_equal(
    tmp_path_factory: pytest.TempPathFactory, values: list[str]
) -> None:
    found = outcome(lambda: bound(tmp_path_factory.getbasetemp(), EXACT, cases=targets(*values)))
    ambiguous = len(set(values)) > len({value.strip(".").lower() for value in values})
    assert isinstance(found, InputError) == ambiguous


def test_targets_are_read_in_the_notation_that_is_stated(tmp_path: Path) -> None:
    numeric = {"type": "numeric", "decimal": "comma", "unit": "kg"}
    case = load_suite(suite_file(tmp_path, cases=targets("1.234,5 kg"))).cases[0]
    grading = bound(tmp_path, numeric, cases=targets("1.234,5 kg"))
    assert grading.grade(Answer("1 234,5 kg", "stop"), case) == {"score": 1.0}
    assert grading.grade(Answer("1 234,5 g", "stop"), case) == {"score": 0.0}


def test_only_a_suite_with_a_schema_waits_for_the_library_behind_it() -> None:
    code = "import sys, evalgate.graders; sys.exit('jsonschema' in sys.modules or 'regex' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_grader_is_one_small_function(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))

    @grader("length", expects=a_scalar)
    def length(text: str, expected: object, *, least: int = 1) -> float:
        del expected
        return len(text) / least

    assert "length" in names()
    assert score(tmp_path, "abc", {"type": "length", "least": 4}) == {"score": 0.75}
    assert score(tmp_path, "abcdef", {"type": "length", "least": 4}) == {"score": 1.0}
    assert "did you mean 'least'?" in refusal(tmp_path, {"type": "length", "leats": 4})


def test_a_grader_that_raises_is_an_error_of_the_run_and_no_zero(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))

    @grader("broken", expects=a_scalar)
    def broken(text: str, expected: object) -> float:
        raise LookupError(f"{text} is not {expected}")

    with pytest.raises(GraderError) as caught:
        score(tmp_path, "abc", {"type": "broken"})
    told = str(caught.value).replace(str(tmp_path) + "/", "")
    assert re.match(
        r"suite.yaml:1:\d+ assert.0: grader 'broken' failed on the answer to case 'c1' \(suite.yaml:1:\d+ ", told
    )
    assert pointed_at(told, tmp_path).startswith('{"type": "broken"}')
    assert pointed_at(told[told.index("(") :], tmp_path).startswith('{"id": "c1"')
    assert "LookupError: abc is not shade 1 [test_bind.py:" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_grader_may_ask_for_the_whole_answer_its_case_and_who_gave_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    got: list[registry.Seen] = []

    @grader("curious", expects=a_scalar)
    def curious(text: str, expected: object, *, seen: registry.Seen) -> float:
        got.append(seen)
        return float(text == "c" and expected == "shade 1")

    case = next(case for case in load_suite(suite_file(tmp_path)).cases if case.id == "c1")
    answer = Answer("a b\nc", "stop", latency_ms=5.0)
    grading = bound(tmp_path, {"type": "curious", "transform": "last_line"})
    assert grading.grade(answer, case) == {"score": 1.0}
    assert got == [registry.Seen(answer, case)]
    assert "no key 'seen'" not in refusal(tmp_path, {"type": "curious", "seen": 1})


def test_an_option_without_a_default_must_be_given(tmp_path: Path) -> None:
    told = refusal(tmp_path, {"type": "latency"})
    assert re.fullmatch(r"suite.yaml:1:\d+ assert.0.type: grader 'latency' needs 'most_ms'", told)
    assert pointed_at(told, tmp_path).startswith('"type": "latency"}')


@pytest.mark.parametrize(
    ("assertion", "good", "bad"),
    [
        ({"type": "regex", "pattern": "^a"}, "abc", "cba"),
        ({"type": "json_schema", "schema": {"type": "array"}}, "[]", "{}"),
        ({"type": "forbidden", "patterns": ["x", "y"]}, "z", "y"),
        ({"type": "instructions", "checks": ["punctuation:no_comma"]}, "a", "a, b"),
    ],
)
def test_a_value_may_be_called_what_it_is(tmp_path: Path, assertion: dict[str, object], good: str, bad: str) -> None:
    assert score(tmp_path, good, assertion) == {"score": 1.0}
    assert score(tmp_path, bad, assertion) == {"score": 0.0}
    [word] = set(assertion) - {"type"}
    assert f"assert.0.{word}: another word for 'value'" in refusal(tmp_path, assertion | {"value": assertion[word]})
    assert f"assert.0.{word}: empty" in refusal(tmp_path, assertion | {word: None})


def test_a_value_is_refused_where_nothing_is_made_of_it(tmp_path: Path) -> None:
    told = refusal(tmp_path, {"type": "pii", "value": "a"})
    assert "assert.0.value: grader 'pii' takes no value" in told
