from __future__ import annotations

from dataclasses import replace

from evalgate.gate import Board, FailOn
from evalgate.report.ci import annotation_lines, broken_annotation


def unescaped(text: str) -> str:
    for escape, character in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(escape, character)
    return text


def parsed(line: str) -> tuple[str, dict[str, str], str]:
    """As the runner reads a workflow command."""
    assert line.startswith("::")
    command, _, message = line[2:].partition("::")
    level, _, properties = command.partition(" ")
    pairs = (each.partition("=") for each in properties.split(","))
    return level, {name: unescaped(value) for name, _, value in pairs}, unescaped(message)


def test_the_worst_come_first_with_their_suite_and_what_to_do(board: Board) -> None:
    level, properties, message = parsed(annotation_lines(board, FailOn())[0])
    assert level == "error"
    assert properties["file"] == "suites/extract_order.yaml"
    assert properties["title"] == "red: extract_order · lab-f16-short"
    assert "next: evalgate show extract_order lab-f16-short --broke" in message


def test_there_are_ten_at_most_and_the_last_counts_the_rest(board: Board) -> None:
    lines = annotation_lines(board, FailOn())
    not_green = sum(each.outcome != "green" for operation in board.operations for each in operation.verdicts)
    assert len(lines) == 10
    assert f"{not_green - 9} more verdicts not green" in lines[-1]


def test_what_does_not_fail_is_a_warning_and_green_is_nothing(board: Board) -> None:
    one = replace(board, operations=board.operations[:1])
    lines = annotation_lines(one, FailOn({"red"}))
    assert {parsed(line)[0] for line in lines} == {"warning"}
    assert len(lines) == sum(each.outcome != "green" for each in one.operations[0].verdicts)


def test_hostile_texts_make_no_command_of_their_own(hostile_board: Board) -> None:
    for line in annotation_lines(hostile_board, FailOn()):
        assert line.isprintable()
        level, properties, _ = parsed(line)
        assert level in ("error", "warning")
        assert set(properties) <= {"file", "title"}


def test_a_name_cannot_end_its_property(board: Board) -> None:
    operation = replace(board.operations[0], operation="a,file=/etc/passwd::b%0A\n::error::c")
    for line in annotation_lines(replace(board, operations=(operation,)), FailOn()):
        assert parsed(line)[1]["file"] == operation.suite


def test_what_ended_a_check_is_one_line() -> None:
    level, _, message = parsed(broken_annotation("no\n::error::route"))
    assert level == "error"
    assert message == "no␊::error::route"
