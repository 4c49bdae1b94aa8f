"""docs/tutorial.md, run from its first block to its last in one folder, as somebody reads it.

Only the port is another one, so that several tests may run at once; and nothing is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
PORT = "8950"


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == language]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the tutorial needs of a clone, and the command `evalgate` on the path."""
    for name in ("catalog.yaml", "suites"):
        (tmp_path / name).symlink_to(ROOT / name)
    command = tmp_path / "bin" / "evalgate"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m evalgate "$@"\n')
    command.chmod(0o755)
    return tmp_path


def environment(clone: Path) -> dict[str, str]:
    said = {"PATH": f"{clone / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "100"}
    return os.environ | said | {"PYTHONIOENCODING": "utf-8"}


@contextmanager
def serving(clone: Path, started: str) -> Iterator[str]:
    """The second terminal; gives the port that is used instead."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    words = [*started.split(), "--port", port]
    words[0] = str(clone / "bin" / words[0])
    process = subprocess.Popen(words, cwd=clone, env=environment(clone), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert f"127.0.0.1:{port}" in process.stdout.readline()
        yield port
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@pytest.mark.skipif(shutil.which("bash") is None, reason="the tutorial is written for a shell")
def test_the_tutorial_leads_to_its_verdict(clone: Path) -> None:
    install, server, *rest = blocks("sh")
    assert "pip install ." in install
    assert f"http://127.0.0.1:{PORT}/v1" in TEXT
    script = "".join(f'{block}echo "exit code $?"\n' for block in rest)
    with serving(clone, server) as port:
        done = subprocess.run(
            ["bash", "-c", script.replace(PORT, port)],
            cwd=clone,
            env=environment(clone),
            capture_output=True,
            text=True,
            timeout=300,
        )
    codes = [line.removeprefix("exit code ") for line in done.stdout.splitlines() if line.startswith("exit code ")]
    assert codes == ["0", "0", "1", "0", "0"], done.stdout + done.stderr
    printed = " ".join(done.stdout.split())
    (board,) = blocks("")
    for line in board.splitlines():
        assert " ".join(line.split()) in printed
    assert "classify_feedback → lab-q8_0 saves 47 % of lab-f16" in printed
    assert "wrote mine/.github/workflows/evalgate.yml" in printed
    assert "evalgate:" not in done.stderr
