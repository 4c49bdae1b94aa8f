"""Graders for what an answer may take: length, time and money. They look at no target."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from evalgate.exchange import JsonValue
from evalgate.graders.expectations import no_value
from evalgate.graders.registry import Prepared, Seen, grader

Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Milliseconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Dollars = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Unit = Literal["characters", "words", "lines", "sentences", "paragraphs", "tokens"]

_WORD = re.compile(r"\w+(?:['’.,-]\w+)*+")
_SENTENCE_END = re.compile(r"[.!?。！？]+[\"')\]”’]*(?=\s|$)|[。！？]")


def words(text: str) -> int:
    """How many words: runs of letters and digits; `don't`, `well-known` and `1,204.50` are one each."""
    return sum(1 for _ in _WORD.finditer(text))


def sentences(text: str) -> int:
    """How many sentences: what ends in `.`, `!`, `?` or their like before white space or the end, and a rest."""
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    rest = text[ends[-1] :] if ends else text
    return len(ends) + bool(_WORD.search(rest))


def _a_limit(options: Mapping[str, object], folder: Path) -> Prepared | None:
    del folder
    least, most = options.get("least"), options.get("most")
    if least is None and most is None:
        raise ValueError("type", "a length without 'least' or 'most' would let everything pass")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        raise ValueError("least", f"{least} is more than 'most' ({most}), so nothing could pass")
    return None


@grader("length", expects=no_value, prepare=_a_limit, role="guard")
def length(
    text: str,
    expected: JsonValue,
    *,
    least: Count | None = None,
    most: Count | None = None,
    unit: Unit = "words",
    seen: Seen,
) -> float:
    """1 when the answer has at least `least` and at most `most` of `unit`, both included.

    `words` are runs of letters and digits (`don't` and `1,204.50` are one), `lines` and `paragraphs` those that are not
    blank, `sentences` what ends in `.`, `!`, `?` or their like. `tokens` are those that the server counted, reasoning
    included, whatever is graded of the text; where it counted none, the score is 0.
    """
    del expected
    count = seen.answer.output_tokens if unit == "tokens" else _count(text, unit)
    if count is None:
        return 0.0
    return float((least is None or count >= least) and (most is None or count <= most))


def _count(text: str, unit: Unit) -> int:
    if unit == "characters":
        return len(text.strip())
    if unit == "lines":
        return sum(1 for line in text.splitlines() if line.strip())
    if unit == "paragraphs":
        return sum(1 for block in re.split(r"\n[ \t]*\n", text) if block.strip())
    return words(text) if unit == "words" else sentences(text)


@grader("latency", expects=no_value, role="asked")
def latency(text: str, expected: JsonValue, *, most_ms: Milliseconds, seen: Seen) -> float:
    """1 when the whole answer came within `most_ms` milliseconds, from sending to the last byte; else 0.

    It is the time of the attempt that succeeded, kept with the answer: grading it again gives the same score. Where no
    time is known (recordings, logs of other tools), the score is 0. Answers that came through a batch API say nothing
    of latency.
    """
    del text, expected
    return float(0 < seen.answer.latency_ms <= most_ms)


@grader("cost", expects=no_value, role="asked")
def cost(text: str, expected: JsonValue, *, most_usd: Dollars, seen: Seen) -> float:
    """1 when the answer cost at most `most_usd`, by the tokens that the server counted and the catalogue's price.

    Where the server did not count, or nobody knows who answered (files of other tools), the score is 0: unknown is not
    free. The catalogue's price of the real-time API counts, whatever a batch costs.
    """
    del text, expected
    answer, endpoint = seen.answer, seen.endpoint
    if endpoint is None or answer.input_tokens is None or answer.output_tokens is None:
        return 0.0
    return float(float(endpoint.cost(answer.input_tokens, answer.output_tokens)) <= most_usd)
