"""Sentences of a phrase book, each with one or two good translations into German, French or Spanish."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LANGUAGES = {"de": "German", "fr": "French", "es": "Spanish"}


def cases() -> Iterator[dict[str, Any]]:
    rows = [row for code in LANGUAGES for row in _of(code)]
    yield from random.Random("20250101-translation").sample(rows, len(rows))


def _of(code: str) -> Iterator[dict[str, Any]]:
    """Lines of `English | translation | perhaps another`, below headings with their topic."""
    topic = ""
    for line in (Path(__file__).parent / "sources" / f"{code}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            topic = line.removeprefix("# ")
            continue
        text, *references = (part.strip() for part in line.split("|"))
        metadata = {"language": code, "topic": topic, "words": len(text.split())}
        yield {"input": {"text": text, "language": LANGUAGES[code]}, "target": references, "metadata": metadata}
