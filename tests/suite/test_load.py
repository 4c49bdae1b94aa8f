"""A suite file becomes a Suite, or an `InputError` with file and line before anything is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.suite import Suite, load_suite, load_suites
from tests.conftest import JSON, SUITE, outcome, suite_file, written


def refusal(folder: Path, **changes: object) -> str:
    with pytest.raises(InputError) as caught:
        load_suite(suite_file(folder, **changes))
    return str(caught.value).replace(str(folder) + "/", "")


@given(st.sampled_from([*SUITE, "generation", "repeats", "tags", "variants", "version", "description"]), JSON)
def test_any_value_of_any_key_is_a_suite_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    path = written(tmp_path_factory.getbasetemp(), "any.yaml", {**SUITE, key: value})
    assert isinstance(outcome(lambda: load_suite(path)), Suite | InputError)


@given(st.sampled_from(["gate", "generation"]), st.text(max_size=8), JSON)
def test_any_further_key_is_a_suite_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, part: str, key: str, value: object
) -> None:
    content = {**SUITE, part: {"margin": 0.1, key: value} if part == "gate" else {key: value}}
    path = written(tmp_path_factory.getbasetemp(), "any.yaml", content)
    assert isinstance(outcome(lambda: load_suite(path)), Suite | InputError)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"operation": None}, "suite.yaml:1:1 operation: missing; this key is required"),
        ({"operation": "a b"}, "suite.yaml:1:2 operation: string should match pattern"),
        ({"gate": {"margn": 0.1}}, "gate.margn: unknown key; did you mean 'margin'?"),
        ({"gate": {"margin": 0}}, "gate.margin: input should be greater than or equal to 0.00001, got '0'"),
        ({"gate": {"margin": "nan"}}, "gate.margin: input should be"),
        ({"gate": {"margin": 0.1, "valid_for": "soon"}}, "gate.valid_for: expected a duration such as 30m, 24h or 7d"),
        ({"gate": {"margin": 0.1, "valid_for": "0d"}}, "gate.valid_for: expected a duration"),
        ({"gate": {"margin": 0.1, "valid_for": "999999w"}}, "gate.valid_for: expected at most ten years"),
        ({"assert_": []}, "assert: empty; expected at least 1"),
        ({"assert_": [{"type": "exact", "weight": 1e308}]}, "assert.0.weight: input should be less than or equal to"),
        ({"prompt": ""}, "prompt: empty; there is nothing to ask"),
        ({"prompt": []}, "prompt: empty; there is nothing to ask"),
        ({"prompt": "{{ inputs }}"}, "'inputs' is undefined"),
        ({"prompt": "{{ input"}, "prompt: template: unexpected end of template"),
        ({"cases": []}, "cases: no cases"),
        ({"cases": "nowhere.jsonl"}, "nowhere.jsonl: the dataset cannot be read"),
        ({"cases": "nul\0.jsonl"}, "cases: expected the name of a file"),
        ({"cases": ""}, "cases: expected the name of a file"),
        ({"cases": "x.txt"}, "expected a .jsonl or .csv file"),
        ({"cases": [{"input": 1, "traget": 2}]}, "cases.0 traget: unknown key; did you mean 'target'?"),
        ({"generation": {"seed": "9" * 30}}, "generation.seed: input should be less than"),
        ({"generation": {"stop": [1]}}, "generation.stop.0: input should be a valid string"),
        ({"repeats": 0}, "repeats: input should be greater than or equal to 1"),
        ({"version": 2}, "version: input should be 1"),
    ],
)
def test_a_suite_that_cannot_be_used_is_refused(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    assert told in refusal(tmp_path, **changes)


def test_two_cases_that_ask_the_same_are_refused(tmp_path: Path) -> None:
    twins = [{"id": "a", "input": "x"}, {"id": "b", "input": "x", "target": "y"}]
    told = refusal(tmp_path, cases=twins)
    assert "asks exactly what" in told
    assert "'a'" in told
    assert "'b'" in told


def test_the_dataset_stands_beside_the_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "data.jsonl").write_text(json.dumps({"id": "x", "input": "y"}))
    path = suite_file(tmp_path / "suites", cases="data.jsonl")
    monkeypatch.chdir(tmp_path)
    assert [case.id for case in load_suite(path.relative_to(tmp_path)).cases] == ["x"]


def test_parameters_are_what_was_written_and_temperature_zero(tmp_path: Path) -> None:
    suite = load_suite(suite_file(tmp_path, generation={"max_tokens": 5, "stop": "\n"}))
    assert suite.parameters == {"temperature": 0.0, "max_tokens": 5, "stop": ["\n"]}


CHANGES_A_SCORE = [
    {"prompt": "Which colour {{ input }}:"},
    {"generation": {"seed": 2}},
    {"assert_": [{"type": "contains"}]},
    {"repeats": 2},
    {"cases": [{"id": "c0", "input": "number 0", "target": "other"}]},
]


@pytest.mark.parametrize("changes", CHANGES_A_SCORE)
def test_the_hash_changes_with_what_could_change_a_score(tmp_path: Path, changes: dict[str, object]) -> None:
    assert load_suite(suite_file(tmp_path, **changes)).hash != load_suite(suite_file(tmp_path)).hash


def test_the_hash_does_not_change_with_words_for_people_or_the_gate(tmp_path: Path) -> None:
    plain = load_suite(suite_file(tmp_path)).hash
    changed = suite_file(tmp_path, description="new", tags=["a"], gate={"margin": 0.1}, budget=5)
    assert load_suite(changed).hash == plain


def test_the_hash_does_not_depend_on_the_order_in_the_file(tmp_path: Path) -> None:
    plain = load_suite(suite_file(tmp_path)).hash
    cases_ = list(reversed(SUITE["cases"]))  # type: ignore[call-overload]
    assert load_suite(suite_file(tmp_path, cases=cases_)).hash == plain


def clustered(folder: Path, **changes: object) -> Suite:
    cases = [{"id": f"c{n}", "input": n, "metadata": {"page": n % 4}} for n in range(12)]
    return load_suite(suite_file(folder, cases=cases, cluster_by="metadata.page", **changes))


def test_cases_of_one_cluster_are_asked_together_and_count_as_one_unit(tmp_path: Path) -> None:
    suite = clustered(tmp_path)
    pages = [case.metadata["page"] for case in suite.cases]
    assert pages == sorted(pages, key=pages.index)
    assert list(suite.units) == [3, 3, 3, 3]
    assert list(load_suite(suite_file(tmp_path)).units) == [1, 1, 1]


def test_the_clusters_are_in_random_order(tmp_path: Path) -> None:
    orders = {tuple(case.id for case in clustered(tmp_path, gate={"margin": 0.1, "seed": n}).cases) for n in range(9)}
    assert len(orders) > 1


@pytest.mark.parametrize("metadata", [{}, {"page": None}, {"page": [1]}])
def test_a_case_without_a_cluster_is_refused_when_there_are_clusters(
    tmp_path: Path, metadata: dict[str, object]
) -> None:
    cases = [{"id": "a", "input": 1, "metadata": {"page": 1}}, {"id": "b", "input": 2, "metadata": metadata}]
    told = refusal(tmp_path, cases=cases, cluster_by="metadata.page")
    assert "cases.1: case 'b' has no metadata.page (a text or number), which cluster_by needs" in told


def test_a_folder_stands_for_its_suites_in_order(tmp_path: Path) -> None:
    for name in ("b", "a"):
        written(tmp_path, f"{name}.yaml", {**SUITE, "operation": name})
    assert [suite.operation for suite in load_suites([tmp_path, tmp_path / "a.yaml"])] == ["a", "b"]


def test_and_for_the_suites_that_have_a_folder_of_their_own_in_it(tmp_path: Path) -> None:
    for name in ("b/suite", "a/suite", "c", "a/sources", "deep/er/suite"):
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        written(path.parent, path.name, {**SUITE, "operation": name.replace("/", "_")})
    assert [suite.operation for suite in load_suites([tmp_path])] == ["c", "a_suite", "b_suite"]


def test_two_suites_for_one_operation_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        written(tmp_path, f"{name}.yaml", SUITE)
    with pytest.raises(InputError, match=r"b\.yaml:1:2 operation: operation 'name_colour' has a suite already"):
        load_suites([tmp_path])


def test_a_folder_without_suites_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no suites"):
        load_suites([tmp_path])


def test_a_folder_of_shelves_of_suites_says_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "lab" / "add").mkdir(parents=True)
    written(tmp_path / "lab" / "add", "suite.yaml", SUITE)
    with pytest.raises(InputError, match=f"there are some in {tmp_path / 'lab'}$"):
        load_suites([tmp_path])


def test_a_suite_that_has_grown_goes_on_where_it_was(tmp_path: Path) -> None:
    def cases(numbers: range) -> list[dict[str, object]]:
        return [{"id": f"c{n}", "input": n, "metadata": {"page": n % 5}} for n in numbers]

    before = load_suite(suite_file(tmp_path, cases=cases(range(20)), cluster_by="metadata.page"))
    known = before.order_digests()
    grown = load_suite(suite_file(tmp_path, cases=cases(range(2, 40)), cluster_by="metadata.page"))
    after = grown.in_order_after(known)
    pages = list(dict.fromkeys(case.metadata["page"] for case in before.cases))
    assert list(dict.fromkeys(case.metadata["page"] for case in after.cases)) == pages
    assert list(after.units) == [sum(case.metadata["page"] == page for case in after.cases) for page in pages]
    kept = [case.id for case in before.cases if case.id not in ("c0", "c1")]
    assert [case.id for case in after.cases if case.id in kept] == kept
    assert after.hash == grown.hash
    assert grown.in_order_after([known[at : at + 16] for at in range(0, len(known), 16)]).cases == after.cases
