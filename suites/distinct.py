"""For generators: texts that are different enough from each other.

Two cases that are nearly the same question count as two in the statistics but tell us little more than one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
#: Texts that share three fifths of their distinct words are near-duplicates (names and numbers are words, too).
MAX_JACCARD = 0.6


def words(text: str) -> frozenset[str]:
    """The distinct words and numbers of a text, in lower case."""
    return frozenset(re.findall(r"\w+", text.lower()))


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """Share of common words among all words of two texts, from 0 to 1."""
    return len(left & right) / len(left | right) if left or right else 1.0


def distinct(compose: Callable[[int], Row], count: int, bound: float = MAX_JACCARD) -> list[Row]:
    """Rows of `compose(how many there are)`, passing over those whose `input` is too much like an earlier one's."""
    rows: list[Row] = []
    seen: list[frozenset[str]] = []
    for _ in range(count * 200):
        row = compose(len(rows))
        candidate = words(row["input"])
        if all(jaccard(candidate, earlier) < bound for earlier in seen):
            rows.append(row)
            seen.append(candidate)
        if len(rows) == count:
            return rows
    msg = f"only {len(rows)} of {count} sufficiently different texts; give the sources more words"
    raise ValueError(msg)
