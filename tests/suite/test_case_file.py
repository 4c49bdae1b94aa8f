"""Cases that stay in their file: the same as if all had been read at once, and never silently others."""

from __future__ import annotations

import csv
import io
import json
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.suite import Case, Suite, case_file, load_suite
from evalgate.suite.case_file import CaseFile, read_cases
from evalgate.suite.cases import build_cases
from evalgate.suite.rows import mapping
from tests.conftest import outcome, suite_file

LINES = [
    '{"id": "a", "input": "x"}',
    '{"id": "b", "input": {"n": [1, 2.5, null]}, "target": "é", "metadata": {"k": 1}}',
    ' {"input": "no id"}\r',
    '{"id": 7, "input": 0, "metadata": null}',
    "",
    " \t",
    '{"id": "a", "input": "again"}',
    '{"id": "7", "input": "seven"}',
    '{"id": "c", "input": ""}',
    '{"id": "d", "inputs": 1}',
    '{"id": "e", "input": 1, "input": 2}',
    '{"id": "f", "input"',
    '{"id": "g", "input": ' + "[" * 80 + "]" * 80 + "}",
    '"text"',
    "\ufeff",
]
JSONL = st.lists(st.sampled_from(LINES), max_size=8).map("\n".join)
CSV_LIKE = st.lists(
    st.sampled_from(["id,input,target", "input", "a", "é", ",", '"', '""', "\n", "\r\n", "\r", "1", " "])
)
CSV = st.tuples(st.sampled_from(["id,input,target,note\n", "input,id\r\n", ""]), CSV_LIKE.map("".join)).map("".join)
BYTES = (JSONL | CSV).map(str.encode) | st.binary(max_size=40)
MARK = st.sampled_from([b"", b"\xef\xbb\xbf"])


def read_at_once(path: Path) -> list[Case]:
    """The whole file in memory: slow and simple."""
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    return build_cases(_csv(data, path) if path.suffix == ".csv" else _jsonl(data, path), str(path))


def _jsonl(data: bytes, path: Path) -> Iterator[tuple[str, object]]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as failure:
            yield "", InputError(f"{path}:{number}:{failure.colno}: malformed JSON: {failure.msg}")
            continue
        repeated: list[str] = []
        json.loads(line, object_pairs_hook=lambda pairs, found=repeated: found.extend(_repeated([k for k, _ in pairs])))
        if repeated:
            yield "", InputError(f"{path}:{number} {repeated[0]}: duplicate key")
            continue
        yield f"{path}:{number}", row


def _csv(data: bytes, path: Path) -> Iterator[tuple[str, object]]:
    reader = csv.reader(io.StringIO(data.decode(), newline=""), strict=True)
    try:
        header = next(reader, None)
        if header is None:
            return
        if repeated := _repeated(header):
            raise InputError(f"{path}:1: duplicate column {repeated[0]!r}")
        if "input" not in header:
            mapped = "" if len(header) < 2 else f"; or say what is what: {mapping(path.name, header)}"
            hint = next(
                (f"; separate columns by commas, not by {mark!r}" for mark in ";\t|" if mark in ",".join(header)),
                mapped,
            )
            raise InputError(f"{path}:1: no column 'input'; found {', '.join(header)}{hint}")
        for values in reader:
            if values and len(values) != len(header):
                yield "", InputError(f"{path}:{reader.line_num}: {len(values)} values for {len(header)} columns")
            elif values:
                row = dict(zip(header, values, strict=True))
                named = {name: row.pop(name) or None for name in ("id", "input", "target") if name in row}
                yield f"{path}:{reader.line_num}", named | {"metadata": row}
    except csv.Error as failure:
        yield "", InputError(f"{path}:{reader.line_num}: malformed CSV: {failure}")


def _repeated(names: list[str]) -> list[str]:
    return [name for name in names if names.count(name) > 1]


@given(BYTES, MARK)
@example(b'input\n"two\nlines"\r\n\r\n"a\rb",\n', b"")
@example(b'id,input\n1,"x\r\ny"\r2,z\n', b"\xef\xbb\xbf")
@example(b'input\n"never closed\n', b"")
@pytest.mark.parametrize("name", ["any.jsonl", "any.csv"])
def test_the_cases_and_the_errors_are_those_of_the_whole_file_read_at_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes, mark: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(mark + data)
    lazily = outcome(lambda: list(read_cases(path)))
    try:
        expected = outcome(lambda: read_at_once(path))
    except UnicodeDecodeError:  # at once, this is seen before anything else that is wrong
        assert isinstance(lazily, InputError)
        return
    if isinstance(expected, InputError):  # of several duplicates, only the first is told
        assert isinstance(lazily, InputError)
        assert set(str(lazily).splitlines()) <= set(str(expected).splitlines())
    else:
        assert lazily == expected


