"""`evalgate frames`, the docs that list its columns, and what is imported for whom."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from click.testing import CliRunner

from evalgate.cli.frames import command
from evalgate.errors import InputError
from evalgate.frames import TABLES, Run, documentation
from evalgate.frames.run import ALL, OF_THE_BOARD
from tests.e2e.conftest import House
from tests.frames.conftest import Checked, modules_of

HEAVY = {"pandas", "scipy", "pyarrow", "matplotlib", "sqlalchemy", "numpy", "datasets", "httpx"}


def test_it_writes_every_frame(checked: Checked, tmp_path: Path) -> None:
    done = checked.house.run("frames", "-o", str(tmp_path / "out"))
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.stem for path in (tmp_path / "out").iterdir()) == sorted(ALL)
    assert len(pd.read_parquet(tmp_path / "out" / "verdicts.parquet")) == 3


def test_without_a_folder_it_lists_the_runs(checked: Checked, run: Run) -> None:
    told = CliRunner().invoke(command, ["--store", str(checked.store)])
    assert run.name in told.output


def test_a_run_without_a_folder_is_told_what_is_missing(checked: Checked, run: Run) -> None:
    told = CliRunner().invoke(command, [run.name, "--store", str(checked.store)])
    assert isinstance(told.exception, InputError)
    assert str(told.exception) == f"frames {run.name}: name the folder to write to, with -o FOLDER"


def test_where_the_suites_are_not_nothing_is_half_written(checked: Checked, tmp_path: Path) -> None:
    elsewhere, out = House(tmp_path), tmp_path / "out"
    arguments = ("frames", "--store", str(checked.store), "-o", "out")
    done = elsewhere.run(*arguments)
    assert done.returncode == 2
    assert "do without answers (--no-answers)" in done.stderr
    assert not out.exists()
    assert elsewhere.run(*arguments, "--no-answers").returncode == 0
    assert sorted(path.stem for path in out.iterdir()) == sorted(OF_THE_BOARD)


def test_the_docs_and_docstrings_have_the_columns_of_the_code() -> None:
    text = (Path(__file__).parents[2] / "docs" / "frames.md").read_text()
    assert documentation() in text, "run: evalgate frames --columns, and put it into docs/frames.md"
    for name in ALL:
        doc = getattr(Run, name).__doc__
        assert all(f"`{column.name}` | `{column.dtype}`" in doc for column in TABLES[name].columns)


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    assert not HEAVY & modules_of("--help", folder=tmp_path)
    assert not HEAVY & modules_of("frames", "--help", folder=tmp_path)


def test_a_check_imports_neither_pandas_nor_scipy(checked: Checked) -> None:
    assert "evalgate.stats.certify" in checked.imported
    assert not {"pandas", "scipy", "pyarrow"} & checked.imported
