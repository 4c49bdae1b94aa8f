"""`evalgate pages` as a user types it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.warm import evalgate
from tests.web.world import catalog_in, signal_for


def pages(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return evalgate("pages", *options, cwd=folder)


def test_a_catalogue_and_a_signal_become_a_folder(tmp_path: Path) -> None:
    (tmp_path / "signal.json").write_bytes(signal_for(catalog_in(tmp_path)).encode())
    done = pages(tmp_path, "-o", "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "pages: out/index.html (4 files)\n"
    assert "signal seq 1 of a/b" in (tmp_path / "out" / "models" / "acme" / "llama-8b.html").read_text("utf-8")


def test_without_a_signal_the_pages_are_written_and_that_is_said(tmp_path: Path) -> None:
    catalog_in(tmp_path)
    done = pages(tmp_path, "-o", "out")
    assert done.returncode == 0
    assert "no signal at signal.json; the pages show no verdicts" in done.stderr


def test_a_signal_that_was_named_and_is_not_there_is_an_error(tmp_path: Path) -> None:
    catalog_in(tmp_path)
    done = pages(tmp_path, "-o", "out", "--signal", "other.json")
    assert done.returncode == 2
    assert "other.json" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    catalog_in(tmp_path)
    (tmp_path / "out").write_text("mine")
    done = pages(tmp_path, "-o", "out")
    assert done.returncode == 2
    assert "the pages cannot be written" in done.stderr
    assert (tmp_path / "out").read_text() == "mine"
