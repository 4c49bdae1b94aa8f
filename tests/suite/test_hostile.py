"""Whatever the files say, it ends soon: exit code 2 with the place named, no traceback, no call, little memory."""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path

import pytest

from evalgate.cli import command
from evalgate.errors import InputError
from tests.suite.hostile import CASES, CATALOG, HOSTILE, SUITE


def house(folder: Path) -> Path:
    for name, content in (("suite.yaml", SUITE), ("catalog.yaml", CATALOG), ("cases.jsonl", CASES)):
        (folder / name).write_text(content)
    return folder


@pytest.fixture(scope="module", autouse=True)
def imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What the command imports is not part of what a file takes."""
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(InputError):
        patch.chdir(house(tmp_path_factory.mktemp("harmless")))
        command.main(["plan", "suite.yaml", "--catalog", "catalog.yaml"], standalone_mode=False)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write, told = HOSTILE[name]
    write(house(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket.socket, "connect", _no_network)
    began = time.process_time()
    with pytest.raises(InputError) as caught:  # anything else would be a traceback
        command.main(["plan", "suite.yaml", "--catalog", "catalog.yaml"], standalone_mode=False)
    assert time.process_time() - began < 2  # of CPU
    assert caught.value.exit_code == 2
    assert told in str(caught.value)
    assert len(str(caught.value)) < 4000


def _no_network(*_: object) -> None:
    raise AssertionError("somebody was called")
