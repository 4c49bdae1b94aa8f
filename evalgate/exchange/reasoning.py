"""Reasoning that stands in the answer's own text, between `<think>` and `</think>`."""

from __future__ import annotations

_OPEN, _CLOSE = "<think>", "</think>"


def split_reasoning(text: str) -> tuple[str, str]:
    """The reasoning that `text` begins with, and the rest; all of it is reasoning when that never ends."""
    if _OPEN not in text[:64] or not (begun := text.lstrip()).startswith(_OPEN):
        return "", text
    reasoning, _, rest = begun.removeprefix(_OPEN).partition(_CLOSE)
    return reasoning, rest
