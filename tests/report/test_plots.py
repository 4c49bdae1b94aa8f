from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

from evalgate.gate import Board
from evalgate.report import plots
from tests.report.board_factory import operation_board


def test_the_same_board_gives_the_same_picture(board: Board) -> None:
    one = replace(board, operations=(board.operations[1],))
    again = replace(board, operations=(operation_board("add_numbers"),))

    assert plots.overview_figure(one) == plots.overview_figure(again)


def test_a_variant_that_was_not_judged_on_an_operation_leaves_its_row_empty(board: Board) -> None:
    one, two = board.operations[0], board.operations[1]
    partial = replace(board, operations=(one, replace(two, verdicts=two.verdicts[:2])))

    assert plots.overview_figure(partial).startswith(b"<?xml")


def test_the_overview_is_a_png_on_demand(board: Board) -> None:
    assert plots.overview_figure(replace(board, operations=board.operations[:2]), "png").startswith(b"\x89PNG")


def test_matplotlib_and_pandas_are_not_imported_before_something_is_drawn() -> None:
    modules = ", ".join(f"evalgate.report.{name}" for name in ("plots", "drift.report", "terminal", "side_by_side"))
    code = f"import sys, {modules}; print([m for m in ('matplotlib', 'pandas') if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
