"""Numbers that keep the text they were written in: `3.10` is this text where a text is meant, 3.1 where a number is.

Only a number whose text says more than its value is of these classes (`3.10`, `1e5`, `+5`, forty digits). Any other
stays a plain int or float: as fast as ever, and hashed as ever.
"""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn

MAX_DIGITS = 1_000
_PARTS = re.compile(r"([-+]?)(\d*)(\.\d*)?([eE].*)?", re.ASCII)


class WrittenInt(int):
    """A whole number with its text; also any number beyond 64 bits, whatever its text."""

    text: str

    def __new__(cls, text: str) -> WrittenInt:
        """`text` is a sign or none and ASCII digits."""
        self = super().__new__(cls, text)
        self.text = text
        return self

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]  # that of int gives the number, not the text
        return (self.text,)


class WrittenFloat(float):
    """A number with a point or an exponent, and its text; `Decimal(str(x))` is its exact value."""

    text: str

    def __new__(cls, text: str) -> WrittenFloat:
        """`text` is as Python's `float` reads it, and finite."""
        self = super().__new__(cls, text)
        self.text = text
        return self

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]  # that of float gives the number, not the text
        return (self.text,)


def integer(text: str) -> int:
    """The whole number that `text` (a sign or none, ASCII digits) writes; raises `ValueError` beyond 1,000 digits."""
    _refuse_long(text)
    value = int(text)
    return value if str(value) == text and not beyond_64_bits(value) else WrittenInt(text)


def real(text: str) -> float:
    """The decimal number that `text` writes; raises `ValueError` beyond 1,000 digits or what a float can hold."""
    _refuse_long(text)
    value = float(text)
    if not math.isfinite(value):
        _refuse(f"a number too large to be counted with: {text[:30]}")
    # exponents have several usual forms (1e-7, 1e-07), so one that is plain would hash as another that is written
    return value if repr(value) == text and "e" not in text else WrittenFloat(text)


def beyond_64_bits(value: object) -> bool:
    """Whether it is a whole number that most programs cannot take."""
    return isinstance(value, int) and not -(2**63) <= value < 2**64


def refuse_beyond_64_bits(value: object) -> None:
    """Raise `ValueError` when a number anywhere in `value` is one that cannot be sent on as JSON."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            refuse_beyond_64_bits(inner)
    elif beyond_64_bits(value):
        _refuse(f"a number beyond 64 bits: {str(value)[:30]}")


def json_number(value: WrittenInt | WrittenFloat) -> str:
    """The number as it was written, as far as JSON lets it be: `.5` is 0.5, and `+5` is 5."""
    match = _PARTS.fullmatch(value.text)
    sign, whole, fraction, exponent = match.groups("") if match else ("", value.text, "", "")
    return sign.removeprefix("+") + (whole or "0") + (".0" if fraction == "." else fraction) + exponent


def as_json(value: object, indent: int | None = None) -> str:
    """What `json.dumps` makes of `value`, in Unicode, with numbers as they were written.

    Raises `TypeError` for what JSON cannot say, and `ValueError` or `RecursionError` for what contains itself.
    """
    if not _has_written(value):
        return json.dumps(value, ensure_ascii=False, indent=indent)
    return _encoded(value, None if indent is None else " " * indent, "\n")


def _has_written(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_written, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_written, value))
    return isinstance(value, WrittenInt | WrittenFloat)


def _encoded(value: object, indent: str | None, line: str) -> str:
    if isinstance(value, WrittenInt | WrittenFloat):
        return json_number(value)
    if not isinstance(value, dict | list | tuple) or not value:
        return json.dumps(value, ensure_ascii=False)
    inner = line + (indent or "")
    if isinstance(value, dict):
        parts = [f"{_key(key)}: {_encoded(each, indent, inner)}" for key, each in value.items()]
        opening, closing = "{}"
    else:
        parts = [_encoded(each, indent, inner) for each in value]
        opening, closing = "[]"
    if indent is None:
        return opening + ", ".join(parts) + closing
    return opening + inner + f",{inner}".join(parts) + line + closing


def _key(key: object) -> str:
    text = as_json(key)
    return text if isinstance(key, str) else json.dumps(text)


def _refuse_long(text: str) -> None:
    if len(text) > MAX_DIGITS:
        _refuse(f"a number of more than {MAX_DIGITS} digits: {text[:30]}…")


def _refuse(message: str) -> NoReturn:
    raise ValueError(f"{message}; as a text, put it in quotes")
