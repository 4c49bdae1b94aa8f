"""The benchmarks: what docs/results.md shows of vendors is what its command prints, and none is in another's way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_readme_shows_the_vendor_table_that_the_benchmark_prints() -> None:
    command = [sys.executable, "benchmarks/k2vv.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert "| **by the signal** |" in done.stdout
    assert done.stdout in (ROOT / "docs" / "results.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["collect", "signal", "verdicts"])
def test_a_script_beside_one_that_is_called_as_a_module_of_the_standard_library_starts(name: str) -> None:
    command = [sys.executable, f"benchmarks/{name}.py", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
