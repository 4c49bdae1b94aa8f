"""What a line of an input file may be, and what is said of one that cannot be used."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.gateway.batches import input as input_
from evalgate.gateway.batches.input import Asked, Fault, Reader, Terms, lines_of
from evalgate.router import RoutingTable
from tests.conftest import JSON
from tests.gateway.batches.conftest import CHEAP, jsonl, line
from tests.router.house import catalog_of, signal_of


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> RoutingTable:
    catalog = catalog_of(tmp_path_factory.mktemp("catalog"), CHEAP, extra="\n    baseline: full")
    return RoutingTable(signal_of(catalog, CHEAP), catalog)


def read(table: RoutingTable, content: bytes, terms: Terms | None = None) -> tuple[list[Asked], list[Fault]]:
    reader = Reader(terms or Terms("/v1/chat/completions", "sort"), table)
    return list(reader.read(lines_of([content]))), reader.end()


def faults(table: RoutingTable, *rows: object) -> list[tuple[str, int | None, str | None]]:
    return [(fault.code, fault.line, fault.param) for fault in read(table, jsonl(*rows))[1]]


def with_body(**changes: object) -> dict[str, object]:
    body = {"model": "model", "messages": [{"role": "user", "content": "q"}]} | changes
    return line(1, body={name: value for name, value in body.items() if value is not None})


def test_a_line_is_taken_with_its_number_and_all_of_its_body(table: RoutingTable) -> None:
    body = {"model": "model", "messages": [], "tools": [{"x": [1.5, None, "é"]}], "metadata": {"tier": "batch"}}
    body["messages"] = [{"role": "user", "content": [{"type": "text", "text": "q"}]}]
    asked, wrong = read(table, b"\n" + jsonl(line(7, body=body)) + b"\r\n")
    assert (wrong, [(it.number, it.custom_id, json.loads(it.body)) for it in asked]) == ([], [(2, "c7", body)])


def test_every_fault_is_told_with_its_line(table: RoutingTable) -> None:
    content = b"not JSON\n" + jsonl(line(1), line(1), [], line(2, method="GET"), line(3, url="/v1/embeddings"))
    asked, wrong = read(table, content)
    assert [it.custom_id for it in asked] == ["c1"]
    assert [(it.code, it.line) for it in wrong] == [
        ("invalid_json_line", 1),
        ("duplicate_custom_id", 3),
        ("invalid_json_line", 4),
        ("invalid_method", 5),
        ("url_mismatch", 6),
    ]


@pytest.mark.parametrize("name", ["custom_id", "method", "url", "body"])
def test_what_is_missing_is_named(table: RoutingTable, name: str) -> None:
    without = {key: value for key, value in line(1).items() if key != name}
    assert faults(table, without) == [("missing_required_parameter", 1, name)]


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"model": "nobody"}, "model_not_found", "model"),
        ({"messages": None}, "missing_required_parameter", "messages"),
        ({"stream": True}, "unsupported_parameter", "stream"),
        ({"model": 5}, "invalid_request", None),
        ({"provider": {"max_price": {"prompt": "cheap"}}}, "invalid_request", None),
    ],
)
def test_a_request_that_cannot_be_asked_is_told_before_anybody_is(
    table: RoutingTable, changes: dict[str, object], code: str, param: str | None
) -> None:
    assert faults(table, with_body(**changes)) == [(code, 1, param)]


@pytest.mark.parametrize("custom_id", ["", "x" * 513, 5, "a\0b", ["c"]])
def test_a_custom_id_is_a_short_text(table: RoutingTable, custom_id: object) -> None:
    assert faults(table, line(1, custom_id=custom_id)) == [("invalid_custom_id", 1, "custom_id")]


def test_a_file_without_requests_is_empty(table: RoutingTable) -> None:
    for content in (b"", b"\n \n\r\n"):
        assert [fault.code for fault in read(table, content)[1]] == ["empty_file"]


def test_a_file_of_too_many_requests_is_not_read_to_its_end(
    table: RoutingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_, "MOST_LINES", 2)
    asked, wrong = read(table, jsonl(*(line(n) for n in range(9))))
    assert (len(asked), [fault.code for fault in wrong]) == (3, ["too_many_tasks"])


def test_no_more_faults_are_told_than_anybody_reads(table: RoutingTable) -> None:
    assert len(read(table, b"x\n" * 500)[1]) == input_.MOST_ERRORS


def test_a_line_that_is_too_long_is_a_fault_and_the_next_one_is_read(
    table: RoutingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_, "MOST_BYTES_OF_A_LINE", 400)
    asked, wrong = read(table, jsonl(with_body(stop="x" * 900), line(2)))
    assert ([it.custom_id for it in asked], [(it.code, it.line) for it in wrong]) == (
        ["c2"],
        [("invalid_json_line", 1)],
    )


@given(st.lists(st.binary(max_size=30), max_size=6), st.integers(1, 7))
def test_lines_are_the_same_wherever_chunks_end(lines: list[bytes], size: int) -> None:
    content = b"\n".join(lines)
    chunks = [content[start : start + size] for start in range(0, len(content), size)]
    expected = content.split(b"\n")
    assert list(lines_of(chunks)) == (expected if expected[-1] else expected[:-1])


@given(st.lists(JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(line(1), JSON)), max_size=4), st.binary())
def test_nothing_that_is_read_breaks_the_reader(table: RoutingTable, found: list[object], noise: bytes) -> None:
    asked, wrong = read(table, jsonl(*found) + noise)
    assert len(asked) + len(wrong) >= 1


@given(JSON, JSON, JSON)
def test_no_body_breaks_the_reader(table: RoutingTable, one: object, two: object, three: object) -> None:
    body = {"model": "model", "messages": one, "metadata": two, "provider": three, "service_tier": two}
    asked, wrong = read(table, jsonl(line(1, body=body)))
    assert len(asked) + len(wrong) == 1
