"""Questions and answers of the Berkeley leaderboard as cases: what an answer means, and what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.exchange import JsonValue
from evalgate.suite import load_suite
from evalgate.suite.bfcl import bfcl_rows
from evalgate.suite.cases import checked_case
from evalgate.suite.rows import RowError
from tests.conftest import suite_file

COMMIT = "0123456789abcdef0123456789abcdef01234567"
QUESTION = [[{"role": "user", "content": "Go?"}]]


def stored(folder: Path, question: object, answers: object) -> Path:
    (folder / "possible_answer").mkdir(exist_ok=True)
    (folder / "BFCL_v3_simple.json").write_text(json.dumps(question))
    (folder / "possible_answer" / "BFCL_v3_simple.json").write_text(json.dumps(answers))
    return folder


def cases(folder: Path, question: object, answers: object) -> list[object]:
    stored(folder, question, answers)
    return [row for _, row in bfcl_rows("simple", folder.joinpath, "here")]


def arguments(folder: Path, properties: JsonValue, given_: JsonValue, **schema: JsonValue) -> JsonValue:
    """What the answers `given_` mean as arguments of a function with these `properties`; None: they do not fit."""
    function = {"name": "go", "description": "", "parameters": {"type": "dict", "properties": properties, **schema}}
    question = {"id": "s", "question": QUESTION, "function": [function]}
    found = cases(folder, question, {"id": "s", "ground_truth": [{"go": given_}]})
    if isinstance(found[0], RowError):
        assert "s: no answer fits the function's schema; leave it out" in str(found[0])
        assert found[0].row == {"id": "s", "category": "simple"}
        return None
    return found[0]["target"][0]["arguments"]  # type: ignore[index, no-any-return]


TEXT, WHOLE, REAL, LIST = {"type": "string"}, {"type": "integer"}, {"type": "float"}, {"type": "array"}


@pytest.mark.parametrize(
    ("schema", "right", "meant"),
    [
        (TEXT, ["a"], {"x": "a"}),
        (TEXT, ["a", "b"], {"x": {"$one_of": ["a", "b"]}}),
        (TEXT, ["a", ""], {"x": {"$optional": {"$one_of": ["a", ""]}}}),
        (TEXT, [""], {"x": {"$optional": ""}}),
        ({**TEXT, "enum": ["a"]}, ["", "a"], {"x": {"$optional": "a"}}),
        (WHOLE, ["", 3], {"x": {"$optional": 3}}),
        (WHOLE, [""], {}),
        (REAL, [2], {"x": 2}),
        (LIST, [[1, 2]], {"x": [1, 2]}),
        ({**LIST, "items": {"type": "dict"}}, [[{"a": [1, 2]}]], {"x": [{"a": {"$one_of": [1, 2]}}]}),
        ({"type": "dict"}, [{"a": [1], "b": ["", 2]}], {"x": {"a": 1, "b": {"$optional": 2}}}),
        (LIST, ["data", [1]], {"x": [1]}),
        ({"type": "boolean"}, [True], {"x": True}),
    ],
)
def test_any_of_a_list_is_right_and_an_empty_text_may_be_left_out(
    tmp_path: Path, schema: JsonValue, right: JsonValue, meant: JsonValue
) -> None:
    assert arguments(tmp_path, {"x": schema}, {"x": right}) == meant


@pytest.mark.parametrize(
    ("schema", "right"),
    [
        (LIST, ["data['sales']"]),
        (WHOLE, [True]),
        (WHOLE, ["7"]),
        ({**TEXT, "enum": ["a"]}, ["b"]),
        ({**LIST, "items": {"type": "integer"}}, [["a"]]),
        ({"type": "dict", "properties": {}, "required": ["k"]}, [{"j": [1]}]),
    ],
)
def test_a_question_whose_answers_do_not_fit_the_schema_is_told_of(
    tmp_path: Path, schema: JsonValue, right: JsonValue
) -> None:
    assert arguments(tmp_path, {"x": schema}, {"x": right}) is None


def test_an_argument_that_the_schema_requires_and_no_answer_has_is_told_of(tmp_path: Path) -> None:
    assert arguments(tmp_path, {"x": TEXT}, {}, required=["x"]) is None


FUNCTION = {"name": "go", "description": "", "parameters": {"type": "dict", "properties": {}}}
ROW = {"id": "s", "question": QUESTION, "function": [FUNCTION]}
ANSWER = {"id": "s", "ground_truth": [{"go": {}}]}


@pytest.mark.parametrize(
    ("question", "answers", "told"),
    [
        ({**ROW, "question": QUESTION * 2}, ANSWER, "more than one turn"),
        ({**ROW, "function": [FUNCTION, FUNCTION]}, ANSWER, "two of one name"),
        (ROW, {**ANSWER, "id": "t"}, "there is no answer in possible_answer"),
        (ROW, {**ANSWER, "ground_truth": [{"gone": {}}]}, "no function 'gone'"),
        (ROW, {**ANSWER, "ground_truth": []}, "ground_truth: empty"),
        ({"id": "s"}, ANSWER, "not a row of BFCL: KeyError 'question'"),
    ],
)
def test_what_is_no_row_of_it_is_refused_at_its_place(
    tmp_path: Path, question: object, answers: object, told: str
) -> None:
    (found,) = cases(tmp_path, question, answers)
    assert isinstance(found, InputError)
    assert str(found).startswith("BFCL_v3_simple.json:1: ")
    assert told in str(found)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "go", "array", "dict"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["go", "type", "properties", "required", "enum", "items", "x"]), inner)
    ),
    max_leaves=8,
)


@given(JSON, JSON, JSON)
def test_whatever_the_files_hold_nothing_but_an_input_error_comes_out(
    tmp_path_factory: pytest.TempPathFactory, parameters: object, answers: object, question: object
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    row = {"id": "s", "question": [question], "function": [{**FUNCTION, "parameters": parameters}]}
    for found in cases(folder, row, {"id": "s", "ground_truth": answers}):
        with contextlib.suppress(InputError):
            checked_case(found, "here")


def refusal(folder: Path, **dataset: object) -> str:
    with pytest.raises(InputError) as caught:
        load_suite(suite_file(folder, prompt=[], cases=None, dataset={"path": "rows", "format": "bfcl", **dataset}))
    return str(caught.value)


@pytest.mark.parametrize(
    ("dataset", "told"),
    [
        ({"split": "simple+java"}, "dataset.split: no category 'java' that format bfcl reads; there are simple, multi"),
        ({"split": "multiple"}, "has no file possible_answer/BFCL_v3_multiple.json"),
        ({"split": "simple", "columns": {"input": "question"}}, "columns: format bfcl has its own; leave it out"),
        ({"split": "simple", "format": "bfcI"}, "dataset.format: input should be 'bfcl'"),
        ({}, "dataset.split: missing"),
        ({"path": "rows.jsonl", "split": None}, "dataset.format: a file has none; leave it out"),
    ],
)
def test_a_dataset_that_cannot_be_read_so_is_refused(tmp_path: Path, dataset: dict[str, object], told: str) -> None:
    (tmp_path / "rows").mkdir()
    stored(tmp_path / "rows", ROW, ANSWER)
    assert told in refusal(tmp_path, **dataset)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, files: dict[str, bytes]) -> None:
    """A hub with one commit of one dataset."""
    method, path, _ = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ", 2)
    body, status = b'{"id": "someone/calls"}', 200
    if "/resolve/" in path:
        found = files.get(path.split(f"/resolve/{COMMIT}/")[-1])
        body, status = (b"", 404) if found is None else (found, 200)
    tag = hashlib.sha256(body).hexdigest()
    code = "" if status == 200 else "X-Error-Code: EntryNotFound\r\n"
    head = f'HTTP/1.1 {status} .\r\n{code}ETag: "{tag}"\r\nX-Repo-Commit: {COMMIT}\r\nContent-Length: {len(body)}'
    writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode() + (b"" if method == "HEAD" else body))
    await writer.drain()
    writer.close()


def test_its_files_are_fetched_from_the_hub_at_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    name = "BFCL_v3_simple.json"
    files = {name: json.dumps(ROW).encode(), f"possible_answer/{name}": json.dumps(ANSWER).encode()}
    dataset = {"path": "someone/calls", "format": "bfcl", "split": "simple", "revision": COMMIT}

    async def ask() -> tuple[list[str], str]:
        server = await asyncio.start_server(lambda r, w: serve(r, w, files), "127.0.0.1", 0)
        async with server:
            monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            path = suite_file(tmp_path, prompt=[], cases=None, dataset=dataset)
            suite = await asyncio.to_thread(load_suite, path)
            told = await asyncio.to_thread(refusal, tmp_path, **{**dataset, "split": "irrelevance"})
            return [case.id for case in suite.source], told

    ids, told = asyncio.run(ask())
    assert ids == ["s"]
    assert "someone/calls has no file BFCL_v3_irrelevance.json at this commit" in told
