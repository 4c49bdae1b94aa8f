"""JSON as servers send it: also that which no standard allows, as long as one can tell what is meant.

NaN is taken for null; half of a surrogate pair stands for a character that nobody can tell. An answer that was paid is
not thrown away for one letter.
"""

from __future__ import annotations

import json

import orjson

from evalgate.exchange import JsonValue

_LARGEST = 2**63  # beyond it orjson does not write a number


def parse(data: bytes) -> JsonValue:
    """The JSON in `data`; raises `ValueError` when it is none. Halves of surrogate pairs are left as they are."""
    try:
        parsed: JsonValue = orjson.loads(data)
    except orjson.JSONDecodeError:
        text = data.decode(errors="replace").removeprefix("\ufeff")
        try:
            parsed = json.loads(text, parse_constant=lambda name: None, parse_int=_integer)
        except RecursionError:
            reason = "nested too deeply"
            raise ValueError(reason) from None
    return parsed


def parse_whole(data: bytes) -> JsonValue:
    """As `parse`, with nothing in it that cannot be written again."""
    try:
        whole: JsonValue = orjson.loads(data)
    except orjson.JSONDecodeError:
        whole = mended(parse(data))
    return whole


def mended(value: JsonValue) -> JsonValue:
    """`value` with surrogate pairs put together, and U+FFFD in place of a half that has no other; as deep as it is.

    Raises `ValueError` when that is too deep.
    """
    try:
        return _mended(value)
    except RecursionError:
        reason = "nested too deeply"
        raise ValueError(reason) from None


def _mended(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mended(each) for each in value]
    if isinstance(value, dict):
        return {str(_mended(key)): _mended(each) for key, each in value.items()}
    return value


def _integer(digits: str) -> int | float:
    number = int(digits) if len(digits) < 20 else float(digits)
    return number if abs(number) < _LARGEST else float(number)
