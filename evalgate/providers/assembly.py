"""From the events of a stream to the body that the same server would have sent without one.

So there is one reader for each protocol, streamed or not. A stream that breaks off is a failed attempt, never a shorter
answer: it must have said why the model stopped, and that it is complete.
"""

from __future__ import annotations

from typing import Protocol

import orjson

from evalgate.exchange import JsonValue
from evalgate.providers.base import AttemptFailed


class Assembler(Protocol):
    """Takes the events of one stream."""

    done: bool

    def feed(self, name: str, data: bytes) -> bool:
        """Take one event; whether it brought some of the answer's content (text or tool call, not reasoning)."""

    def body(self) -> JsonValue:
        """The whole body; raises `AttemptFailed` when the stream was not complete."""


def event_of(name: str, data: bytes) -> dict[str, JsonValue]:
    """The JSON object of an event; an error that is none is made into one. Raises `AttemptFailed` for anything else."""
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError:
        event = None
    if isinstance(event, dict):
        return event if name != "error" or event.get("error") else {"error": event}
    if name == "error":
        return {"error": {"message": data.decode(errors="replace")}}
    reason = "the stream has an event that is not a JSON object"
    raise AttemptFailed(reason)


def broken_off(what: str) -> AttemptFailed:
    """The stream ended too early."""
    return AttemptFailed(f"the stream broke off: {what}")


def mapping(value: JsonValue) -> dict[str, JsonValue]:
    """`value`, or an empty mapping instead of anything else."""
    return value if isinstance(value, dict) else {}


def text(value: JsonValue) -> str:
    """`value`, or an empty text instead of anything else."""
    return value if isinstance(value, str) else ""
