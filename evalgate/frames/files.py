"""Frames as files: Parquet, which keeps every dtype, and CSV, which any spreadsheet opens and none calculates."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from evalgate.errors import InfrastructureError
from evalgate.formats.cells import guarded
from evalgate.formats.files import atomic_file
from evalgate.store.export import require_parquet

if TYPE_CHECKING:
    import pandas as pd


def to_parquet(frame: pd.DataFrame, path: Path | str) -> None:
    """Write a frame; `pandas.read_parquet` gives it back with the dtypes it had.

    Raises `InputError` where pyarrow is not installed, `InfrastructureError` when it cannot be written.
    """
    require_parquet(instead="CSV")
    try:
        with atomic_file(Path(path)) as file:
            frame.to_parquet(file, engine="pyarrow", index=False, compression="zstd")
    except OSError as failure:
        raise InfrastructureError(f"{path}: the frame cannot be written: {failure.strerror}") from None


def to_csv(frame: pd.DataFrame, path: Path | str) -> None:
    """Write a frame as UTF-8 with a head line; nothing is an empty cell, and every text is in quotation marks.

    Texts that a spreadsheet might calculate have an apostrophe before them (`evalgate.formats.cells.unguarded` takes it
    off again); numbers stay as they are. Raises `InfrastructureError` when it cannot be written.
    """
    texts = frame.select_dtypes(include=["string", "object"]).columns
    inert = frame.assign(**{name: frame[name].map(guarded, na_action="ignore") for name in texts})
    try:
        with atomic_file(Path(path)) as file:
            words = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
            inert.to_csv(words, index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
            words.detach()
    except OSError as failure:
        raise InfrastructureError(f"{path}: the frame cannot be written: {failure.strerror}") from None
