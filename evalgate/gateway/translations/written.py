"""Translated answers as bytes."""

from __future__ import annotations

import orjson

from evalgate.exchange import JsonValue
from evalgate.providers.body import mended


def written(value: JsonValue) -> bytes:
    """JSON; raises `ValueError` for what is nested too deeply. Halves of surrogate pairs become U+FFFD."""
    try:
        return orjson.dumps(value)
    except TypeError:
        pass
    try:
        return orjson.dumps(mended(value))
    except TypeError:  # orjson reads four times as deep as it writes
        reason = "nested too deeply"
        raise ValueError(reason) from None


def chat_event(value: JsonValue) -> bytes:
    """One event of an OpenAI stream."""
    return b"data: " + written(value) + b"\n\n"


def messages_event(name: str, **value: JsonValue) -> bytes:
    """One event of an Anthropic stream, which says its type twice."""
    return b"event: " + name.encode() + b"\ndata: " + written({"type": name, **value}) + b"\n\n"
