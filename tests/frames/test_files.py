"""Frames as files: Parquet gives back what went in, CSV is text that nobody calculates."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.errors import EvalgateError
from evalgate.formats.cells import allow_long_cells, guarded, unguarded
from evalgate.frames import TABLES, Run, Table, to_csv, to_parquet
from evalgate.frames.make import Rows

HOSTILE = (
    *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\x00=1", "\ufeff=1", "＝1", "'", "''=1", "-"),
    *("<script>alert(1)</script>", "\x1b[31mred", "\u202eevil", 'a,"b"', "a\r\nb", "\ud800 half", "x" * 200_000, ""),
)
TEXTS = st.none() | st.text(max_size=30) | st.sampled_from(HOSTILE)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXTS,
    "int64": st.integers(-(2**63), 2**63 - 1),
    "Int64": st.none() | st.integers(-(2**63), 2**63 - 1),
    "float64": st.none() | st.floats(),
    "bool": st.booleans(),
    "datetime64[us, UTC]": st.floats(0, 4e9),
}


def rows_of(table: Table) -> st.SearchStrategy[list[dict[str, Any]]]:
    row = st.fixed_dictionaries({column.name: VALUES[column.dtype] for column in table.columns})
    return st.lists(row, max_size=3)


def frame_of(table: Table, rows: list[dict[str, Any]]) -> pd.DataFrame:
    made = Rows(table)
    for row in rows:
        made.add(**row)
    return made.frame()


tables = st.sampled_from([TABLES["answers"], TABLES["flips"], TABLES["runs"]])


@given(data=st.data(), table=tables)
@settings(max_examples=40)
def test_dtypes_do_not_depend_on_the_rows(data: st.DataObject, table: Table) -> None:
    frame = frame_of(table, data.draw(rows_of(table)))
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        column.name: column.dtype for column in table.columns
    }


@given(data=st.data(), table=tables)
@settings(max_examples=40)
def test_parquet_gives_back_what_went_in(
    data: st.DataObject, table: Table, tmp_path_factory: pytest.TempPathFactory
) -> None:
    frame = frame_of(table, data.draw(rows_of(table)))
    path = tmp_path_factory.mktemp("frames") / "frame.parquet"
    to_parquet(frame, path)
    pd.testing.assert_frame_equal(pd.read_parquet(path), frame, check_exact=True)


@given(TEXTS.filter(lambda text: text is not None))
def test_a_guarded_cell_begins_as_no_formula_and_can_be_undone(text: str) -> None:
    cell = guarded(text)
    assert not cell.lstrip(" \x00\ufeff").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    assert unguarded(cell) == text


def test_an_ordinary_text_is_not_guarded() -> None:
    for text in ("42", "a = b", "it's", "", "3-4", " blank"):
        assert guarded(text) == text


def test_csv_keeps_every_text_and_calculates_none(tmp_path: Path) -> None:
    rows = [{"operation": text, "variant": text, "broke": True, "baseline_score": -0.5} for text in HOSTILE]
    frame = frame_of(TABLES["flips"], rows)
    to_csv(frame, tmp_path / "flips.csv")
    allow_long_cells()
    read = list(csv.DictReader(io.StringIO((tmp_path / "flips.csv").read_bytes().decode(), newline="")))
    assert [unguarded(row["variant"]) for row in read] == frame.variant.tolist()
    assert all(not row["variant"].startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for row in read)
    assert {row["baseline_score"] for row in read} == {"-0.5"}  # a number may be negative
    assert {row["metric"] for row in read} == {""}


def test_what_is_no_column_is_refused() -> None:
    with pytest.raises(KeyError, match="scor"):
        Rows(TABLES["scores"]).add(scor=1.0)


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_all_frames_of_a_run_are_written(run: Run, tmp_path: Path, form: str) -> None:
    files = list(run.write(tmp_path / "new" / "folder", form, ["verdicts", "flips"]))
    assert [path.name for path in files] == [f"verdicts.{form}", f"flips.{form}"]
    read = pd.read_parquet(files[0]) if form == "parquet" else pd.read_csv(files[0])
    assert read.outcome.tolist() == run.verdicts().outcome.tolist()


def test_where_nothing_can_be_written_it_is_told(run: Run) -> None:
    with pytest.raises(EvalgateError, match="cannot be written"):
        run.to_csv("/dev/null/folder", ["flips"])


def test_a_frame_that_there_is_not_is_told(run: Run, tmp_path: Path) -> None:
    with pytest.raises(EvalgateError, match="no frame 'verdict'; did you mean 'verdicts'"):
        run.to_csv(tmp_path, ["verdict"])
