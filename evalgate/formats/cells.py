"""CSV cells as long as an answer may be: by default `csv` refuses those of more than 131,072 characters."""

from __future__ import annotations

import csv

MAX_CELL = 64 * 1024**2  # characters; one that a quotation mark opens and none closes would take the rest of the file


def allow_long_cells() -> None:
    """Let every reader of the process take cells of up to `MAX_CELL` characters; more raises `csv.Error`, as before."""
    if csv.field_size_limit() < MAX_CELL:
        csv.field_size_limit(MAX_CELL)
