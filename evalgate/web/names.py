"""Where a model's page is: the same path in a static folder and at `/models/`.

An id may hold what a file system or a browser reads in its own way: `..`, a colon, capitals that are no other file on
some disks. Whatever is not plain is written as `~` and hex, so that two ids never share a page and none leaves its
folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST = 160  # characters of a file's name; disks take 255 bytes with the suffix


def pages_of(models: Iterable[str]) -> Mapping[str, str]:
    """The path of each model's page below `models/`, without suffix: `openai/gpt-4o-mini`.

    Where two ids differ by capitals alone, the later one gets a digest behind it.
    """
    pages: dict[str, str] = {}
    taken: set[str] = set()
    for model in models:
        *folders, name = (_segment(each) for each in model.split("/"))
        # a folder is never called as a page is: `a.html/b` beside `a`
        parts = [f"{each}~" if each.lower().endswith(".html") else each for each in folders]
        page = "/".join([*parts, name])
        if page.casefold() in taken:
            page = f"{page}~{_digest(model)}"
        taken.add(page.casefold())
        pages[model] = page
    return pages


def way_up(page: str) -> str:
    """From a model's page to the folder that holds `models/`: `../../` for `openai/gpt-4o-mini`."""
    return "../" * (page.count("/") + 1)


def _segment(text: str) -> str:
    if text.strip(".") == "":  # nothing, `.`, `..`
        return f"~{'2e' * len(text)}~"
    written = _NOT_PLAIN.sub(lambda match: f"~{ord(match[0]):x}~", text[:_LONGEST])
    return written if len(written) <= _LONGEST and len(text) <= _LONGEST else f"{written[:_LONGEST]}~{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
