from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from rich.cells import cell_len

from evalgate.gate import Board
from evalgate.report.side_by_side import render_pairs
from evalgate.report.terminal import render_board, render_failures
from tests.report.board_factory import facts, pairs
from tests.report.conftest import Recorder


def printed(board: Board, width: int, *, terminal: bool = False) -> Recorder:
    recorder = Recorder(width, terminal=terminal)
    render_board(board, recorder.console)
    return recorder


def failures(board: Board, width: int = 100) -> str:
    recorder = Recorder(width)
    render_failures(board, recorder.console, lambda operation: f"traffic of {operation} goes to lab-f16")
    return recorder.text


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_the_board_fits_its_width_and_says_everything(board: Board, width: int) -> None:
    recorder = printed(board, width)
    words = " ".join(recorder.text.split())

    assert max(cell_len(line) for line in recorder.lines) <= width
    for operation in board.operations:
        assert operation.operation in words
        for verdict in operation.verdicts:
            assert verdict.variant.id in words
            assert f"{verdict.cases}/{operation.available}" in words
            assert f"−{verdict.worst.broke} +{verdict.worst.fixed}" in words
    for said in ("margin 5 pp", "claim traffic", "family of 7", "baseline lab-f16 (f16, 16 bits)", "8.06"):
        assert said in words


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_board_in_a_log_is_plain_lines(board: Board, width: int) -> None:
    recorder = printed(board, width)

    assert not any(unicodedata.name(character, "").startswith("BOX DRAWINGS") for character in recorder.text)
    assert "\x1b" not in recorder.text
    assert not any(line != line.rstrip() for line in recorder.lines)


def test_at_100_columns_a_variant_of_the_lab_takes_one_line(board: Board) -> None:
    one = replace(board, operations=board.operations[:1])

    assert len([line for line in printed(one, 100).lines if line.strip()]) <= 1 + 2 + 7 + 4


def test_verdicts_read_without_colour_and_are_coloured_on_a_terminal(board: Board) -> None:
    plain, coloured = printed(board, 120), printed(board, 120, terminal=True)

    row = next(line for line in plain.lines if "lab-q4_k_m" in line)
    assert row.split()[0] == "worse"
    assert "\x1b[31mworse\x1b[0m" in coloured.text
    assert "\x1b[1;31mRED\x1b[0m" in coloured.text
    assert "\x1b[32mgreen\x1b[0m" in coloured.text
    assert "\x1b[1mclassify_feedback\x1b[0m · smollm2" in coloured.text


def test_several_metrics_take_one_line_and_the_one_that_tells_is_named(board: Board) -> None:
    text = printed(board, 120).text

    assert "weakest of 2 metrics: score" in text
    assert "worst of 2 metrics: score" in text


def test_illustrative_prices_are_called_that(board: Board) -> None:
    assert "* illustrative prices: nobody sells at them" in printed(board, 100).text

    operation = board.operations[0]
    listed = replace(
        operation,
        baseline=replace(operation.baseline, price_basis="listed"),
        verdicts=tuple(replace(v, variant=replace(v.variant, price_basis="listed")) for v in operation.verdicts),
    )
    text = printed(replace(board, operations=(listed,)), 100).text
    assert "illustrative" not in text
    assert "%*" not in text


def test_truncation_and_failed_calls_show_where_they_are_notable(board: Board) -> None:
    lines = printed(board, 120).lines

    assert sum("94 % of answers truncated (baseline 1 %)" in line for line in lines) == 1
    assert sum("3 calls failed" in line for line in lines) == 1


def test_the_quantization_is_named_where_the_id_does_not_say_it(board: Board) -> None:
    assert "quantization" not in printed(board, 140).text

    operation = board.operations[0]
    hidden = replace(operation.verdicts[0], variant=facts("acme-turbo", "undisclosed", None))
    text = printed(replace(board, operations=(replace(operation, verdicts=(hidden,)),)), 140).text
    assert "undisclosed" in text


def test_a_long_id_pushes_the_numbers_below_and_not_out_of_sight(board: Board) -> None:
    operation = board.operations[0]
    long = replace(operation.verdicts[2], variant=facts("together/" + "x" * 50 + "@int4", "int4", 4.5))
    recorder = printed(replace(board, operations=(replace(operation, verdicts=(long,)),)), 80)

    assert max(map(cell_len, recorder.lines)) <= 80
    assert "score 0.804→0.716 · Δ −8.8 pp" in recorder.text


def test_a_red_verdict_says_what_broke_and_what_to_do(board: Board) -> None:
    text = failures(board)
    start = text.index("worse  add_numbers · lab-q4_0 (lab, q4_0, 5.4 bits)")
    verdict = board.operations[1].verdicts[3]
    first = next(flip for flip in verdict.flips if flip.variant_score < flip.baseline_score)

    message = text[start:].split("\n\n")[0]

    assert "proven worse than lab-f16, perhaps by less than the margin" in message
    assert "score 0.488 → 0.256   Δ −23.3 pp   90 % sequence [−" in message
    assert "margin −5 pp" in message
    assert f"{verdict.cases} cases paired: 23 broke, 3 fixed · family of 7" in message
    assert f"broke most: {first.case_id} 1 → 0" in message
    assert "router: traffic of add_numbers goes to lab-f16" in message
    assert "next: evalgate show add_numbers lab-q4_0 --broke" in message


def test_truncation_is_suspected_before_the_quantization(board: Board) -> None:
    text = failures(board)
    start = text.index("RED  extract_order · lab-f16-short (lab, f16, 16 bits)")
    message = text[start:].split("\n\n")[0]

    assert "proven worse than lab-f16 at the same precision" in message
    assert "94 % of answers truncated (baseline 1 %)" in message
    assert "suspect how it is served (template, context, token limit), not its quantization" in message


def test_inconclusive_is_shorter_and_green_is_silent(board: Board) -> None:
    text = failures(board)
    start = text.index("inconclusive  classify_feedback · lab-q4_0")
    message = text[start:].split("\n\n")[0]

    assert len(message.splitlines()) == 5
    assert "neither proven after all 600 cases" in message
    assert "more cases in suites/classify_feedback.yaml" in message
    assert "lab-q8_0" not in text


def test_the_metric_that_broke_most_is_counted(board: Board) -> None:
    assert "broke most: score (" in failures(board)


@pytest.mark.parametrize("width", [80, 120])
def test_hostile_texts_reach_no_terminal(hostile_board: Board, width: int) -> None:
    recorder = Recorder(width)
    render_board(hostile_board, recorder.console)
    render_failures(hostile_board, recorder.console, lambda operation: f"{operation}\x1b[1m")
    for operation in hostile_board.operations:
        for verdict in operation.verdicts:
            render_pairs(pairs(operation, verdict), recorder.console, 9)

    left = {character for character in recorder.text if unicodedata.category(character)[0] == "C"}
    assert left == {"\n"}
    assert "[bold red]markup[/]" in recorder.text
    assert ":boom:" in recorder.text
