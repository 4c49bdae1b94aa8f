"""What a grader may need of its expectation; each says what is wrong with one, or None."""

from __future__ import annotations

import math

from evalgate.exchange import JsonValue


def a_scalar(expected: JsonValue) -> str | None:
    """A text, a number or a truth value."""
    if expected is None:
        return "there is no target (and no value in the assertion)"
    return "expected a text or a number as target" if isinstance(expected, dict | list) else None


def a_text(expected: JsonValue) -> str | None:
    """A text that is not empty."""
    if expected is None:
        return "there is no target (and no value in the assertion)"
    return None if isinstance(expected, str) and expected else "expected a text as target"


def a_number(expected: JsonValue) -> str | None:
    """A finite number, or a text that may be one."""
    if expected is None:
        return "there is no target (and no value in the assertion)"
    usable = isinstance(expected, int | float | str) and not isinstance(expected, bool)
    if usable and isinstance(expected, float):
        usable = math.isfinite(expected)
    return None if usable else f"expected a number as target, got {str(expected)[:60]!r}"


def an_object(expected: JsonValue) -> str | None:
    """A JSON object with at least one field."""
    if expected is None:
        return "there is no target (and no value in the assertion)"
    return None if isinstance(expected, dict) and expected else "expected an object with fields as target"


def anything(expected: JsonValue) -> str | None:
    """Whatever a grader makes of it."""
    del expected
    return None


def no_value(expected: JsonValue) -> str | None:
    """The grader looks at the answer alone: a target is not looked at, and a `value` is refused."""
    del expected
    return None


def texts(expected: JsonValue) -> str | None:
    """A text, or several of which the best fit counts; none is empty."""
    if expected is None:
        return "there is no target (and no value in the assertion)"
    several = expected if isinstance(expected, list) else [expected]
    usable = several and all(isinstance(text, str) and text.strip() for text in several)
    return None if usable else "expected a text, or a list of texts, as target"
