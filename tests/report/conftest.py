"""Boards and reports that several tests look at; made once, because drawing takes a second or two."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from evalgate.gate import Board
from evalgate.report.drift.report import write_report
from tests.report import board_factory
from tests.report.drift_reports import report_of


@pytest.fixture(scope="session")
def board() -> Board:
    return board_factory.board()


@pytest.fixture(scope="session")
def small(board: Board) -> Board:
    """One operation with two variants, the second of them with many flips: quick to draw."""
    operation = board.operations[0]
    return replace(board, operations=(replace(operation, verdicts=operation.verdicts[2:4]),))


@pytest.fixture(scope="session")
def hostile_board() -> Board:
    return board_factory.hostile_board()


@pytest.fixture(scope="session")
def report(board: Board, tmp_path_factory: pytest.TempPathFactory) -> str:
    """All in one file."""
    return write_report(report_of(board), tmp_path_factory.mktemp("report") / "report.html").root.read_text()


@pytest.fixture(scope="session")
def hostile_report(hostile_board: Board, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    return write_report(report_of(hostile_board, before=hostile_board), path).root.read_text()


class Recorder:
    """A console of a given width that keeps what was printed; `terminal` as if a person sat before it."""

    def __init__(self, width: int, *, terminal: bool = False) -> None:
        self._file = io.StringIO()
        system = "standard" if terminal else None
        self.console = Console(
            file=self._file, width=width, force_terminal=terminal, color_system=system, legacy_windows=False
        )

    @property
    def text(self) -> str:
        return self._file.getvalue()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()
