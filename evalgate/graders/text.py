"""Graders that look at the text."""

from __future__ import annotations

import string
import unicodedata

from evalgate.exchange import JsonValue
from evalgate.graders.expectations import a_scalar, a_text
from evalgate.graders.registry import grader

REGEX_SECONDS = 1.0
MAX_SEARCHED = 200_000  # characters

_EDGES = string.whitespace + string.punctuation


def normalised(text: str) -> str:
    """NFKC, case folded, white space collapsed, without white space and punctuation at either end."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).strip(_EDGES)


@grader("exact", expects=a_scalar)
def exact(text: str, expected: JsonValue, *, normalise: bool = True) -> float:
    """1 when the answer is the expected text.

    By default both are normalised, so that `Paris.` is `paris`. A text that consists of punctuation alone normalises to
    nothing; it is then compared as it is.
    """
    wanted = str(expected)
    if normalise and (plain := normalised(wanted)):
        return float(normalised(text) == plain)
    return float(text.strip() == wanted.strip())


@grader("contains", expects=a_text)
def contains(text: str, expected: JsonValue, *, ignore_case: bool = True) -> float:
    """1 when the expected text occurs anywhere in the answer."""
    wanted = str(expected)
    return float(wanted.casefold() in text.casefold() if ignore_case else wanted in text)


def _a_pattern(expected: JsonValue) -> str | None:
    if problem := a_text(expected):
        return problem
    import regex as bounded_regex

    try:
        bounded_regex.compile(str(expected))
    except (bounded_regex.error, ValueError, RecursionError) as failure:
        return f"not a regular expression: {failure}"
    return None


@grader("regex", expects=_a_pattern)
def regex(text: str, expected: JsonValue, *, ignore_case: bool = False) -> float:
    """1 when the pattern is found anywhere in the answer; anchor it with ^ and $ for the whole.

    Answers are hostile: a search that takes longer than a second is given up and scores 0, and only the first 200,000
    characters are searched.
    """
    import regex as bounded_regex

    flags = bounded_regex.IGNORECASE if ignore_case else 0
    try:
        found = bounded_regex.search(str(expected), text[:MAX_SEARCHED], flags=flags, timeout=REGEX_SECONDS)
    except (TimeoutError, MemoryError):
        return 0.0
    return float(found is not None)
