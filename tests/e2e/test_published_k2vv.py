"""The README's table of vendors is what its command prints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_readme_shows_the_vendor_table_that_the_benchmark_prints() -> None:
    command = [sys.executable, "benchmarks/k2vv.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert "| **by the signal** |" in done.stdout
    assert done.stdout in (ROOT / "README.md").read_text(encoding="utf-8")
