"""Configurations of promptfoo as suites: prompts, tests, what each asserts, and what is lost."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.starting.draft import Draft
from evalgate.starting.promptfoo import read_promptfoo
from evalgate.starting.promptfoo_tests import expected
from tests.conftest import JSON, written

LOGS = Path(__file__).parents[1] / "fixtures" / "logs" / "promptfoo-0.123.1"


def read(folder: Path, number: int | None = None, **config: Any) -> list[Draft]:
    said = {"prompts": ["{{ q }}"], "providers": ["openai:chat:m"], **config}
    path = written(folder, "promptfooconfig.yaml", {key: value for key, value in said.items() if value is not None})
    return read_promptfoo(path, "op", number)


def case(question: str, *asserted: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"vars": {"q": question, **more}, "assert": list(asserted)}


def equals(value: str) -> dict[str, Any]:
    return {"type": "equals", "value": value}


def test_values_that_differ_become_targets_and_one_for_all_stays(tmp_path: Path) -> None:
    common = {"assert": [{"type": "contains", "value": "x"}]}
    (draft,) = read(tmp_path, defaultTest=common, tests=[case("a", equals("1")), case("b", equals("2"))])
    assert draft.assertions == [
        {"type": "contains", "normalise": "none", "value": "x"},
        {"type": "exact", "normalise": "none"},
    ]
    assert [(row["input"], row["target"]) for row in draft.rows] == [("a", "1"), ("b", "2")]


def test_tests_that_assert_different_things_are_several_suites(tmp_path: Path) -> None:
    tests = [case("a", equals("1")), case("b", equals("2")), case("c", {"type": "is-json"})]
    drafts = read(tmp_path, tests=tests)
    assert [(draft.operation, len(draft.rows)) for draft in drafts] == [("op", 2), ("op_2", 1)]
    assert any("2 suites" in remark for remark in drafts[0].told)


def test_of_more_than_six_kinds_the_rest_is_counted(tmp_path: Path) -> None:
    tests = [case(str(n), {"type": "latency", "threshold": n + 1}) for n in range(8)]
    drafts = read(tmp_path, tests=tests)
    assert len(drafts) == 6
    assert any("left out 2 tests" in remark for remark in drafts[0].told)


def test_a_value_that_no_case_has_room_for_is_a_comment_at_its_place(tmp_path: Path) -> None:
    tests = [case(q, equals(q), {"type": "contains", "value": q * 2}) for q in "ab"]
    (draft,) = read(tmp_path, tests=tests)
    assert draft.assertions[0] == {"type": "exact", "normalise": "none"}
    (lost,) = draft.everything_unsaid
    assert "a case has one target" in lost.why


def test_two_assertions_of_one_value_share_the_target(tmp_path: Path) -> None:
    tests = [case(q, equals(q), {"type": "contains", "value": q}) for q in "ab"]
    (draft,) = read(tmp_path, tests=tests)
    assert [each["type"] for each in draft.assertions] == ["exact", "contains"]  # type: ignore[index]
    assert not draft.everything_unsaid


def test_a_test_of_which_nothing_is_left_is_left_out_and_counted(tmp_path: Path) -> None:
    tests = [case("a", equals("1")), case("b", {"type": "javascript", "value": "1"}), case("c")]
    (draft,) = read(tmp_path, tests=tests)
    assert [row["input"] for row in draft.rows] == ["a"]
    assert any("left out 2 tests" in remark for remark in draft.told)
    assert any("javascript" in lost.what for lost in draft.unsaid)


@pytest.mark.parametrize("tests", [[case("a", {"type": "javascript", "value": "1"})], [case("a")]])
def test_a_suite_that_would_assert_nothing_is_refused(tmp_path: Path, tests: list[Any]) -> None:
    with pytest.raises(InputError, match="green for everybody"):
        read(tmp_path, tests=tests)


def test_where_only_latency_is_left_of_what_was_asserted_nothing_is(tmp_path: Path) -> None:
    slow, code = {"type": "latency", "threshold": 9}, {"type": "javascript", "value": "1"}
    with pytest.raises(InputError, match="green for everybody"):
        read(tmp_path, tests=[case("a", slow, code)])
    (draft,) = read(tmp_path, tests=[case("a", slow)])
    assert draft.assertions == [{"type": "latency", "metric": "latency", "most_ms": 9}]


def test_a_schema_that_cannot_be_used_here_is_a_comment(tmp_path: Path) -> None:
    schema = {"type": "is-json", "value": {"$ref": "https://elsewhere.example/schema"}}
    (draft,) = read(tmp_path, tests=[case("a", equals("1"), schema)])
    assert [each.partly for each in draft.everything_unsaid] == [False]


def test_another_scale_is_said_behind_the_grader(tmp_path: Path) -> None:
    (draft,) = read(tmp_path, tests=[case("a", {"type": "levenshtein", "value": "x"})])
    (told,) = draft.everything_unsaid
    assert told.line.startswith('not the same: "edit_distance" (promptfoo passes at a distance of at most 5')


def test_a_transform_by_code_takes_its_assertions_along(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="transform changes the answer by code"):
        read(tmp_path, defaultTest={"options": {"transform": "output.trim()"}}, tests=[case("a", equals("1"))])


def test_lists_of_values_are_taken_apart(tmp_path: Path) -> None:
    (draft,) = read(
        tmp_path,
        prompts=["{{ q }} in {{ l }}"],
        tests=[{"vars": {"q": ["a", "b"], "l": ["x", "y"]}, "assert": [equals("1")]}],
    )
    assert [row["input"] for row in draft.rows] == [{"q": q, "l": lang} for q in "ab" for lang in "xy"]
    assert draft.prompt == [{"role": "user", "content": "{{ input.q }} in {{ input.l }}"}]


def test_values_are_filled_with_the_tests_variables(tmp_path: Path) -> None:
    tests = [case(q, equals("{{ answer }}"), answer=q.upper()) for q in "ab"]
    (draft,) = read(tmp_path, tests=tests)
    assert [row["target"] for row in draft.rows] == ["A", "B"]


def test_what_the_prompt_does_not_read_is_metadata(tmp_path: Path) -> None:
    tests = [{**case(q, equals(q), area="x"), "metadata": {"team": "y"}, "description": f"about {q}"} for q in "ab"]
    (draft,) = read(tmp_path, tests=tests)
    assert draft.rows[0]["metadata"] == {"team": "y", "area": "x", "description": "about a"}


def test_a_chat_prompt_in_a_file_stays_one(tmp_path: Path) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "{{ q }}"}]
    (tmp_path / "chat.json").write_text(json.dumps(messages))
    (draft,) = read(tmp_path, prompts=["file://chat.json"], tests=[case("a", equals("1"))])
    assert draft.prompt == [messages[0], {"role": "user", "content": "{{ input }}"}]


def test_a_text_file_may_hold_several_prompts(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("One: {{ q }}\n---\nTwo: {{ q }}\n")
    tests = [case("a", equals("1"))]
    with pytest.raises(InputError, match=r"has 2 prompts.*--prompt-number N\n  1: One"):
        read(tmp_path, prompts=["file://p.txt"], tests=tests)
    (draft,) = read(tmp_path, 2, prompts=["file://p.txt"], tests=tests)
    assert draft.prompt == [{"role": "user", "content": "Two: {{ input }}"}]


def test_a_completion_provider_gets_a_text(tmp_path: Path) -> None:
    (draft,) = read(tmp_path, providers=["openai:completion:m"], tests=[case("a", equals("1"))])
    assert draft.prompt == "{{ input }}"


def test_sampling_that_all_providers_agree_on_is_taken(tmp_path: Path) -> None:
    providers = [
        {"id": f"openai:{n}", "config": {"temperature": 0.3, "max_tokens": n, "apiKey": "sk-" + "x" * 30}}
        for n in (5, 6)
    ]
    (draft,) = read(tmp_path, providers=providers, tests=[case("a", equals("1"))])
    assert draft.generation == {"temperature": 0.3}
    assert any("different max_tokens" in remark for remark in draft.told)


def test_tables_of_tests_with_their_own_columns(tmp_path: Path) -> None:
    head = "\ufeffq,__expected1,__expected2,__metric,__metadata:area"
    table = f'{head}\n"a, b",contains: z,is-json,m,x\nc,contains: y,is-json,m,\n'
    (tmp_path / "t.csv").write_text(table, encoding="utf-8")
    (draft,) = read(tmp_path, tests="file://t.csv")
    assert [(row["input"], row["target"], row.get("metadata")) for row in draft.rows] == [
        ("a, b", "z", {"area": "x"}),
        ("c", "y", None),
    ]
    assert {each["metric"] for each in draft.assertions} == {"m"}  # type: ignore[index]


@pytest.mark.parametrize(
    ("cell", "assertion"),
    [
        ("Paris", {"type": "equals", "value": "Paris"}),
        ("Note: this", {"type": "equals", "value": "Note: this"}),
        ("http://x", {"type": "equals", "value": "http://x"}),
        ("contains: a: b", {"type": "contains", "value": "a: b"}),
        ("not-icontains:x", {"type": "not-icontains", "value": "x"}),
        ("similar(0.7): x", {"type": "similar", "value": "x", "threshold": 0.7}),
        ("is-json", {"type": "is-json"}),
        ("latency(500)", {"type": "latency", "threshold": 500.0}),
        ("fn: output > 1", {"type": "javascript", "value": " output > 1"}),
        ("grade: polite", {"type": "llm-rubric", "value": " polite"}),
        ("contains", {"type": "equals", "value": "contains"}),
    ],
)
def test_a_cell_that_says_what_is_expected(cell: str, assertion: dict[str, Any]) -> None:
    assert expected(cell) == assertion


@pytest.mark.parametrize("name", ["t.jsonl", "t.json", "t.yaml", "t*.yaml"])
def test_files_of_tests(tmp_path: Path, name: str) -> None:
    rows = [case("a", equals("1")), case("b", equals("2"))]
    text = "\n".join(json.dumps(row) for row in rows) if name.endswith("l") and "yaml" not in name else json.dumps(rows)
    (tmp_path / name.replace("*", "1")).write_text(text)
    (draft,) = read(tmp_path, tests=[f"file://{name}"])
    assert len(draft.rows) == 2


def test_questions_that_are_asked_twice_are_asked_once(tmp_path: Path) -> None:
    (draft,) = read(tmp_path, tests=[case("a", equals("1")), case("a", equals("2")), case("b", equals("3"))])
    assert [row["input"] for row in draft.rows] == ["a", "b"]
    assert any("left out 1 tests" in remark for remark in draft.told)


def test_a_variable_that_some_tests_lack_is_empty_there(tmp_path: Path) -> None:
    tests = [case("a", equals("1"), l="x"), case("b", equals("2"))]
    (draft,) = read(tmp_path, prompts=["{{ q }} {{ l }}"], tests=tests)
    assert draft.rows[1]["input"] == {"q": "b", "l": ""}
    assert any("1 tests" in remark for remark in draft.told)


def test_a_marker_of_placeholders_does_not_come_along(tmp_path: Path) -> None:
    (draft,) = read(tmp_path, tests=[{**case("a", equals("1")), "metadata": {"placeholder": True}}])
    assert "metadata" not in draft.rows[0]


def test_keys_that_stand_in_a_configuration_stay_there(tmp_path: Path) -> None:
    secret = "sk-" + "a1" * 20
    config = {"redteam": {"apiKey": "plain-secret", "note": f"use {secret}"}}
    judged = {"type": "llm-rubric", "value": "x", "provider": {"config": {"apiKey": "plain-secret"}}}
    (draft,) = read(tmp_path, **config, tests=[case("a", equals("1"), judged)])
    told = " ".join([each.line for each in draft.everything_unsaid] + list(draft.told))
    assert "redteam" in told
    assert "llm-rubric" in told
    assert secret not in told
    assert "plain-secret" not in told


@pytest.mark.parametrize("name", ["baseline", "variant"])
def test_real_results_bring_their_configuration(name: str) -> None:
    (draft,) = read_promptfoo(LOGS / f"{name}.json", None, None)
    assert draft.operation == "bench"
    assert len(draft.rows) == 40
    assert all(re.fullmatch("ANS-[0-9a-f]{8}", row["target"]) for row in draft.rows)


def test_a_real_configuration_with_groups_weights_and_metrics() -> None:
    first, second = read_promptfoo(LOGS / "hard_config.json", None, 2)
    assert first.prompt == [{"role": "user", "content": "Be brief. {{input}}"}]
    assert first.assertions[0] == {"type": "exact", "normalise": "none", "weight": 2, "metric": "exact"}
    assert [len(first.rows), len(second.rows)] == [2, 1]


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"tests": "file:///etc/passwd"}, "expected tests as"),
        ({"tests": "file://../../../../etc/passwd.csv"}, "outside of the suite's folder"),
        ({"prompts": ["file:///etc/passwd"]}, "outside of the suite's folder"),
        ({"tests": [case("file:///etc/passwd", equals("1"))]}, "outside of the suite's folder"),
        ({"tests": [case("a", {"type": "equals", "value": "file:///etc/passwd"})]}, "outside of the suite's folder"),
        ({"tests": "file://../../*.csv"}, ""),
        ({"tests": "file://tests.js"}, "is code, which is not run"),
        ({"tests": {"path": "file://gen.py:make"}}, "are not run"),
        ({"tests": "https://docs.google.com/spreadsheets/x"}, "is not fetched"),
        ({"tests": "huggingface://datasets/x"}, "is not fetched"),
        ({"tests": "file://nothing.csv"}, "cannot be read"),
        ({"prompts": ["file://prompt.py"]}, "is code, which is not run"),
        ({"prompts": ["exec:./a.sh"]}, "is made elsewhere"),
        ({"prompts": ['[{"role": "user", "content": {{ q | tojson }}}]']}, "JSON only when the template is filled"),
        ({"prompts": ["always the same"]}, "no variable"),
        ({"prompts": ["{{ other }}"]}, "no test of"),
        ({"prompts": []}, "nothing to ask"),
        ({"tests": None}, "there is no case to ask"),
        ({"tests": None, "scenarios": [{}]}, "scenarios"),
        ({"tests": []}, "no case to ask"),
        ({"tests": [3]}, "expected a test"),
        ({"tests": [{"vars": 3}]}, "expected names with values"),
        ({"tests": [{"vars": {"q": 1}, "assert": [3]}]}, "expected a list of assertions"),
        ({"tests": [{"<<": {}, "vars": {}}]}, "merge keys"),
        ({"tests": [{"vars": {"q": list(range(1000)), "l": list(range(1000))}}]}, "1000000 tests"),
        ({"tests": [case("a", {"$ref": "#/assertionTemplates/none"})]}, "no assertion template"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_what_cannot_be_read_is_refused_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as failure:
        read(tmp_path, **{"tests": [case("a", equals("1"))], **config})
    assert told in str(failure.value)
    assert "root:" not in str(failure.value)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (inner / "p.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(InputError, match="outside"):
        read(inner, prompts=["file://p.txt"], tests=[case("a", equals("1"))])


def test_code_as_configuration_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "promptfooconfig.js"
    path.write_text("module.exports = {}")
    with pytest.raises(InputError, match=r"is not run|not run"):
        read_promptfoo(path, None, None)


def test_a_yaml_bomb_is_refused_soon(tmp_path: Path) -> None:
    levels = "\n".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(9))
    path = tmp_path / "promptfooconfig.yaml"
    path.write_text(f"a: &a [x, x]\n{levels}\nprompts: ['{{{{ q }}}}']\ntests: *j\n")
    began = time.process_time()
    with pytest.raises(InputError, match="more than"):
        read_promptfoo(path, None, None)
    assert time.process_time() - began < 5


@given(config=st.dictionaries(st.sampled_from(["prompts", "providers", "tests", "defaultTest", "x"]), JSON, max_size=4))
def test_any_configuration_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, config: dict[str, Any]) -> None:
    path = written(tmp_path_factory.getbasetemp(), "promptfooconfig.yaml", config)
    try:
        drafts = read_promptfoo(path, "op", None)
    except InputError:
        return
    assert all(draft.rows and draft.assertions for draft in drafts)


@given(
    test=st.fixed_dictionaries(
        {},
        optional={
            "vars": JSON | st.fixed_dictionaries({"q": JSON}),
            "assert": st.lists(
                st.dictionaries(
                    st.sampled_from(["type", "value", "threshold", "weight", "metric"]),
                    JSON | st.sampled_from(["equals", "contains-any", "is-json", "regex"]),
                    max_size=4,
                ),
                max_size=3,
            ),
            "options": JSON,
            "metadata": JSON,
            "description": JSON,
        },
    )
)
def test_any_test_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, test: dict[str, Any]) -> None:
    config = {"prompts": ["{{ q }}"], "tests": [case("a", equals("1")), test]}
    path = written(tmp_path_factory.getbasetemp(), "promptfooconfig.yaml", config)
    try:
        drafts = read_promptfoo(path, "op", None)
    except InputError:
        return
    assert all(draft.rows and draft.assertions for draft in drafts)
