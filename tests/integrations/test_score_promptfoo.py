"""promptfoo output: which test a result belongs to, providers, failures, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.integrations.scores import ScoreTable, pair, read_scores


def result(index: int, values: object, score: object = 1, **fields: object) -> dict[str, Any]:
    test = {"vars": values, "assert": [{"type": "equals", "value": "t"}], "metadata": {}, "options": {}}
    test["description"] = f"Row #{index + 1}"
    row = {
        "provider": {"id": "openai:chat:m", "label": ""},
        "prompt": {"raw": f"ask {values}", "label": "{{q}}"},
        "promptId": "a" * 64,
        "promptIdx": 0,
        "testIdx": index,
        "vars": values,
        "testCase": test | fields.pop("test", {}),
        "score": score,
        "success": score == 1,
        "namedScores": {},
        "failureReason": 0 if score == 1 else 1,
        "error": None,
        "cost": 0.25,
        "response": {"output": "t", "finishReason": "stop"},
    }
    return {key: value for key, value in (row | fields).items() if value is not ...}


@pytest.fixture
def write(tmp_path):
    def writer(rows: list[dict[str, Any]], name: str = "results.json") -> Path:
        path: Path = tmp_path / name
        path.write_text(json.dumps({"evalId": "e", "results": {"version": 3, "results": rows}}, indent=2))
        return path

    return writer


@pytest.fixture
def read(write):
    def reader(rows: list[dict[str, Any]], name: str = "results.json") -> ScoreTable:
        return read_scores(write(rows, name))

    return reader


def test_score_success_and_named_metrics(read):
    table = read([result(0, {"q": "x"}, 0.5, namedScores={"exact": 0.25})])
    assert {metric: list(cases.values()) for metric, cases in table.metrics.items()} == {
        "score": [0.5],
        "success": [0.0],
        "exact": [0.25],
    }
    assert pair(table, table).metric == "score"
    assert pair(table, table, "exact").baseline == (0.25,)


def test_a_test_is_known_by_vars_and_assertions_and_not_by_its_position(read):
    ahead = read([result(0, {"q": "x"}, 1), result(1, {"q": "y"}, 0)], "a.json")
    behind = read([result(0, {"q": "y"}, 0), result(1, {"q": "x"}, 1)], "b.json")
    assert ahead.metrics == behind.metrics
    assert pair(ahead, behind).differences == (0.0, 0.0)


def test_the_order_of_vars_does_not_matter(read):
    assert (
        read([result(0, {"a": 1, "b": 2})], "a.json").repeats == read([result(0, {"b": 2, "a": 1})], "b.json").repeats
    )


@pytest.mark.parametrize(
    "other",
    [
        {"description": "renamed"},
        {"options": {"provider": "x"}},
        {"vars": {"q": "x", "sessionId": "random", "_conversation": []}},
    ],
)
def test_what_is_not_the_test_itself_does_not_change_its_id(read, other):
    changed = read([result(0, {"q": "x"}, test=other)], "a.json")
    assert changed.repeats == read([result(0, {"q": "x"})], "b.json").repeats


def test_another_assertion_is_another_test(read):
    other = {"assert": [{"type": "equals", "value": "u"}]}
    with pytest.raises(
        InputError, match=r"do not pair by id; .*promptfoo cases are identified by metadata.id or the test"
    ):
        pair(read([result(0, {"q": "x"})], "a.json"), read([result(0, {"q": "x"}, test=other)], "b.json"))


def test_a_test_with_metadata_id_is_known_by_it(read):
    table = read([result(0, {"q": "x"}, test={"metadata": {"id": "inv-1"}})])
    assert list(table.repeats) == ["inv-1/aaaaaaaa"]


def test_another_prompt_under_the_same_metadata_id_is_an_error(read):
    named = {"metadata": {"id": "inv-1"}}
    with pytest.raises(InputError, match="1 of 1 cases were not asked the same"):
        pair(read([result(0, {"q": "x"}, test=named)], "a.json"), read([result(0, {"q": "y"}, test=named)], "b.json"))


def test_one_metadata_id_for_two_tests_is_an_error(read):
    named = {"metadata": {"id": "inv-1"}}
    with pytest.raises(
        InputError, match=r"results\[1\] testCase.metadata.id: received 'inv-1' for two different tests"
    ):
        read([result(0, {"q": "x"}, test=named), result(1, {"q": "y"}, test=named)])


def test_an_id_among_the_vars_stands_before_the_hash(read):
    assert next(iter(read([result(0, {"id": 7})]).repeats)).startswith("7@")


def test_tests_that_are_alike_are_answers_to_one_case(read):
    table = read([result(0, {"q": "x"}, 1), result(1, {"q": "x"}, 0)])
    assert list(table.metrics["score"].values()) == [0.5]
    assert list(table.repeats.values()) == [2]


def test_the_same_result_twice_is_an_error(read):
    with pytest.raises(InputError, match=r"results\[1\]: duplicate id .*first at .*results\[0\]"):
        read([result(0, {"q": "x"}), result(0, {"q": "x"})])


def test_under_several_prompts_the_test_is_the_cluster(read):
    rows = [result(0, {"q": "x"}), result(0, {"q": "x"}, promptId="b" * 64, promptIdx=1)]
    table = read(rows)
    base = next(iter(table.repeats)).split("/")[0]
    assert table.cluster == {f"{base}/aaaaaaaa": base, f"{base}/bbbbbbbb": base}


OTHER_PROMPT = {"prompt": {"raw": "other", "label": "other {{q}}"}, "promptId": "b" * 64, "promptIdx": 1}
OTHER_PROVIDER = {"provider": {"id": "openai:chat:other", "label": ""}, "promptIdx": 0}


@pytest.mark.parametrize("missing", [{}, {"promptId": ...}])
@pytest.mark.parametrize(
    "others",
    [
        [result(0, {"q": "x"}, **OTHER_PROMPT)],
        [result(1, {"q": "y"})],
        [result(0, {"q": "x"}, **OTHER_PROVIDER), result(0, {"q": "x"}, **OTHER_PROMPT | OTHER_PROVIDER)],
    ],
)
def test_an_id_stays_when_other_prompts_tests_or_providers_come(write, others, missing):
    def ids(rows: list[dict[str, Any]], name: str) -> set[str]:
        changed = [{key: value for key, value in (row | missing).items() if value is not ...} for row in rows]
        return set(read_scores(Path(f"{write(changed, name)}#openai:chat:m")).repeats)

    mine = result(0, {"q": "x"})
    moved = mine | {"promptIdx": 2, "testIdx": 5}
    assert ids([mine], "alone.json") <= ids([*others, moved], "beside.json")


def test_several_providers_are_an_error_and_each_can_be_chosen(write):
    rows = [
        result(0, {"q": "x"}, 1),
        result(0, {"q": "x"}, 0, provider={"id": "openai:chat:m", "label": "int4"}, promptIdx=1),
        result(0, {"q": "x"}, 0.5, provider="https://host//v1"),
    ]
    path = write(rows)
    with pytest.raises(InputError, match=r"holds 3 providers .*#openai:chat:m, .*#int4, .*#https://host//v1"):
        read_scores(path)
    assert list(read_scores(Path(f"{path}#int4")).metrics["score"].values()) == [0.0]
    assert list(read_scores(Path(f"{path}#https://host//v1")).metrics["score"].values()) == [0.5]
    with pytest.raises(InputError, match="holds 2 providers that could be meant"):
        read_scores(Path(f"{path}#openai:chat:m"))


def test_the_path_of_the_table_names_the_chosen_provider(write):
    path = write([result(0, {"q": "x"})])
    assert read_scores(Path(f"{path}#openai:chat:m")).path == Path(f"{path}#openai:chat:m")


def test_a_file_whose_name_holds_a_hash_is_found(write):
    assert read_scores(write([result(0, {"q": "x"})], "run#2.json")).model == "openai:chat:m"


def test_a_provider_of_another_format_is_an_error(tmp_path):
    (tmp_path / "run.csv").write_text("id,score\na,1\n")
    with pytest.raises(InputError, match="received provider 'p', but only promptfoo's files have several"):
        read_scores(tmp_path / "run.csv#p")


def test_a_call_that_failed_scores_0_and_is_told(read):
    named = {"assert": [{"type": "equals", "metric": "exact"}, {"type": "assert-set", "assert": [{"metric": "shape"}]}]}
    rows = [
        result(0, {"q": "x"}, 1, namedScores={"exact": 1, "shape": 1}, test=named),
        result(1, {"q": "y"}, 0, failureReason=2, error="API error: 500\n{}", test=named),
    ]
    table = read(rows)
    assert {metric: sorted(cases.values()) for metric, cases in table.metrics.items()} == {
        metric: [0.0, 1.0] for metric in ("score", "success", "exact", "shape")
    }
    assert list(table.errors.values()) == ["API error: 500 {}"]


def test_an_assertion_that_did_not_hold_is_no_error(read):
    assert read([result(0, {"q": "x"}, 0, failureReason=1, error="Expected t")]).errors == {}


@pytest.mark.parametrize(("grading", "failed"), [({"pass": False}, False), (None, True)])
def test_older_versions_tell_a_failure_by_the_missing_grading(read, grading, failed):
    row = result(0, {"q": "x"}, 0, failureReason=..., error="Expected t", gradingResult=grading)
    assert bool(read([row]).errors) == failed


def test_cost_truncation_and_cluster(read):
    clustered = {"metadata": {"cluster": "s1"}}
    cut = {"finishReason": "length"}
    table = read([result(0, {"q": "x"}, test=clustered), result(1, {"q": "y"}, test=clustered, response=cut)])
    assert table.cost == 0.5
    assert len(table.truncated) == 1
    assert set((table.cluster or {}).values()) == {"s1"}


def test_a_named_metric_out_of_range_does_not_spoil_the_score(read):
    table = read([result(0, {"q": "x"}, namedScores={"tokens": 512})])
    assert table.metrics.keys() == {"score", "success"}
    with pytest.raises(InputError, match=r"tokens: received 512"):
        pair(table, table, "tokens")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"score": 2}, "results.results[1] score: received 2"),
        ({"score": None}, "results.results[1] score: received null"),
        ({"score": ...}, "results.results[1] score: missing"),
        ({"provider": ...}, "results.results[1] provider: received null"),
        ({"provider": {}}, "a result names no provider"),
        ({"provider": [1]}, "results.results[1] provider: received a list"),
        ({"testIdx": None}, "results.results[1] testIdx: received null"),
        ({"promptId": 1.5}, "results.results[1] promptId: received 1.5"),
        ({"cost": "much"}, "results.results[1] cost: received 'much'"),
        ({"namedScores": {"": 1}}, "results.results[1] namedScores: received an empty text"),
        ({"test": {"metadata": {"id": 1.5}}}, "results.results[1] testCase.metadata.id: received 1.5"),
        ({"test": {"metadata": {"cluster": []}}}, "results.results[1] testCase.metadata.cluster: received a list"),
    ],
)
def test_a_broken_result_is_an_error_with_its_place(read, fields, told):
    with pytest.raises(InputError) as raised:
        read([result(0, {"q": "x"}), result(1, {"q": "y"}, **fields)])
    assert told in str(raised.value)


def test_an_output_without_results_is_an_error(read):
    with pytest.raises(InputError, match="holds no cases"):
        read([])


VARS = st.dictionaries(
    st.sampled_from(["q", "r"]), st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 9))
)


@given(
    st.lists(
        st.tuples(VARS, st.floats(0, 1)),
        min_size=1,
        max_size=8,
        unique_by=lambda one: json.dumps(one[0], sort_keys=True),
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
def test_what_is_written_is_read_back(read, scored):
    table = read([result(index, values, score) for index, (values, score) in enumerate(scored)])
    assert list(table.metrics["score"].values()) == [score for _, score in scored]
