"""One checked house for all tests of frames: it is looked at and never written to."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import evalgate
from evalgate.frames import Run
from tests.e2e.conftest import House, build

# runs the command as `evalgate` does, and says at its end what was imported for it
_LISTING = """
import atexit, sys
atexit.register(lambda: print("\\n".join(sorted(sys.modules)), file=sys.stderr))
from evalgate.cli import main
main()
"""


@dataclass(frozen=True)
class Checked:
    """A house after one check, and the modules that were imported for it."""

    house: House
    imported: frozenset[str]

    def load(self, run: str = "last") -> Run:
        return evalgate.load_run(run, self.store, suites=self.house.path / "suites")

    @property
    def store(self) -> Path:
        return self.house.path / ".evalgate" / "evalgate.db"


def modules_of(*arguments: str, folder: Path) -> frozenset[str]:
    """What `evalgate ARGUMENTS` imports."""
    command = [sys.executable, "-c", _LISTING, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, env=dict(os.environ))
    assert done.returncode in (0, 1), done.stderr
    return frozenset(done.stderr.split())


@pytest.fixture(scope="session")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    house = build(tmp_path_factory.mktemp("house"))
    cases = house.path / "suites" / "cases.jsonl"
    lines = cases.read_text().splitlines()
    cases.write_text("\n".join(line[:-1] + f', "metadata": {{"parity": {n % 2}}}}}' for n, line in enumerate(lines)))
    return Checked(house, modules_of("check", "--quiet", folder=house.path))


@pytest.fixture(scope="session")
def run(checked: Checked) -> Run:
    return checked.load()
