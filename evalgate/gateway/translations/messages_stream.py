"""Chunks of a chat completion, as the events of a Message: block after block, each with its start and its stop.

The usage comes last there, so `message_start` counts 0, and `message_delta` says all of it. A chunk that cannot be read
is left out, as it is where nothing is translated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from evalgate.exchange import JsonValue
from evalgate.gateway.shapes import error_event
from evalgate.gateway.splitter import payload
from evalgate.gateway.translations.answers import call_id, plain, stopped
from evalgate.gateway.translations.errors import error_within, event_of_error
from evalgate.gateway.translations.usage import messages_usage
from evalgate.gateway.translations.written import DONE, messages_event, object_of, written
from evalgate.providers.assembly import mapping, text
from evalgate.providers.choices import least_choice, place_of


@dataclass(slots=True)
class _Call:
    """A tool call; its block opens when its name is known, and closes when the next one opens."""

    place: int
    id: str = ""
    name: str = ""
    waiting: list[str] = field(default_factory=list)  # arguments that came before the name
    opened: bool = False


class MessagesStream:
    """One stream; see `StreamTranslation`."""

    def __init__(self) -> None:
        self._id = ""
        self._started = self._over = False
        self._block = -1  # the last one's index
        self._open: str | _Call | None = None  # "text" or a call, while its block is open
        self._at: dict[JsonValue, _Call] = {}  # by index, which some count wrongly
        self._calls: list[_Call] = []
        self._choice: dict[str, JsonValue] = {}
        self._usage: dict[str, JsonValue] = {}
        self._refused = False

    def feed(self, event: bytes) -> bytes:
        """See `StreamTranslation`."""
        if self._over:
            return b""
        if event.startswith(b":") and payload(event) is None:
            return messages_event("ping") if self._started else b""
        if b"[DONE]" in event and payload(event) == DONE:
            self._choice.setdefault("finish_reason", "stop")  # it says itself that it is complete
            return self.end()
        told: list[bytes] = []
        try:
            said = object_of(event)
            if b"error" in event and (error := error_within(said)):
                return self.end() if self._choice else self._fail(event_of_error("anthropic", error))
            for each in self._told(said):
                told.append(each)  # noqa: PERF402 - what came before an error is kept
        except ValueError:
            pass
        return b"".join(told)

    def end(self) -> bytes:
        """See `StreamTranslation`; an error where the stream has not said that it is complete."""
        if self._over:
            return b""
        if not (self._started and self._choice):
            return self._broken("the upstream's stream broke off")
        if any(not call.opened for call in self._calls):
            return self._broken("the upstream's stream has a tool call without a name")
        try:
            delta = stopped(self._choice, called=bool(self._calls), refused=self._refused)
        except ValueError as failure:
            return self._broken(str(failure))
        last = messages_event("message_delta", delta=delta, usage=messages_usage(self._usage))
        told = b"".join(self._close()) + last + messages_event("message_stop")
        self._over = True
        return told

    def _broken(self, why: str) -> bytes:
        return self._fail(error_event("anthropic", why))

    def _fail(self, event: bytes) -> bytes:
        self._over = True
        return event

    def _told(self, said: dict[str, JsonValue]) -> Iterator[bytes]:
        self._usage |= mapping(said.get("usage"))
        choice = least_choice(said.get("choices"))
        if choice is None or place_of(choice) > 0:
            return
        if not self._started:
            yield self._start(said)
        delta = mapping(choice.get("delta"))
        refused = text(delta.get("refusal"))
        self._refused = self._refused or bool(refused)
        yield from self._say(plain(delta.get("content")) + refused)
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            yield from self._call(mapping(call))
            if self._over:
                return
        if choice.get("finish_reason"):
            self._choice = choice

    def _start(self, said: dict[str, JsonValue]) -> bytes:
        self._started, self._id = True, text(said.get("id"))
        message: dict[str, JsonValue] = {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": text(said.get("model")),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        return messages_event("message_start", message=message)

    def _say(self, words: str) -> Iterator[bytes]:
        if not words:
            return
        if self._open != "text":
            yield from self._opened("text", {"type": "text", "text": ""})
        yield messages_event("content_block_delta", index=self._block, delta={"type": "text_delta", "text": words})

    def _call(self, delta: dict[str, JsonValue]) -> Iterator[bytes]:
        """A piece of a call belongs to the call of its index; a new id is a new call."""
        index, identity = delta.get("index"), text(delta.get("id"))
        index = index if isinstance(index, int) else None
        call = self._at.get(index)
        if call is None or (identity and call.id and identity != call.id):
            call = self._at[index] = _Call(len(self._calls))
            self._calls.append(call)
        function = mapping(delta.get("function"))
        call.id = call.id or identity
        call.name = call.name or text(function.get("name"))
        given = function.get("arguments")
        if piece := written(given).decode() if isinstance(given, dict) else text(given):
            call.waiting.append(piece)
        if not call.name:
            return
        if not call.opened:
            call.opened = True
            identity = call_id({"id": call.id}, call.place, self._id)
            yield from self._opened(call, {"type": "tool_use", "id": identity, "name": call.name, "input": {}})
        pieces, call.waiting = "".join(call.waiting), []
        if pieces and call is not self._open:  # Anthropic's blocks come one after the other
            yield self._broken("the upstream's stream mixes the pieces of several tool calls")
        elif pieces:
            arguments: JsonValue = {"type": "input_json_delta", "partial_json": pieces}
            yield messages_event("content_block_delta", index=self._block, delta=arguments)

    def _opened(self, what: str | _Call, block: JsonValue) -> Iterator[bytes]:
        yield from self._close()
        self._open, self._block = what, self._block + 1
        yield messages_event("content_block_start", index=self._block, content_block=block)

    def _close(self) -> Iterator[bytes]:
        if self._open is not None:
            self._open = None
            yield messages_event("content_block_stop", index=self._block)
