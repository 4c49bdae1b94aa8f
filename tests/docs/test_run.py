"""Each page's commands and Python, run from its first block to its last as a reader would, in a house of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.docs import house, shell
from tests.docs.pages import READ, Block, Page

RUNNABLE = ("sh", "console", "python")
WITH_BLOCKS = [page for page in READ.values() if any(block.language in RUNNABLE for block in page.blocks)]


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=lambda page: page.path.name)
def test_a_page_runs(page: Page, built: Callable[[bool], Path]) -> None:
    if all(block.not_run for block in page.blocks if block.language in RUNNABLE):
        for block in page.blocks:
            _only_parse(block)
        return
    folder = built(not any("evalgate signal keygen" in block.text for block in page.blocks))  # it builds it itself
    prepared = house.prepared(page.path.name, folder)
    for block in page.blocks:
        if "file:" in block.notes:
            (folder / block.notes["file:"]).write_text(block.text, encoding="utf-8")
    for block in page.blocks:
        if block.not_run:
            _only_parse(block)
        elif block.language in ("sh", "console"):
            _run_commands(replace(block, text=prepared.here(block.text)))
        elif block.language == "python" and "file:" not in block.notes:
            text = prepared.here(block.text)
            exec(compile("\n" * block.line + text, str(block.page), "exec"), prepared.names)


def _only_parse(block: Block) -> None:
    if block.language == "python":
        compile(block.text, block.place, "exec")
    elif block.language in ("sh", "console"):
        for line in shell.lines(block):
            if line.words[0] == "evalgate":
                shell.require_parsable(line.words[1:])


def _run_commands(block: Block) -> None:
    ends = int(block.notes.get("exit", 0))
    commands = shell.lines(block)
    for line in commands:
        if line.words[0] != "evalgate":
            shell.require_known(line)
        elif line.stays:
            shell.require_parsable(line.words[1:])
        else:
            code, said = shell.run(line, house.KEYS)
            expected = ends if line is commands[-1] else 0
            assert code == expected, f"{block.place}: {' '.join(line.words)}: exit code {code}\n{said}"
