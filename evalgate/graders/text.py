"""Graders that look at the text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalgate.exchange import JsonValue, as_text
from evalgate.graders import ideal
from evalgate.graders.expectations import a_scalar, a_text
from evalgate.graders.normalise import Normalisation, flattened, normalised
from evalgate.graders.registry import Text, grader

REGEX_SECONDS = 1.0
MAX_SEARCHED = 200_000  # characters


def _whole(
    expected: JsonValue, *, normalise: Normalisation = "default", ignore_case: bool | None = None
) -> Iterator[Text]:
    written = as_text(expected)
    yield Text("", written, normalised(written, normalise, ignore_case))


@grader("exact", expects=a_scalar, texts=_whole, ideal=ideal.written)
def exact(
    text: str, expected: JsonValue, *, normalise: Normalisation = "default", ignore_case: bool | None = None
) -> float:
    """1 when the answer is the expected text.

    By default both are normalised, so that `**Paris.**` is `paris`; see `normalise`. Without `ignore_case`, case is
    minded unless `normalise` is `default`.
    """
    wanted = as_text(expected)
    if text == wanted:
        return 1.0
    return float(normalised(text, normalise, ignore_case) == normalised(wanted, normalise, ignore_case))


def _something_to_find(
    expected: JsonValue, *, normalise: Normalisation = "default", ignore_case: bool | None = None
) -> str | None:
    problem = a_text(expected)
    if problem is None and not normalised(str(expected), normalise, ignore_case):
        return f"nothing is left of {expected!r} when it is normalised; expected a text as target"
    return problem


@grader("contains", expects=_something_to_find, texts=_whole, ideal=ideal.written)
def contains(
    text: str,
    expected: JsonValue,
    *,
    normalise: Normalisation = "default",
    ignore_case: bool | None = None,
    whole_words: bool = False,
) -> float:
    """1 when the expected text occurs anywhere in the answer; both are normalised as for `exact`.

    Words are found inside longer ones (`ship` in `shipping`) unless `whole_words` is set; a number is never found
    inside another one: `5` is not in `15`, `-5`, `1.5`, `5,000` or `5²`. With `normalise: none`, every occurrence
    counts, unless `whole_words` is set.
    """
    wanted = normalised(str(expected), normalise, ignore_case)
    searched = flattened(text, normalise, ignore_case)
    at = searched.find(wanted)
    while at >= 0:
        if _stands_free(searched, at, wanted, numbers=normalise != "none", words=whole_words):
            return 1.0
        at = searched.find(wanted, at + 1)
    return 0.0


# what does not stand before a number: digits, with or without a mark, and a sign (but `3-5` is a range)
_NUMBER_BEGINS = re.compile(
    r"(?<!\d)(?<!\d[.,'_e])(?<!(?<!\w)\.)(?<!(?<![^\W_])[-+])(?<!(?<![^\W_])[-+][$€£¥])(?=\d)|(?<![^\W_])(?=[-+]\d)|(?![-+]?\d)"
)
_NUMBER_ENDS = re.compile(r"(?!\d)(?![.,'_]\d)(?![ ]\d{3}(?!\d))(?![eE][-+]?\d)(?![²³¹⁰⁴-⁹⁺⁻¼-¾⅐-⅞])|(?<!\d)")
_WORD_BEGINS = re.compile(r"(?<!\w)|(?!\w)")
_WORD_ENDS = re.compile(r"(?!\w)|(?<!\w)")


def _stands_free(text: str, at: int, wanted: str, *, numbers: bool, words: bool) -> bool:
    """Whether `wanted`, which stands in `text` at `at`, is no part of a longer number, or of a longer word."""
    end = at + len(wanted)
    return not (
        (numbers and not (_NUMBER_BEGINS.match(text, at) and _NUMBER_ENDS.match(text, end)))
        or (words and not (_WORD_BEGINS.match(text, at) and _WORD_ENDS.match(text, end)))
    )


def _a_pattern(expected: JsonValue) -> str | None:
    if problem := a_text(expected):
        return problem
    import regex as bounded_regex

    try:
        bounded_regex.compile(str(expected))
    except (bounded_regex.error, ValueError, RecursionError) as failure:
        return f"not a regular expression: {failure}"
    return None


@grader("regex", expects=_a_pattern, value_as="pattern")
def regex(text: str, expected: JsonValue, *, ignore_case: bool = False) -> float:
    """1 when the pattern is found anywhere in the answer, as it was given; anchor it with ^ and $ for the whole.

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
