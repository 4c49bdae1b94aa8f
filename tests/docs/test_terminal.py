"""What commands print fits a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from evalgate.cli import COMMANDS
from tests.docs import house
from tests.docs.shell import parse, run

SHOWN = [
    "evalgate check -q",  # not `route`, `why` and `history`: in a pipe their lines are whole, for `grep`
    "evalgate plan",
    "evalgate plan --watch",
    "evalgate signal show signal.json --trust signal.pub",
    "evalgate catalog show",
    "evalgate graders",
    "evalgate frames",
    "evalgate intelligence",
    "evalgate store stats",
]


def test_what_is_shown_fits(built: Callable[[bool], Path]) -> None:
    built(True)
    for command in SHOWN:
        code, printed = run(parse(command), house.KEYS)
        assert code == 0, printed
        wide = [line for line in printed.splitlines() if cell_len(line) > 80]
        assert not wide, f"{command}: {wide[0]}"


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits(name: str) -> None:
    code, printed = run(parse(f"evalgate {name} --help"), house.KEYS)
    assert code == 0
    assert max(map(cell_len, printed.splitlines())) <= 80


@pytest.mark.parametrize(
    "command", ["store stats", "report", "frames", "show a b", "history a", "cases list", "store gc"]
)
def test_looking_at_an_empty_folder_leaves_it_empty(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, printed = run(parse(f"evalgate {command}"), house.KEYS)
    assert code == 2
    assert "there is no such file" in printed
    assert not list(tmp_path.iterdir())
