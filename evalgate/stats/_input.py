"""What the statistics accept: every public function checks its input here, once, before any arithmetic.

A verdict drawn from NaN, from a score of 87 or from no cases at all would look like any other verdict. All of
them are refused with `evalgate.errors.StatisticsError`, which names the argument, the place and what was expected.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from evalgate.errors import StatisticsError

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
Numbers: TypeAlias = Sequence[float] | NDArray[np.floating] | NDArray[np.integer] | NDArray[np.bool_]


def numbers(values: Numbers, name: str, *, low: float, high: float, length: int | None = None) -> FloatArray:
    """A one-dimensional array of finite numbers in [low, high]; refuses an empty one."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = f"{name}: expected numbers, got {type(values).__name__} ({error})"
        raise StatisticsError(msg) from error
    if array.ndim != 1:
        msg = f"{name}: expected one dimension, got shape {array.shape}"
        raise StatisticsError(msg)
    if array.size == 0:
        msg = f"{name}: empty; a verdict needs at least one case"
        raise StatisticsError(msg)
    if length is not None and array.size != length:
        msg = f"{name}: {array.size} values, expected {length}: one for each case"
        raise StatisticsError(msg)
    outside = ~((array >= low) & (array <= high))  # written so that NaN is outside too
    if outside.any():
        place = int(np.argmax(outside))
        msg = f"{name}[{place}]: {array[place]} is outside [{low:g}, {high:g}]"
        raise StatisticsError(msg)
    return array


def differences_of(values: Numbers, name: str = "differences") -> FloatArray:
    """Differences of scores, variant minus baseline, each in [-1, 1]."""
    return numbers(values, name, low=-1.0, high=1.0)


def scores_of(values: Numbers, name: str = "scores", *, length: int | None = None) -> FloatArray:
    """Scores, each in [0, 1]."""
    return numbers(values, name, low=0.0, high=1.0, length=length)


def between(value: float, name: str, low: float, high: float, *, closed: str = "") -> float:
    """A number strictly between `low` and `high`; `closed` may hold 'low', 'high' or both to include the ends."""
    number = float(value)
    above = number >= low if "low" in closed else number > low
    below = number <= high if "high" in closed else number < high
    if not (above and below):
        left, right = "[" if "low" in closed else "(", "]" if "high" in closed else ")"
        msg = f"{name}: {value} is not in {left}{low:g}, {high:g}{right}"
        raise StatisticsError(msg)
    return number


def whole(value: int, name: str, *, at_least: int) -> int:
    """A whole number not below `at_least`."""
    if isinstance(value, bool) or not float(value).is_integer() or value < at_least:
        msg = f"{name}: {value} is not a whole number of at least {at_least}"
        raise StatisticsError(msg)
    return int(value)