@given(
    st.lists(st.integers(0, 9), unique=True, min_size=1),
    st.slices(12),
    st.integers(-12, 11),
    st.sampled_from([1, 3, 1024]),
)
def test_any_part_in_any_order_is_what_a_list_would_give(
    tmp_path_factory: pytest.TempPathFactory, positions: list[int], part: slice, index: int, block: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "part.jsonl"
    path.write_bytes(b"\n".join(b'{"id": "c%d", "input": "%s"}' % (n, b"x" * n + b".") for n in range(10)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(case_file, "BLOCK", block)
        found = read_cases(path)
        everything = list(found)
        some, expected = found.in_order(positions), [everything[position] for position in positions]
        assert list(some) == expected
        assert list(some[part]) == expected[part]
        assert list(some[part][part]) == expected[part][part]
        assert len(some) == len(expected)
        if -len(expected) <= index < len(expected):
            assert some[index] == expected[index]
        else:
            with pytest.raises(IndexError):
                some[index]


def test_a_long_slice_stays_in_the_file_and_a_short_one_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_file, "BLOCK", 2)
    cases = read_cases(written_cases(tmp_path, 5))
    assert isinstance(cases[1:4], CaseFile)
    assert isinstance(cases[1:3], list)


def written_cases(folder: Path, count: int, **more: object) -> Path:
    path = folder / "cases.jsonl"
    with path.open("w") as file:
        file.writelines(json.dumps({"id": f"c{n}", "input": f"number {n}", **more}) + "\n" for n in range(count))
    return path


def test_every_case_is_looked_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    looked: list[Case] = []
    assert list(read_cases(written_cases(tmp_path, 5), looked.append)) == looked


def test_a_duplicate_id_is_told_with_what_is_wrong_behind_it(tmp_path: Path) -> None:
    path = written_cases(tmp_path, 3)
    path.write_text(path.read_text() + '{"id": "c1", "input": 1}\n{"id": "c2", "input": 2}\nnothing')
    with pytest.raises(
        InputError, match=r"cases.jsonl:4: duplicate case id 'c1'; first used at .*cases.jsonl:2\n.*:6:1: malformed"
    ):
        read_cases(path)


def test_a_row_beyond_the_limit_is_refused_before_it_is_in_memory(tmp_path: Path) -> None:
    path = written_cases(tmp_path, 1)
    with path.open("ab") as file:
        file.truncate(200 << 20)  # a hole in the file: zeros, and no line end
    tracemalloc.start()
    with pytest.raises(InputError, match=r"cases.jsonl:2: a row of more than 16 MiB"):
        read_cases(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


def test_what_cannot_be_read_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cases.jsonl").symlink_to("/dev/null")
    with pytest.raises(InputError, match="not a regular file"):
        read_cases(tmp_path / "cases.jsonl")


@pytest.mark.parametrize("name", ["cases.jsonl", "suite.yaml"])
def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path, name: str) -> None:
    suite = suite_file(tmp_path, cases="cases.jsonl")
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match=f"{name}: .*not a regular file"):
        load_suite(suite)


def test_the_program_may_go_to_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cases = read_cases(written_cases(tmp_path, 2).relative_to(tmp_path))
    monkeypatch.chdir("/")
    assert [(case.id, case.place) for case in cases] == [("c0", "cases.jsonl:1"), ("c1", "cases.jsonl:2")]


def test_a_case_that_was_changed_is_refused_even_where_size_and_time_are_the_same(tmp_path: Path) -> None:
    path = written_cases(tmp_path, 3)
    cases, before = read_cases(path), path.stat()
    path.write_text(path.read_text().replace("number 1", "number 9"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert cases[0].input == "number 0"
    with pytest.raises(InputError, match=r"cases.jsonl:2: the dataset has changed since it was loaded"):
        list(cases)


def test_a_file_that_was_cut_off_or_sorted_is_refused(tmp_path: Path) -> None:
    path = written_cases(tmp_path, 3)
    cases, text = read_cases(path), path.read_text()
    for changed in (text[:-5], "", "\n".join(reversed(text.splitlines()))):
        path.write_text(changed)
        with pytest.raises(InputError, match="has changed since it was loaded"):
            list(cases)


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    path = written_cases(tmp_path, 3)
    cases = read_cases(path)
    path.unlink()
    with pytest.raises(InputError, match=r"cases.jsonl: the dataset cannot be read any more: No such file"):
        list(cases)


def test_cases_that_are_added_behind_are_not_asked(tmp_path: Path) -> None:
    path = written_cases(tmp_path, 3)
    cases = read_cases(path)
    with path.open("a") as file:
        file.write('{"id": "new", "input": "late"}\n')
    assert [case.id for case in cases] == ["c0", "c1", "c2"]


def test_a_suite_says_so_when_its_dataset_changes_while_it_is_asked(tmp_path: Path) -> None:
    path = written_cases(tmp_path, 3)
    suite = load_suite(suite_file(tmp_path, cases=path.name))
    path.write_text(path.read_text().replace("number", "Number"))
    with pytest.raises(InputError, match="has changed since it was loaded"):
        suite.hash  # noqa: B018


def walked(folder: Path, count: int) -> Suite:
    """A suite of which every case was loaded, hashed and asked."""
    path = written_cases(folder, count, target="x" * 5_000)
    suite = load_suite(suite_file(folder, cases=path.name))
    assert suite.hash
    for case in suite.cases[:]:
        suite.request(case)
    return suite


def test_ten_megabytes_of_cases_do_not_take_one_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalgate.formats.documents.MAX_BYTES", 100_000)  # asked for at once, although few are used
    walked(tmp_path, 5)  # what is made once, whatever the number of cases, is not counted
    tracemalloc.start()
    suite = walked(tmp_path, 2_000)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(suite.cases) == 2_000
    assert (tmp_path / "cases.jsonl").stat().st_size > 10_000_000
    assert kept < 80 * 2_000  # 20 bytes a case, 8 for its unit, and 50 kB for the suite itself
    assert peak < 1_000_000


def test_a_csv_cell_may_be_as_long_as_a_document(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text("id,input\na," + "x" * 200_000 + "\n")
    assert read_cases(tmp_path / "cases.csv")[0].input == "x" * 200_000
