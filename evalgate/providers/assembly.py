"""From the events of a stream to the body that the same server would have sent without one.

So there is one reader for each protocol, streamed or not. A stream that breaks off is a failed attempt, never a shorter
answer. It is complete when it said why the model stopped, or by its own terminal event that it is; what comes after
that, or fails to come, does not matter: it is paid.
"""

from __future__ import annotations

from typing import Protocol

from evalgate.exchange import JsonValue
from evalgate.providers.base import AttemptFailed
from evalgate.providers.body import parse

_PLAIN = ("", "message", "error")  # names of events that carry something, in the APIs that do not name their events


class Assembler(Protocol):
    """Takes the events of one stream.

    `done`: there is nothing more to wait for, since the stream said so or has told an error. `complete`: it said why
    the model stopped, so that only usage and the terminal event may still come. `counted`: the usage is there.
    """

    done: bool

    @property
    def complete(self) -> bool:
        """See above."""

    @property
    def counted(self) -> bool:
        """See above."""

    @property
    def arrived(self) -> int:
        """Characters of the answer, reasoning included, that have come so far."""

    def feed(self, name: str, data: bytes) -> bool:
        """Take one event; whether it brought some of the answer's content (text or tool call, not reasoning)."""

    def body(self) -> JsonValue:
        """The whole body; raises `AttemptFailed` when the stream was not complete."""


def is_terminal(data: bytes) -> bool:
    """Whether an event says that nothing more comes, as OpenAI's streams do."""
    return data.strip().strip(b'"') == b"[DONE]"


def event_of(name: str, data: bytes) -> dict[str, JsonValue]:
    """The JSON object of an event; empty for a heartbeat, and an error that is none is made into one.

    A heartbeat is an event with nothing in it, or under a name of its own with something that is no object. Raises
    `AttemptFailed` for anything else.
    """
    try:
        event = parse(data)
    except ValueError:
        event = None if not data.strip() else data.decode(errors="replace")
    if isinstance(event, dict):
        return event if name != "error" or event.get("error") else {"error": event}
    if name == "error":
        return {"error": {"message": data.decode(errors="replace")}}
    if event in (None, "", []) or name not in _PLAIN:
        return {}
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
