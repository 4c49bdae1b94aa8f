"""Where the pages lie and how they link: one file for a small board, else a board page with a folder of the others.

File names come from the names of operations and variants, so that a link can be typed and stays the same from run to
run; what a name may not hold in a file system or an address is left out of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from evalgate.gate import Board

ONE_FILE = 60  # verdicts; more would make a file that takes seconds to open
_OTHER = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 48
_TAKEN = ("index", "main", "broke", "changed", "next", "saves", "board", "answers")


@dataclass(frozen=True)
class Places:
    """`root` is the board page's file. `folder` holds the other pages, None: all is in one file."""

    root: Path
    folder: Path | None
    operations: dict[str, str]
    variants: dict[tuple[str, str], str]

    @classmethod
    def of(cls, board: Board, path: Path) -> Places:
        """For a report at `path`: a name that ends in .html or .htm is a file, every other one a folder.

        A board that is too large for one file gets a folder beside it, of the same name without its ending.
        """
        taken = set(_TAKEN)
        operations = {each.operation: _named(each.operation, taken) for each in board.operations}
        variants = {
            (each.operation, verdict.variant.id): _named(f"{operations[each.operation]}--{verdict.variant.id}", taken)
            for each in board.operations
            for verdict in each.verdicts
        }
        is_file = path.suffix.lower() in (".html", ".htm")
        if not is_file:
            return cls(path / "index.html", path, operations, variants)
        return cls(path, path.with_suffix("") if len(variants) > ONE_FILE else None, operations, variants)

    def operation(self, operation: str, *, here: str = "") -> str:
        """The address of an operation's page, from the page `here` (empty: the board)."""
        return self._address(self.operations[operation], here)

    def variant(self, operation: str, variant: str, page: int = 1, *, here: str = "") -> str:
        """The address of the page of a variant on an operation; flips go on, on further pages."""
        name = self.variants[operation, variant]
        return self._address(name if page == 1 else f"{name}-{page}", here)

    def board(self, *, here: str = "") -> str:
        """The address of the board."""
        if self.folder is None or not here:
            return "#main"
        return self.root.name if self.root.parent == self.folder else f"../{self.root.name}"

    def file(self, name: str) -> Path:
        """Where the page `name` lies."""
        return (self.folder or self.root.parent) / f"{name}.html"

    def _address(self, name: str, here: str) -> str:
        if self.folder is None:
            return f"#{name}"
        beside = bool(here) or self.root.parent == self.folder
        return f"{name}.html" if beside else f"{self.folder.name}/{name}.html"


def _named(name: str, taken: set[str]) -> str:
    """A name for files and anchors that nobody has yet, however they differ in case."""
    plain = _OTHER.sub("-", name).strip("-.")[: 2 * _LONGEST if "--" in name else _LONGEST] or "unnamed"
    chosen, number = plain, 1
    while chosen.lower() in taken:
        number += 1
        chosen = f"{plain}.{number}"
    taken.add(chosen.lower())
    return chosen
