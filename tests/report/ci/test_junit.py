"""The file against the rules of both schemas (`junit.xsd`), and what it says."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from evalgate.gate import Before, Board, FailOn
from evalgate.report.ci import broken_junit, junit

SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))


def route(operation: str) -> str:
    return f"traffic of {operation} goes to lab-f16"


def read(data: bytes) -> ET.Element:
    SCHEMA.validate(io.BytesIO(data))
    return ET.fromstring(data)


def case(root: ET.Element, operation: str, variant: str) -> ET.Element:
    return next(
        each for each in root.iter("testcase") if (each.get("classname"), each.get("name")) == (operation, variant)
    )


def figures(root: ET.Element, operation: str) -> dict[str, str]:
    suite = next(each for each in root if each.get("name") == operation)
    return {str(each.get("name")): str(each.get("value")) for each in suite.iter("property")}


def test_an_operation_is_a_suite_and_a_variant_a_case(board: Board) -> None:
    root = read(junit(board, FailOn(), route))
    assert [suite.get("name") for suite in root] == [each.operation for each in board.operations]
    for suite, each in zip(root, board.operations, strict=True):
        assert [one.get("name") for one in suite.iter("testcase")] == [one.variant.id for one in each.verdicts]


def test_counts_are_those_of_the_cases_and_agree_with_the_exit_code(board: Board) -> None:
    for fail_on in (FailOn(), FailOn({"red"}), FailOn(set())):
        root = read(junit(board, fail_on, route))
        for suite in root:
            for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
                assert int(suite.get(attribute, "-1")) == len(list(suite.iter(tag)))
        assert (next(root.iter("failure"), None) is not None) == (fail_on.exit_code(board) in (1, 3))


def test_a_red_is_a_failure_that_says_what_broke(board: Board) -> None:
    root = read(junit(board, FailOn(), route))
    failure = case(root, "extract_order", "lab-f16-short").find("failure")
    assert failure is not None
    assert failure.get("type") == "red"
    assert "broke most:" in (failure.text or "")
    assert "next: evalgate show extract_order lab-f16-short --broke" in (failure.text or "")


def test_a_green_says_nothing(board: Board) -> None:
    assert len(case(read(junit(board, FailOn(), route)), "add_numbers", "lab-q8_0")) == 0


def test_what_the_policy_lets_pass_is_skipped(board: Board) -> None:
    root = read(junit(board, FailOn({"red"}), route))
    assert case(root, "classify_feedback", "lab-q4_0").find("skipped") is not None
    assert case(root, "add_numbers", "lab-q4_0").find("skipped") is not None


def test_a_known_red_is_skipped_and_called_known(board: Board) -> None:
    operation = board.operations[2]
    red = next(each for each in operation.verdicts if each.word == "red")
    known = {(operation.operation, red.variant.id): Before(red.variant.config, "red")}
    told = case(read(junit(board, FailOn(before=known), route)), operation.operation, red.variant.id).find("skipped")
    assert told is not None
    assert str(told.get("message")).startswith("red, as published before: ")


def test_infrastructure_is_an_error(board: Board) -> None:
    operation = board.operations[0]
    down = replace(operation.verdicts[0], outcome="inconclusive", cause="unreachable", reason="connection refused")
    root = read(junit(replace(board, operations=(replace(operation, verdicts=(down,)),)), FailOn(), route))
    error = next(root.iter("error"))
    assert "connection refused" in str(error.get("message"))


def test_figures_are_properties_that_read_as_numbers(board: Board) -> None:
    told = figures(read(junit(board, FailOn(), route)), "extract_order")
    short = next(each for each in board.operations[2].verdicts if each.variant.id == "lab-f16-short")
    assert told["lab-f16-short.verdict"] == "red"
    assert float(told["lab-f16-short.upper"]) == pytest.approx(short.worst.interval[1], rel=1e-5)
    assert int(told["lab-f16-short.cases"]) == short.cases
    assert float(told["margin"]) == 0.05


def test_hostile_texts_leave_the_file_valid(hostile_board: Board) -> None:
    data = junit(hostile_board, FailOn(), lambda operation: operation)
    read(data)
    assert not {*range(0x20)} - {0x09, 0x0A} & {*data}
    assert len(data) < 1_000_000


@given(st.text(max_size=300))
def test_any_text_leaves_the_file_valid(text: str) -> None:
    root = read(broken_junit({text: [text, "other"]}, text, 0.0))
    assert len(list(root.iter("error"))) == 2


def test_nothing_judged_is_a_valid_file_without_suites() -> None:
    assert len(read(junit(Board("", 0.0, 0, ()), FailOn(), route))) == 0
