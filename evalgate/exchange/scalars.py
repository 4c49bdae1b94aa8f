"""The text of a JSON value, wherever a text is meant: one way for prompts, graders and reports."""

from __future__ import annotations

from evalgate.exchange.request import JsonValue
from evalgate.formats.written import as_json


def as_text(value: JsonValue) -> str:
    """A text as it is, a number as it was written, `true`, `false` and `null`, lists and objects as JSON."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | list | dict):
        return as_json(value)
    return str(value)
