"""Events of a stream as they are read, and translated answers as they are written."""

from __future__ import annotations

import orjson

from evalgate.exchange import JsonValue
from evalgate.gateway.splitter import payload
from evalgate.providers.assembly import event_of
from evalgate.providers.base import AttemptFailed
from evalgate.providers.body import mended

DONE = b"[DONE]"


def object_of(event: bytes) -> dict[str, JsonValue]:
    """The JSON object of an event; empty for a comment, a heartbeat and `[DONE]`. Raises `ValueError` for any other."""
    data = payload(event)
    if not data or data == DONE:
        return {}
    try:  # as nearly all are
        said = orjson.loads(data)
    except orjson.JSONDecodeError:
        said = None
    if isinstance(said, dict) and not event.startswith(b"event: error"):
        return said
    first = event.partition(b"\n")[0]
    name = first[6:].strip().decode(errors="replace") if first.startswith(b"event:") else ""
    try:
        return event_of(name, data)
    except AttemptFailed as failure:
        raise ValueError(failure.reason) from None


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
