"""What a relay asks of each event of a stream, in either speech: is it content, is it an error, does it count tokens?

Most events are none of what is asked for, so the bytes are searched before anything is parsed. A word that is searched
for stands in quotes of its own; within the text of an answer its quotes are escaped, and it is not found.
"""

from __future__ import annotations

from collections.abc import Mapping

from evalgate.exchange import JsonValue
from evalgate.gateway.translation import Speech
from evalgate.providers.assembly import event_of, mapping
from evalgate.providers.base import AttemptFailed
from evalgate.providers.reply import error_in as is_error
from evalgate.providers.sse import Event, EventReader

_OF_A_DELTA = ("content", "tool_calls", "refusal", "reasoning_content", "reasoning", "function_call", "audio")
_OF_A_BLOCK = ("text", "partial_json", "thinking", "citation")


def name_and_data(event: bytes) -> Event:
    """The name ("" for most) and the data of one event; both empty for one that has no data, such as a comment."""
    event = event.rstrip(b"\r\n")
    head, _, rest = event.partition(b"\n")
    if b"\r" not in event:
        if not rest and head.startswith(b"data: "):
            return "", head[6:]
        if head.startswith(b"event: ") and rest.startswith(b"data: ") and b"\n" not in rest:
            return head[7:].decode(errors="replace"), rest[6:]
    found = EventReader(len(event) + 2).feed(event + b"\n\n")
    return found[0] if found else ("", b"")


def object_of(event: bytes) -> dict[str, JsonValue]:
    """The JSON object of an event; empty for a comment, a heartbeat and `[DONE]`. Raises `ValueError` for any other."""
    name, data = name_and_data(event)
    if not data or data.strip() == b"[DONE]":
        return {}
    try:
        return event_of(name, data)
    except AttemptFailed as failure:
        raise ValueError(str(failure)) from None


def carries_content(event: bytes, speech: Speech) -> bool:
    """Whether an event brings something of the answer: text, reasoning, a tool call, a refusal.

    False for a role, an empty text, a reason to stop, usage; and for what cannot be read.
    """
    if (b'"choices"' if speech == "openai" else b'"content_block') not in event:
        return False
    try:
        said = object_of(event)
    except ValueError:
        return False
    if speech == "openai":
        choices = said.get("choices")
        return any(_speaks(mapping(choice)) for choice in choices) if isinstance(choices, list) else False
    if said.get("type") == "content_block_start":
        block = mapping(said.get("content_block"))
        return block.get("type") not in ("text", "thinking") or bool(block.get("text") or block.get("thinking"))
    delta = mapping(said.get("delta"))
    return said.get("type") == "content_block_delta" and any(delta.get(key) for key in _OF_A_BLOCK)


def _speaks(choice: Mapping[str, JsonValue]) -> bool:
    delta = mapping(choice.get("delta"))
    return bool(choice.get("text")) or any(delta.get(key) for key in _OF_A_DELTA)


def error_in(event: bytes) -> JsonValue:
    """The error that an event tells, as it stands there; None where it tells none."""
    if b'"error"' not in event and b"event: error" not in event and b"event:error" not in event:
        return None
    try:
        said = object_of(event)
    except ValueError:
        return None
    return error_told_by(said)


def error_told_by(said: dict[str, JsonValue]) -> JsonValue:
    """The error in an event that was parsed already, that of its choice included (OpenRouter); None where none is."""
    if error := said.get("error"):
        return error
    if is_error(said):  # that is all of it, as vLLM sends it
        return said
    choices = said.get("choices")
    found = (mapping(choice).get("error") for choice in choices) if isinstance(choices, list) else ()
    return next((error for error in found if error), None)


def usage_in(event: bytes, speech: Speech) -> dict[str, JsonValue] | None:
    """The usage that an event counts, as it stands there; None where it counts none.

    Anthropic counts twice, at the start and, cumulatively, near the end: see `counted_on` of `usage`.
    """
    if b'"usage"' not in event or b'"usage":null' in event:
        return None
    try:
        said = object_of(event)
    except ValueError:
        return None
    if speech == "anthropic" and said.get("type") == "message_start":
        said = mapping(said.get("message"))
    usage = said.get("usage")
    return usage if isinstance(usage, dict) and usage else None
