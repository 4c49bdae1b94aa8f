"""Where in an answer the number stands that it concludes with."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence

from evalgate.graders.number_reader import Found, Notation, Number
from evalgate.graders.number_text import may_say, without_marks

MAX_READ = 200_000  # characters, from the end
_TRIED = 10  # markers of a kind, from the last
_LOOKED_AT = 1000  # characters after a marker

_BOXED = re.compile(r"\\f?boxed\s*\{")
_HASHES = re.compile(r"(?<!#)####(?!#)[\s*_$]*")
_IS = r"\b(?:is|was|equals|(?:would|should|must|will) be|comes to)\b(?! not\b)"
_ANSWER = re.compile(
    rf"(?<![\w/])answer\b[^\n:=.]{{0,80}}?(?:[:=>]|{_IS})|^[#*_ ]{{1,8}}(?:final )?answer[*_ ]{{0,4}}$",
    re.IGNORECASE | re.MULTILINE,
)
_CLAUSE_ENDS = re.compile(r"[;?!]|[,.]\s|(?<=[\d%])\s*\(|\b(?:because|since)\b")


def concluding_number(text: str, notation: Notation, marker: str | None = None) -> Number | None:
    """The number after the last marker, else the last number; None when there is none, or none that can be read.

    Markers win in this order: `marker` (in any case), a box, `####`, and `answer:` or `answer is`. Footnote marks, the
    numbers of list items and those inside words (`CO2`, `cm^2`) are passed over unless there is nothing else.
    """
    text = notation.plain(text[-MAX_READ:])
    own = notation.plain(marker) if marker else None
    cleaned = without_marks(text)
    found = _marked(cleaned, notation, own) or notation.last(cleaned)
    if found is None:
        found = _marked(text, notation, own) or notation.last(text, glued=True)
    return notation.value(found) if found else None


def _marked(text: str, notation: Notation, marker: str | None) -> Found | None:
    if marker:
        own = re.compile(r"\s+".join(map(re.escape, marker.split())), re.IGNORECASE)
        if found := _after_last(own, text, notation):
            return found
    if "\\" in text:
        for box in _last_of(_BOXED, text):
            if found := _in_equation(_braced(text, box.end()), notation):
                return found
    if "####" in text:
        for hashes in _last_of(_HASHES, text):
            line = text[hashes.end() : hashes.end() + _LOOKED_AT].partition("\n")[0]
            first = next(notation.numbers(line), None)
            if first is not None and first.start() == 0:
                return first
    return _after_last(_ANSWER, text, notation) if may_say(text, "answer") else None


def _after_last(marker: re.Pattern[str], text: str, notation: Notation) -> Found | None:
    for at in _last_of(marker, text):
        for line in text[at.end() : at.end() + _LOOKED_AT].splitlines():
            clause = _CLAUSE_ENDS.split(line, maxsplit=1)[0]
            if found := _in_equation(clause, notation) or next(notation.numbers(line), None):
                return found
    return None


def _last_of(marker: re.Pattern[str], text: str) -> Sequence[re.Match[str]]:
    return list(deque(marker.finditer(text), maxlen=_TRIED))[::-1]


def _in_equation(text: str, notation: Notation) -> Found | None:
    """The first number after the last equals sign, or the first of all."""
    for part in reversed(re.split("[=≈]", text)):
        if found := next(notation.numbers(part), None):
            return found
    return None


def _braced(text: str, start: int) -> str:
    """What stands in the braces that were opened before `start`."""
    depth = 1
    for at in range(start, min(len(text), start + _LOOKED_AT)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return text[start:at]
    return text[start : start + _LOOKED_AT]
