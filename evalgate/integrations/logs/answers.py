"""What every log is read into: one answer of a model to one case, with its scores as the log states them.

A score that cannot be used (12, NaN, a list) is kept as `Refused` and not raised on the spot: a log may hold a length
or a cost beside the metric that somebody wants to compare, and only the metric that is asked for must be sound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evalgate.errors import InputError
from evalgate.formats.canonical import digest

SHOWN_CHARACTERS = 80
ERROR_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Refused:
    """A score that cannot enter a comparison, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class ScoredAnswer:
    """One answer to one case.

    `repeat` tells the answers to one case apart (epoch, test index); `place` is where the answer stands, for messages.
    An answer with an `error` scores 0 on `error_metrics` (`None`: on every metric of the run) that it has no score for.
    `request` is a digest of what was asked and expected, where the log holds it.
    """

    case: str
    repeat: str
    place: str
    scores: Mapping[str, float | Refused]
    error: str | None = None
    error_metrics: tuple[str, ...] | None = None
    cluster: str | None = None
    cost: float | None = None
    truncated: bool = False
    request: str | None = None


def shown(value: object) -> str:
    """Return `value` for a message: short, and with control characters escaped, for it comes from a stranger."""
    if isinstance(value, str):
        return repr(value) if len(value) <= SHOWN_CHARACTERS else f"{value[:SHOWN_CHARACTERS]!r}…"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return "null" if value is None else str(value)[:SHOWN_CHARACTERS]


def error_text(value: object) -> str:
    """Return an error's message on one line of at most 200 printable characters."""
    text = value if isinstance(value, str) else shown(value)
    line = " ".join(text[: 4 * ERROR_CHARACTERS].split())
    return "".join(character if character.isprintable() else "?" for character in line[:ERROR_CHARACTERS])


def score_value(value: object) -> float | Refused:
    """Return a number in [0, 1] as it is, a boolean as 1 or 0, and anything else (NaN too) as `Refused`."""
    if isinstance(value, int | float) and 0 <= value <= 1:
        return float(value) + 0.0  # -0.0 becomes 0.0
    return Refused(f"received {shown(value)}, expected a number in [0, 1] or true/false")


def name(value: object, place: str) -> str:
    """Return the name of a case, metric or cluster as text; raises `InputError` unless text or a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        received = "an empty text" if value == "" else shown(value)
        raise InputError(f"{place}: received {received}, expected a text or a whole number")
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which could not even be printed
        message = f"{place}: received {shown(value)}, expected valid Unicode; write the file as UTF-8"
        raise InputError(message) from None
    return value


def cost_value(value: object, place: str) -> float | None:
    """Return a cost in dollars, `None` for null; raises `InputError` unless it is a finite number of at least 0."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e18:
        raise InputError(f"{place}: received {shown(value)}, expected a cost in dollars, at least 0")
    return float(value)


def fingerprint(value: object, place: str) -> str:
    """Return 16 hex digits of the digest of `value`; raises `InputError` when it is nested too deep to be encoded."""
    try:
        return digest(value).removeprefix("sha256:")[:16]
    except TypeError as failure:
        raise InputError(f"{place}: cannot be hashed: {failure}") from None
