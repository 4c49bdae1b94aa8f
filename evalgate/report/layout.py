"""Lines for a terminal: columns and hanging indents, made of spaces alone.

rich's own tables and paddings fill every line with trailing blanks, and boxes turn into an avalanche in a log file.
These lines look the same on a screen, in a log and in a pull request.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text


class Piped(Console):
    """A console without a window: a file, a pipe, a log.

    Nothing tells how wide it is, so a table takes the width that it needs, for `grep` and `cut` as much as for people.
    A width that is stated (COLUMNS) says how many columns of the board stay in one line. Prose is wrapped as ever.
    """

    @property
    def table_width(self) -> int:
        """Cells that a table may take."""
        return self.width if os.environ.get("COLUMNS", "").isdigit() else sys.maxsize


def console_for_output() -> Console:
    """The console on stdout."""
    return Console() if sys.stdout.isatty() else Piped()


def table_width(console: Console) -> int:
    """Cells that a table may take of `console`."""
    return console.table_width if isinstance(console, Piped) else console.width


def print_line(console: Console, line: Text) -> None:
    """Print one line as it is: never wrapped, cropped, highlighted or read as markup."""
    line.rstrip()
    console.print(line, no_wrap=True, overflow="ignore", crop=False, highlight=False)


def print_hanging(console: Console, text: Text, indent: int, *, first: int | None = None) -> None:
    """Print `text` wrapped to the console's width; its first line is indented by `first`, the others by `indent`."""
    start = indent if first is None else first
    for number, line in enumerate(wrapped(console, text, console.width - indent)):
        print_line(console, Text(" " * (start if number == 0 else indent)) + line)


def wrapped(console: Console, text: Text, width: int) -> list[Text]:
    """Wrap to lines of at most `width` cells; words that are longer are cut."""
    return list(text.wrap(console, max(width, 20), overflow="fold", no_wrap=False))


def print_parts(
    console: Console, parts: Sequence[Text | str], indent: int, *, first: int | None = None, separator: str = " · "
) -> None:
    """Print the parts that say something, as many in a line as fit, so that no part is torn without need."""
    lines: list[Text] = []
    for part in parts:
        if not part:
            continue
        text = part if isinstance(part, Text) else Text(part)
        if lines and cell_len(lines[-1].plain + separator + text.plain) <= console.width - indent:
            lines[-1].append(separator).append_text(text)
        else:
            lines.append(Text().append_text(text))
    for number, line in enumerate(lines):
        print_hanging(console, line, indent, first=first if number == 0 else indent)


def columns(cells: Sequence[Text], widths: Sequence[int], right: Sequence[bool], *, gap: int = 2) -> Text:
    """One row of a table: each cell padded to its column's width, flush right where `right` says so."""
    row = Text()
    for cell, width, flush_right in zip(cells, widths, right, strict=True):
        blank = " " * (width - cell_len(cell.plain))
        # appended one by one: a sum of texts takes the first one's style for all
        for part in (Text(blank), cell) if flush_right else (cell, Text(blank)):
            row.append_text(part)
        row.append(" " * gap)
    return row


def widths_of(rows: Sequence[Sequence[Text]]) -> list[int]:
    """The width of each column: that of its widest cell."""
    return [max(cell_len(cell.plain) for cell in column) for column in zip(*rows, strict=True)]


def print_table(
    console: Console,
    rows: Sequence[Sequence[Text]],
    right: Sequence[bool],
    *,
    indent: int = 2,
    below: int = 7,
    names: Sequence[str] = (),
) -> None:
    """Print a table whose first row are its titles, no wider than the console.

    Where it does not fit, columns move closer together, and then the last ones to a line below each row, which begins
    at `below` and gives each cell its name: its title, unless `names` has another ('' for a cell that needs none).
    """
    widths, available = widths_of(rows), table_width(console) - indent
    gap = 2 if sum(widths) + 2 * (len(widths) - 1) <= available else 1
    shown = len(widths)
    while shown > 1 and sum(widths[:shown]) + gap * (shown - 1) > available:
        shown -= 1
    told = names or [title.plain for title in rows[0]]
    for number, row in enumerate(rows):
        print_line(console, Text(" " * indent) + columns(row[:shown], widths[:shown], right[:shown], gap=gap))
        if number:
            moved = zip(told[shown:], row[shown:], strict=True)
            print_parts(console, [Text(f"{name} {cell.plain}".strip(), "dim") for name, cell in moved if cell], below)
