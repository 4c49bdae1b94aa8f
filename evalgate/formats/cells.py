"""CSV cells: as long as an answer may be, and inert in whatever opens them.

By default `csv` refuses cells of more than 131,072 characters. And spreadsheets calculate a cell that begins as a
formula does, so that an answer of a model could send the sheet it is in to somebody.
"""

from __future__ import annotations

import csv
import re

MAX_CELL = 64 * 1024**2  # characters; one that a quotation mark opens and none closes would take the rest of the file
GUARD = "'"  # spreadsheets take what follows for text

# also behind what they skip, in the full width of East Asian keyboards, and behind a guard that is the text's own
_CALCULATED = re.compile(rf"[\t\r\n]|[\s\x00-\x1f\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠{GUARD}]")


def allow_long_cells() -> None:
    """Let every reader of the process take cells of up to `MAX_CELL` characters; more raises `csv.Error`, as before."""
    if csv.field_size_limit() < MAX_CELL:
        csv.field_size_limit(MAX_CELL)


def guarded(text: str) -> str:
    """`text`, with `GUARD` before it where a spreadsheet might calculate it; `unguarded` gives it back."""
    return GUARD + text if _CALCULATED.match(text) else text


def unguarded(cell: str) -> str:
    """The text of which `guarded` made this cell."""
    return cell.removeprefix(GUARD)
