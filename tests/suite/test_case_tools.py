"""Tools that a case brings: offered in place of the suite's, and hashed only where there are any."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalgate.errors import InputError
from evalgate.exchange import JsonValue
from evalgate.suite import Suite, load_suite
from tests.conftest import suite_file

CHAT = [{"role": "user", "content": "{{ input }}"}]


def tool(name: str, **parameters: JsonValue) -> dict[str, JsonValue]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", **parameters}}}


def suite_of(folder: Path, *cases: dict[str, object], **changes: object) -> Suite:
    return load_suite(suite_file(folder, prompt=CHAT, cases=list(cases), **changes))


def refusal(folder: Path, *cases: dict[str, object], **changes: object) -> str:
    with pytest.raises(InputError) as caught:
        suite_of(folder, *cases, **changes)
    return str(caught.value)


def offered(suite: Suite) -> list[list[str]]:
    """The names of the tools that each case is asked with, by the case's id."""
    requests = [suite.request(case) for case in sorted(suite.cases, key=lambda case: case.id)]
    return [[each["function"]["name"] for each in asked.parameters.get("tools", [])] for asked in requests]  # type: ignore[index, union-attr, call-overload]


def test_a_case_is_asked_with_its_own_tools_in_place_of_the_suites(tmp_path: Path) -> None:
    cases = [{"id": "a", "input": "one", "tools": [tool("own")]}, {"id": "b", "input": "two"}]
    assert offered(suite_of(tmp_path, *cases, tools=[tool("common")])) == [["own"], ["common"]]  # type: ignore[arg-type]


def test_they_are_sent_as_a_suites_are(tmp_path: Path) -> None:
    bare = {"function": {"name": "own", "parameters": {"type": "object", "minProperties": 1}}}
    own = suite_of(tmp_path, {"id": "a", "input": "one", "tools": [bare]})
    common = suite_of(tmp_path, {"id": "a", "input": "one"}, tools=[bare])
    assert own.request(own.cases[0]) == common.request(common.cases[0])
    assert own.request(own.cases[0]).parameters["tools"] == [tool("own", minProperties=1)]


@pytest.mark.parametrize("ending", [".jsonl", ".parquet", "columns"])
def test_they_are_read_from_files(tmp_path: Path, ending: str) -> None:
    rows = [{"id": "a", "input": "one", "tools": [tool("own")]}, {"id": "b", "input": "two", "tools": None}]
    path = tmp_path / f"rows{'.jsonl' if ending == 'columns' else ending}"
    source: object = path.name
    if ending == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("\n".join(map(json.dumps, rows)))
    if ending == "columns":
        source = {"path": path.name, "columns": {"id": "id", "input": "input", "tools": "tools"}}
    suite = load_suite(suite_file(tmp_path, prompt=CHAT, cases=None, dataset=source, tools=[tool("common")]))
    assert offered(suite) == [["own"], ["common"]]


def test_another_tool_is_another_suite_and_another_case(tmp_path: Path) -> None:
    case = {"input": "one"}
    suites = [suite_of(tmp_path, {**case, **more}) for more in ({}, {"tools": [tool("x")]}, {"tools": [tool("y")]})]
    assert len({suite.hash for suite in suites}) == 3
    assert len({suite.cases[0].id for suite in suites}) == 3


def test_a_suite_whose_cases_bring_none_keeps_its_hash_and_ids(tmp_path: Path) -> None:
    plain, said = suite_of(tmp_path, {"input": "one"}), suite_of(tmp_path, {"input": "one", "tools": None})
    assert plain.hash == said.hash == "sha256:08aa9c041cca6505563ad9d20f849b94ce6deca854b255cbb4cb767fd17ef2ad"
    assert plain.cases[0].id == "49e9fcfb5617aad3"


def test_the_same_question_with_other_tools_is_another_question(tmp_path: Path) -> None:
    cases = [{"id": name, "input": "What now?", "tools": [tool(name)]} for name in "ab"]
    assert len(suite_of(tmp_path, *cases).cases) == 2  # type: ignore[arg-type]
    assert "asks exactly what" in refusal(tmp_path, *({**case, "tools": [tool("c")]} for case in cases))


@pytest.mark.parametrize(
    ("tools", "told"),
    [
        ([], " tools: empty; expected at least 1"),
        ({}, " tools: "),
        ("look_up", " tools: "),
        ([tool("a"), tool("a")], " tools: two tools of one name"),
        ([{"type": "function"}], " tools.0.function: missing; this key is required"),
        ([tool("a"), {"type": "web_search"}], " tools.1"),
        ([tool("a b")], " tools.0.function.name: string should match pattern"),
        ([{"function": {"name": "a", "parameter": {}}}], " tools.0.function.parameter: unknown key; did you mean"),
        ([{"function": {"name": "a", "parameters": {"type": "array"}}}], " tools.0.function.parameters: arguments are"),
        ([tool("a", minimum=2**70)], "beyond 64 bits"),
    ],
)
def test_what_is_no_list_of_tools_is_refused_at_its_place(tmp_path: Path, tools: object, told: str) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps({"input": "one", "tools": tools}))
    with pytest.raises(InputError) as caught:
        load_suite(suite_file(tmp_path, prompt=CHAT, cases="rows.jsonl"))
    assert "rows.jsonl:1" in str(caught.value)
    assert told in str(caught.value)


def test_the_one_function_that_is_to_be_called_has_to_be_among_them(tmp_path: Path) -> None:
    generation = {"tools": [tool("common")], "tool_choice": {"type": "function", "function": {"name": "common"}}}
    cases = [{"id": "a", "input": "one"}, {"id": "b", "input": "two", "tools": [tool("own")]}]
    told = refusal(tmp_path, *cases, generation=generation)  # type: ignore[arg-type]
    assert "case 'b' has no 'common', which the suite's generation.tool_choice names" in told


def test_there_is_a_request_with_them_and_one_without_to_be_held_against_who_is_asked(tmp_path: Path) -> None:
    cases = [{"id": "a", "input": "one"}, {"id": "b", "input": "two", "tools": [tool("own")]}]
    suite = suite_of(tmp_path, *cases)  # type: ignore[arg-type]
    kinds = [bool(request.parameters.get("tools")) for request in suite.kinds_of_requests()]
    assert (kinds, suite.offers_tools) == ([False, True], True)
