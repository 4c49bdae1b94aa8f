"""What stands in README.md and docs/*.md: fenced blocks with the notes above them, code in prose, links.

A note is an HTML comment on the line above a block, so that nobody who reads the page sees it:

    <!-- exit 1 -->             the block's last command ends with this code, not with 0
    <!-- not run: REASON -->    its commands are parsed, its Python is compiled, and that is all; `test_blocks.py` lists
                                every REASON, with how often it may be given
    <!-- file: NAME -->         the block is this file's content, which is there before any block of the page runs

A page is run from its first block to its last (`test_run.py`): `sh` and `console` in a house of its own (`house.py`),
and `python` there too, in one namespace. `yaml` and `json` are held against what reads such files (`test_files.py`).
Blocks without a language show what is printed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_NOTE = re.compile(r"<!-- (exit|not run:|file:) (.+?) -->")
_FENCE = re.compile(r"( *)(```+)(\w*)\s*")


@dataclass(frozen=True)
class Block:
    """A fenced block; `line` is that of its fence, counted from 1."""

    page: Path
    line: int
    language: str
    text: str
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def not_run(self) -> str | None:
        return self.notes.get("not run:")


@dataclass(frozen=True)
class Page:
    """A page in parts; `prose` are its lines outside of blocks, by number, and empty where a block is."""

    path: Path
    blocks: list[Block]
    prose: list[str]

    @property
    def spans(self) -> list[tuple[int, str]]:
        """Code in prose, with its line; a span may go over a line's end."""
        text = "\n".join(self.prose)
        found = re.finditer(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", text, re.DOTALL)
        return [(text.count("\n", 0, it.start()) + 1, " ".join(it[2].split())) for it in found if "\n\n" not in it[2]]

    @property
    def links(self) -> list[tuple[int, str]]:
        """Where links and pictures lead to, with their lines."""
        found = ((n, line) for n, line in enumerate(self.prose, 1))
        return [(n, it[1]) for n, line in found for it in re.finditer(r"\]\(([^)\s]+)\)", line)]

    @property
    def anchors(self) -> set[str]:
        """What can stand behind `#`, as GitHub makes it of headings."""
        headings = (re.sub(r"^#+ ", "", line) for line in self.prose if re.match(r"#{1,6} ", line))
        plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower() for heading in headings)
        return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


def read(path: Path) -> Page:
    """Raises `AssertionError` for a block that does not end, and for a note that stands above none."""
    lines = path.read_text(encoding="utf-8").splitlines()
    blocks: list[Block] = []
    prose: list[str] = []
    notes: dict[str, str] = {}
    at = 0
    while at < len(lines):
        fence = _FENCE.fullmatch(lines[at])
        if fence is None:
            found = _NOTE.findall(lines[at])
            assert found or not notes or not lines[at].strip(), f"{path.name}:{at}: a note that stands above no block"
            notes |= dict(found)
            prose.append(lines[at])
            at += 1
            continue
        indent, marks, language = fence.groups()
        end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() == marks), None)
        assert end is not None, f"{path.name}:{at + 1}: this block does not end"
        body = (line.removeprefix(indent) for line in lines[at + 1 : end])
        blocks.append(Block(path, at + 1, language, "\n".join(body) + "\n", notes))
        prose += [""] * (end + 1 - at)
        notes = {}
        at = end + 1
    assert not notes, f"{path.name}: a note that stands above no block"
    return Page(path, blocks, prose)


READ = {path: read(path) for path in PAGES}
BLOCKS = [block for page in READ.values() for block in page.blocks]
