"""What is printed on a real terminal of 80 columns: nothing is wider, and no colour where it is not wanted."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import sys
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.e2e.conftest import House

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LONG = "same-weights-in-a-precision-with-a-long-name"


def on_terminal(folder: Path, *arguments: str, columns: int = 80, **environment: str) -> str:
    """All that a terminal is given of a command."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        os.chdir(folder)
        command = [sys.executable, "-m", "evalgate", *arguments]
        os.execve(command[0], command, inherited | {"TERM": "xterm-256color"} | environment)
    found = b""
    try:
        while piece := os.read(terminal, 65536):
            found += piece
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    os.waitpid(pid, 0)
    return found.decode()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    from tests.e2e.conftest import build

    (folder := tmp_path_factory.mktemp("window") / "house").mkdir()
    house = build(folder)
    catalog = house.path / "catalog.yaml"
    catalog.write_text(catalog.read_text().replace("{id: same,", f"{{id: {LONG},"))
    return house


def lines(printed: str) -> list[str]:
    return [line.rpartition("\r")[2] for line in ESCAPE.sub("", printed).replace("\r\n", "\n").split("\n")]


@pytest.mark.parametrize(
    "command",
    [
        ["check", "--publish", "signal.json", "--unsigned"],
        ["plan"],
        ["route"],
        ["signal", "show"],
        ["store", "stats"],
        ["show", "name_colour", "worse", "--broke"],
    ],
    ids=" ".join,
)
def test_nothing_is_wider_than_the_terminal(house: House, command: list[str]) -> None:
    if command[0] != "check" and not (house.path / "signal.json").exists():
        house.run("check", "-q", "--publish", "signal.json", "--unsigned")
    printed = lines(on_terminal(house.path, *command))
    assert len(printed) > 3
    assert [line for line in printed if cell_len(line) > 80] == []


def test_the_bars_tell_money_and_rulings_while_it_works(house: House) -> None:
    printed = on_terminal(house.path, "check", "--store", "anew.db")
    plain = ESCAPE.sub("", printed)
    assert "\x1b[" in printed
    assert re.search(r"name_colour · worse: red after \d+ cases", plain)
    assert re.search(r"\d answers · \d+\.\d+ USD spent", plain)


def test_no_color_is_no_colour(house: House) -> None:
    printed = on_terminal(house.path, "check", "-q", NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[1-7]m", printed)
