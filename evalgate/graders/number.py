"""The grader that reads a number out of an answer."""

from __future__ import annotations

import functools
import math
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import Field

from evalgate.exchange import Answer, JsonValue, as_text
from evalgate.graders import ideal
from evalgate.graders.expectations import a_number
from evalgate.graders.number_place import concluding_number
from evalgate.graders.number_reader import DecimalMark, Notation, Number, PercentSign
from evalgate.graders.registry import grader

Tolerance = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Unit = str | list[str] | None


def _readable(
    expected: JsonValue, *, decimal: DecimalMark = "auto", percent: PercentSign = "number", unit: Unit = None
) -> str | None:
    problem = a_number(expected)
    if problem is None and expected_number(expected, _notation(decimal, percent, unit)) is None:
        return f"expected a number as target, got {str(expected)[:60]!r}"
    return problem


def _said(
    expected: JsonValue, *, decimal: DecimalMark = "auto", unit: Unit = None, marker: str | None = None
) -> Answer:
    """The number in the notation that is asked for, behind the marker and with its unit."""
    told = as_text(expected)
    if not isinstance(expected, str):
        told = told.replace(".", ",") if decimal == "comma" else told
        told = f"{told} {unit if isinstance(unit, str) else unit[0]}" if unit else told
    return ideal.a_text(f"{marker} {told}" if marker else told)


@grader("numeric", expects=_readable, ideal=_said)
def numeric(
    text: str,
    expected: JsonValue,
    *,
    tolerance: Tolerance = 0.0,
    relative_tolerance: Tolerance = 0.0,
    decimal: DecimalMark = "auto",
    percent: PercentSign = "number",
    unit: Unit = None,
    marker: Annotated[str, Field(min_length=1, max_length=200)] | None = None,
) -> float:
    """1 when the number that the answer concludes with is the expected one, exactly or within a tolerance.

    It is the number after the last `marker`, box, `####` or `answer is`, else the last one, because models reason
    before they conclude. `tolerance` is absolute, `relative_tolerance` a share of the expected number; the larger
    counts. `percent: fraction` reads `15%` as 0.15 and not as 15. With `unit` (one, or several ways to write it), only
    numbers that stand with it are read. docs/graders.md says how numbers are written.
    """
    notation = _notation(decimal, percent, unit)
    found = concluding_number(text, notation, marker)
    wanted = expected_number(expected, notation)
    if found is None or wanted is None:
        return 0.0
    # both are in lowest terms; to compare fractions themselves takes five times as long
    if (found.numerator, found.denominator) == (wanted.numerator, wanted.denominator):
        return 1.0
    allowed = max(_written(tolerance), _written(relative_tolerance) * abs(Fraction(wanted)))
    return float(abs(Fraction(found) - wanted) <= allowed)


def expected_number(expected: JsonValue, notation: Notation) -> Number | None:
    """The number that is expected; a text is read as answers are, and may be a worked one that ends in `#### 42`."""
    if isinstance(expected, int):
        return int(expected)
    if isinstance(expected, str):
        return _from_text(expected, notation)
    return _written(expected) if isinstance(expected, float) and math.isfinite(expected) else None


@functools.lru_cache(maxsize=1024)
def _from_text(text: str, notation: Notation) -> Number | None:
    return notation.whole(text.rpartition("####")[2])


def _written(number: float) -> Fraction:
    """What is written, and not the binary fraction that is nearest to it."""
    return _exactly(as_text(number)) if number else Fraction(0)


@functools.lru_cache(maxsize=1024)
def _exactly(text: str) -> Fraction:
    return Fraction(Decimal(text))


@functools.cache
def _notation_of(decimal: DecimalMark, percent: PercentSign, units: tuple[str, ...]) -> Notation:
    return Notation(decimal, percent, units)


def _notation(decimal: DecimalMark, percent: PercentSign, unit: Unit) -> Notation:
    return _notation_of(decimal, percent, (unit,) if isinstance(unit, str) else tuple(unit or ()))
