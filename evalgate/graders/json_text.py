r"""JSON out of an answer: one documented way, exact numbers, and no answer that takes long to refuse.

Where the JSON is, `extract` says:

    strict      the whole answer, but for white space and a byte order mark around it
    fenced      that, or what a Markdown code fence holds (the default)
    anywhere    that, or where there is no fence the last object in the prose, else the last list

A fence is three or more backticks or tildes at the beginning of a line, or anywhere if an object or a list follows at
once (behind the word `json`, perhaps). Text may stand before it and behind it, and one that is never closed ends with
the answer. Of several, the last that is labelled `json` counts, and where none is, the last: models draft before they
conclude. What it holds must be JSON and nothing else. JSON in the middle of prose is none by default, because whoever
reads the answers in production could not read it either.

Numbers keep what was written: whole ones are `int`, others `Decimal`. A float would take 0.1000000000000000055 for
0.1, and 9007199254740993 for 9007199254740992.
"""

from __future__ import annotations

import enum
import json
import re
from decimal import Decimal
from typing import Final, Literal, TypeAlias, Union

MAX_JSON = 1_000_000  # characters
MAX_DEPTH = 200  # lists and objects inside one another
_MAX_DIGITS = 640  # of an int: what Python reads and prints however it is configured
_MAX_TRIES = 1_000  # beginnings in prose of what turns out to be no JSON

Extract: TypeAlias = Literal["strict", "fenced", "anywhere"]
DuplicateKeys: TypeAlias = Literal["last", "error"]
# a whole number of more than 640 digits is a Decimal, too
Json: TypeAlias = Union[bool, int, Decimal, str, list["Json"], dict[str, "Json"], None]  # noqa: UP007  # of itself


class _Missing(enum.Enum):
    MISSING = "no JSON"


Missing: TypeAlias = Literal[_Missing.MISSING]
MISSING: Final = _Missing.MISSING

_INVISIBLE = "\ufeff\u200b\u2060"
_BLANK = re.compile(rf"[\s{_INVISIBLE}]*")
_FENCE = re.compile(
    r"(?:^[ \t]*+(?P<run>`{3,}+|~{3,}+)|(?P<inline>(?<!`)`{3,}+|(?<!~)~{3,}+)(?=[ \t]*(?:json\w*)?\s*[\[{]))"
    r"[ \t]*(?P<label>[\w+.-]*)",
    re.MULTILINE | re.IGNORECASE,
)
_OPENING = re.compile(r"[\[{]")
_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def parse_json(text: str, *, extract: Extract = "fenced", duplicate_keys: DuplicateKeys = "last") -> Json | Missing:
    """The JSON value that `text` holds; `MISSING` when it holds none, or one that is too long or too deep.

    Of a key that an object has twice the `last` value counts, as in most parsers; with `error` such an answer is none.
    NaN and infinities are no JSON.
    """
    if len(text) > MAX_JSON:
        return MISSING
    text = text.strip().strip(_INVISIBLE).strip()
    decoder = _DECODERS[duplicate_keys]
    value, end = _value(decoder, text, 0)
    if value is not MISSING and end == len(text):
        return value
    if extract == "strict":
        return MISSING
    if block := _fenced(text):
        return _held(decoder, text, block)
    return _in_prose(decoder, text) if extract == "anywhere" else MISSING


def _value(decoder: json.JSONDecoder, text: str, start: int) -> tuple[Json | Missing, int]:
    """The value that begins at `start`, and where the white space behind it ends."""
    try:
        value, end = decoder.raw_decode(text, start)
    except (ValueError, ArithmeticError, RecursionError):  # ArithmeticError: an exponent beyond 18 digits
        return MISSING, start
    brackets = text.count("[", start, end) + text.count("{", start, end)
    if brackets > MAX_DEPTH and _too_deep(value):
        return MISSING, start
    return value, _end_of_blank(text, end)


def _end_of_blank(text: str, start: int) -> int:
    found = _BLANK.match(text, start)
    return found.end() if found else start


def _too_deep(value: Json) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [child for children in inner for child in children if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def _fenced(text: str) -> re.Match[str] | None:
    """The opening of the fence that counts; one that holds nothing does not."""
    counts = None
    opening = _FENCE.search(text)
    while opening:
        closing = _closing(opening["run"] or opening["inline"]).search(text, opening.end())
        empty = _end_of_blank(text, opening.end()) >= (closing.start() if closing else len(text))
        if not empty and (counts is None or _says_json(opening) or not _says_json(counts)):
            counts = opening
        opening = _FENCE.search(text, closing.end()) if closing else None
    return counts


def _closing(run: str) -> re.Pattern[str]:
    """At least as many at the beginning of a line, and no label behind them; or at the end of a line."""
    same, blank = f"{run[0]}{{{len(run)},}}+", "[ \\t]*+"
    return re.compile(rf"^[ \t]*+{same}(?!{blank}\w)|(?<!{run[0]}){same}(?={blank}\r?$)", re.MULTILINE)


def _says_json(opening: re.Match[str]) -> bool:
    return opening["label"].lower().startswith("json")


def _held(decoder: json.JSONDecoder, text: str, opening: re.Match[str]) -> Json | Missing:
    """What a fenced block holds, if that is JSON and nothing else."""
    run = opening["run"] or opening["inline"]
    for begin in (opening.end(), text.find("\n", opening.end())):  # the rest of the line may be the value, or a title
        if begin >= 0:
            value, end = _value(decoder, text, _end_of_blank(text, begin))
            if value is not MISSING and (end == len(text) or text.startswith(run[0] * 3, end)):
                return value
    return MISSING


def _in_prose(decoder: json.JSONDecoder, text: str) -> Json | Missing:
    """The last object, else the last list; what stands inside something that is no JSON is a part of that."""
    found: Json | Missing = MISSING
    opening, tries = _OPENING.search(text), 0
    while opening and tries < _MAX_TRIES:
        value, end = _value(decoder, text, opening.start())
        tries += value is MISSING
        if isinstance(value, dict) or (isinstance(value, list) and not isinstance(found, dict)):
            found = value
        opening = _OPENING.search(text, _end_of_brackets(text, opening.start()) if value is MISSING else end)
    return found


def _end_of_brackets(text: str, start: int) -> int:
    depth = 0
    for bracket in _BRACKET.finditer(text, start):
        if bracket[0][0] != '"':
            depth += 1 if bracket[0] in "[{" else -1
            if depth == 0:
                return bracket.end()
    return len(text)


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _MAX_DIGITS else Decimal(digits)


def _refused(constant: str) -> Json:
    message = f"{constant} is no JSON"
    raise ValueError(message)


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        message = "an object has a key twice"
        raise ValueError(message)
    return found


_DECODERS: dict[DuplicateKeys, json.JSONDecoder] = {
    "last": json.JSONDecoder(parse_float=Decimal, parse_int=_whole, parse_constant=_refused),
    "error": json.JSONDecoder(
        parse_float=Decimal, parse_int=_whole, parse_constant=_refused, object_pairs_hook=_unique
    ),
}
