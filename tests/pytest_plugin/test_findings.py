from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from evalgate.pytest_plugin.findings import Finding, Told, found_once

FINDING = Finding({"good": Told("green", False, True, "", "", (("evalgate.cases", "60"),))})

DYING = """
import os, signal, sys
from pathlib import Path
from evalgate.pytest_plugin.findings import found_once
found_once(Path(sys.argv[1]), "suite", lambda: os.kill(os.getpid(), signal.SIGKILL))
"""


def never() -> Finding:
    raise AssertionError


def test_what_one_worker_found_the_others_read(tmp_path: Path) -> None:
    assert found_once(tmp_path, "suite", lambda: FINDING) == FINDING
    assert found_once(tmp_path, "suite", never) == FINDING


def test_that_it_cannot_be_found_is_found_once_too(tmp_path: Path) -> None:
    failed = Finding({}, failure="evalgate: no key")
    found_once(tmp_path, "suite", lambda: failed)
    assert found_once(tmp_path, "suite", never) == failed


def test_each_suite_has_a_finding_of_its_own(tmp_path: Path) -> None:
    found_once(tmp_path, "suite", lambda: FINDING)
    other = Finding({})
    assert found_once(tmp_path, "other", lambda: other) == other


def test_after_a_worker_that_died_the_next_one_finds_it(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", DYING, str(tmp_path)], env=os.environ, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL
    assert found_once(tmp_path, "suite", lambda: FINDING) == FINDING
