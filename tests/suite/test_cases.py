"""Cases: read from JSONL, CSV or the suite itself; what cannot be a case is refused with its line."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.suite import load_suite
from evalgate.suite.case_file import read_cases
from evalgate.suite.cases import Case, build_cases
from tests.conftest import JSON, outcome, suite_file

INPUTS = JSON.filter(lambda value: value not in (None, "", {}, []))
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


def read(folder: Path, name: str, content: str | bytes) -> list[Case]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_cases(path))


def refusal(folder: Path, name: str, content: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, name, content)
    return str(caught.value).replace(str(folder) + "/", "")


@given(
    st.lists(
        st.tuples(INPUTS, JSON, st.dictionaries(st.text(st.characters(codec="utf-8")), JSON, max_size=2)),
        min_size=1,
        max_size=3,
    )
)
def test_jsonl_rows_are_read_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[object, object, dict[str, object]]]
) -> None:
    lines = [
        json.dumps({"id": f"c{n}", "input": given_, "target": target, "metadata": metadata})
        for n, (given_, target, metadata) in enumerate(rows)
    ]
    cases = read(tmp_path_factory.getbasetemp(), "round.jsonl", "\n".join(lines))
    assert [(case.id, case.input, case.target, case.metadata) for case in cases] == [
        (f"c{n}", *row) for n, row in enumerate(rows)
    ]


@given(st.binary(max_size=80) | st.text(st.sampled_from('{}[]":,\\u0idnputae 1\n\r\ufeff')).map(str.encode))
@example(b'{"input": 1, "input": 2}')
@example(b'{"input": "\\ud800"}')
@example(b'{"input": ' + b"[" * 900 + b"]" * 900 + b"}")
@example(b'{"input": ' + b"[" * 5000 + b"]" * 5000 + b"}")
@example(b'{"input": 1e999}')
@example(b'{"input": NaN}')
@pytest.mark.parametrize("name", ["any.jsonl", "any.csv"])
def test_any_bytes_are_cases_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    for content in (data, b"input,target\n" + data):
        path.write_bytes(content)
        result = outcome(lambda: list(read_cases(path)))
        assert isinstance(result, list) or str(path) in str(result)


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT, TEXT), min_size=1, max_size=5))
def test_csv_rows_are_read_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("id", "input", "target", "note"), *((n, *row) for n, row in enumerate(rows))])
    cases = read(tmp_path_factory.getbasetemp(), "round.csv", buffer.getvalue())
    assert [(case.id, case.input, case.target, case.metadata) for case in cases] == [
        (str(n), text, target or None, {"note": note}) for n, (text, target, note) in enumerate(rows)
    ]


def test_every_further_column_of_a_csv_is_metadata(tmp_path: Path) -> None:
    (case,) = read(tmp_path, "a.csv", "\ufeffinput,metadata,source\r\nhello,x,web\r\n")
    assert (case.input, case.target, case.metadata) == ("hello", None, {"metadata": "x", "source": "web"})


@pytest.mark.parametrize("cell", ["x" * 131_073, "line\n" * 60_000], ids=["long", "of many lines"])
def test_a_cell_of_a_csv_may_be_long_whatever_the_limit_of_the_process_is(tmp_path: Path, cell: str) -> None:
    before = csv.field_size_limit(1000)
    try:
        (case,) = read(tmp_path, "a.csv", f'input,note\n"{cell}",short\n')
        csv.field_size_limit(500_000_000)
        assert (case.input, case.metadata) == (cell, {"note": "short"})
        read(tmp_path, "a.csv", "input\nx\n")
        assert csv.field_size_limit() == 500_000_000
    finally:
        csv.field_size_limit(before)


def test_a_row_that_never_ends_is_refused_before_it_is_in_memory(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as file:
        file.write(b'input\n"')
        file.writelines(b"line after line\n" * 65_536 for _ in range(20))
    with pytest.raises(InputError, match=r"a.csv: a row of more than 16 MiB, from byte 6 on"):
        read_cases(tmp_path / "a.csv")


def test_a_csv_case_may_span_lines_and_is_placed_at_its_last(tmp_path: Path) -> None:
    cases = read(tmp_path, "a.csv", 'input\n"two\nlines"\nlast\n')
    assert [case.place.rpartition(":")[2] for case in cases] == ["3", "4"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("text,target\na,b\n", "a.csv:1: no column 'input'"),
        ("input,input\na,b\n", "a.csv:1: duplicate column 'input'"),
        ("input,target\na\n", "a.csv:2: 1 values for 2 columns"),
        ('input\n"never closed\n', "malformed CSV"),
        ("input,target\n,b\n", "a.csv:2: a case needs an 'input'"),
        ("input\n", "a.csv: no cases"),
        ("", "a.csv: no cases"),
        (b"input\n\xff\n", "a.csv: not UTF-8 at byte 6"),
    ],
)
def test_a_csv_that_cannot_be_used_is_refused(tmp_path: Path, content: str | bytes, told: str) -> None:
    assert told in refusal(tmp_path, "a.csv", content)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"input": 1}\n{"input": ', "a.jsonl:2:11: malformed JSON"),
        ('{"input": "a", "input": "b"}', "a.jsonl:1 input: duplicate key"),
        ('{"input": {"a": 1, "a": 2}}', "a.jsonl:1 a: duplicate key"),
        ('{"input": "a", "traget": "b"}', "a.jsonl:1 traget: unknown key; did you mean 'target'?"),
        ('["input"]', "a.jsonl:1: expected an object"),
        ('{"target": 1}', "a.jsonl:1: a case needs an 'input'"),
        ('{"input": ""}', "a.jsonl:1: a case needs an 'input'"),
        (
            '{"id": "x", "input": 1}\n\n{"id": "x", "input": 2}',
            "a.jsonl:3: duplicate case id 'x'; first used at a.jsonl:1",
        ),
        ('{"id": 1, "input": 1}\n{"id": "1", "input": 2}', "duplicate case id '1'"),
        ('{"id": true, "input": 1}', "a.jsonl:1 id: expected a text or a number"),
        ('{"id": "", "input": 1}', "a.jsonl:1 id: expected a text or a number"),
        (json.dumps({"id": "x" * 201, "input": 1}), "a.jsonl:1 id: longer than 200 characters"),
        ('{"input": 1, "metadata": []}', "a.jsonl:1 metadata: expected an object"),
        ('{"input": ' + "[" * 80 + "]" * 80 + "}", "a.jsonl:1: nested deeper than 64 levels"),
        (" \n\t\n", "a.jsonl: no cases"),
    ],
)
def test_a_jsonl_that_cannot_be_used_is_refused(tmp_path: Path, content: str, told: str) -> None:
    assert told in refusal(tmp_path, "a.jsonl", content)


def test_zero_and_false_are_inputs() -> None:
    assert [case.input for case in build_cases([("a:1", {"input": 0}), ("a:2", {"input": False})], "a")] == [0, False]


def test_a_case_without_an_id_is_named_by_its_content_wherever_it_stands() -> None:
    alone = build_cases([("a:1", {"input": "x"})], "a")[0].id
    assert build_cases([("a:1", {"input": "y"}), ("a:2", {"input": "x", "target": 1})], "a")[1].id == alone


def test_two_cases_without_id_and_with_the_same_input_are_duplicates() -> None:
    with pytest.raises(InputError, match="duplicate case id"):
        build_cases([("a:1", {"input": "x"}), ("a:2", {"input": "x"})], "a")


@pytest.mark.parametrize("name", ["cases.json", "cases", "cases.JSONL", "cases.xlsx"])
def test_an_unknown_ending_is_refused(tmp_path: Path, name: str) -> None:
    assert "expected a .jsonl or .csv file" in refusal(tmp_path, name, "{}")


def test_a_dataset_that_is_missing_or_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for name in ("nowhere.jsonl", "folder.csv", "nul\0.jsonl"):
        with pytest.raises(InputError, match="the dataset cannot be read"):
            read_cases(tmp_path / name)


def test_rows_with_other_names_are_refused_with_the_way_to_map_them(tmp_path: Path) -> None:
    [way] = re.findall(r"dataset: (\{.*\})$", refusal(tmp_path, "a.csv", "text,label\nx,y\n"))
    assert way == "{path: a.csv, columns: {input: text, target: label}}"
    mapped = load_suite(suite_file(tmp_path, cases=None, dataset=yaml.safe_load(way)))
    assert [(case.input, case.target) for case in mapped.cases] == [("x", "y")]
    assert "called otherwise: dataset: {path" in refusal(tmp_path, "a.jsonl", '{"text": "x", "label": "y"}\n')
