"""Every block is of a kind that some test looks at, and what cannot be run is known, and does not grow unseen."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.docs import shell
from tests.docs.pages import BLOCKS, READ, ROOT, Block, Page

TUTORIAL = "tests/cli/test_tutorial.py runs this page"
# why a block is parsed and no more, and in how many blocks of all pages; a new one is a decision, made here
NOT_RUN = {
    "asks a provider outside": 3,
    "asks the endpoints of your own catalogue": 1,
    "asks servers that only you have": 5,
    "installs packages": 1,
    "Jenkins runs it": 1,
    "LiteLLM is in an environment of its own; a test runs it there": 1,
    "a test of its own runs it": 3,
    TUTORIAL: 7,
}
LANGUAGES = {"sh", "console", "python", "yaml", "json", "js", "groovy", ""}


def test_blocks_that_are_not_run_are_those_that_are_known() -> None:
    given = Counter(block.not_run for block in BLOCKS if block.not_run is not None)
    assert given <= Counter(NOT_RUN), "a reason that is not listed, or given too often"
    assert set(NOT_RUN) <= set(given), "no block gives this reason any more"


def test_most_of_each_page_is_run() -> None:
    for page in READ.values():
        runnable = [block for block in page.blocks if block.language in ("sh", "console", "python")]
        left = [block for block in runnable if block.not_run not in (None, TUTORIAL)]
        assert len(left) <= (len(runnable) + 1) // 2, [block.place for block in left]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_says_what_it_is(block: Block) -> None:
    assert block.language in LANGUAGES
    commands = [line for line in block.text.splitlines() if line.startswith(("evalgate ", "$ ", "make "))]
    assert block.language or not commands, "commands in a block that says nothing of a language: sh or console"


@pytest.mark.parametrize("page", READ.values(), ids=lambda page: page.path.name)
def test_commands_in_prose_are_commands(page: Page) -> None:
    wrong = []
    for line, span in page.spans:
        if not span.startswith(("evalgate ", "make ")) or any(mark in span for mark in "…{<*"):
            continue
        try:
            command = shell.parse(span)
            if command.words[0] == "evalgate":
                shell.require_parsable(command.words[1:], whole=False)
            else:
                shell.require_known(command)
        except Exception as failure:  # whatever it is, the page is wrong
            wrong.append(f"{page.path.relative_to(ROOT)}:{line} `{span}`: {failure}")
    assert not wrong, "\n".join(wrong)
