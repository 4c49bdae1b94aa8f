"""Links between pages lead somewhere, and files of the repository that pages name are there."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import READ, ROOT, Page, read

FOLDERS = ("evalgate", "tests", "benchmarks", "docs", "notebooks", "examples", "deploy", "schemas", "reports")


@pytest.mark.parametrize("page", READ.values(), ids=lambda page: page.path.name)
def test_links_lead_somewhere(page: Page) -> None:
    wrong = []
    for line, link in page.links:
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.path.parent / name).resolve() if name else page.path
        if not target.exists():
            wrong.append(f"{page.path.name}:{line}: {link}: no such file")
        elif anchor and anchor not in read(target).anchors:
            wrong.append(f"{page.path.name}:{line}: {link}: no such heading")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", READ.values(), ids=lambda page: page.path.name)
def test_files_that_are_named_are_there(page: Page) -> None:
    named = [(line, word) for line, span in page.spans for word in span.split()]
    ours = [(line, word) for line, word in named if re.fullmatch(rf"({'|'.join(FOLDERS)})/[\w./-]+\.\w+", word)]
    wrong = [f"{page.path.name}:{line}: {word}" for line, word in ours if not (ROOT / word).exists()]
    assert not wrong, "\n".join(wrong)


def test_every_page_is_reached_from_the_front_page() -> None:
    reached, new = {ROOT / "README.md"}, [ROOT / "README.md"]
    while new:
        page = new.pop()
        for _, link in READ[page].links:
            target = (page.parent / link.partition("#")[0]).resolve()
            if target in READ and target not in reached:
                reached.add(target)
                new.append(target)
    assert set(READ) <= reached
