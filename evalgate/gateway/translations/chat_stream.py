"""The events of a Message, as chunks of a chat completion: usage in one of its own, then `[DONE]`.

An event that cannot be read, or of a kind that is not known, is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evalgate.exchange import JsonValue
from evalgate.gateway.shapes import error_event
from evalgate.gateway.translations.answers import finished
from evalgate.gateway.translations.errors import error_within, event_of_error
from evalgate.gateway.translations.usage import chat_usage, counted_on
from evalgate.gateway.translations.written import chat_event, object_of, written
from evalgate.providers.assembly import mapping, text

_DONE = b"data: [DONE]\n\n"


@dataclass(slots=True)
class _Call:
    """A tool call: its number among the calls, and what is said at its end if no piece of its arguments came."""

    number: int
    unsaid: str


class ChatStream:
    """One stream; see `StreamTranslation`.

    `created`: seconds of the epoch, which Anthropic does not say; `usage`: whether the client asked for the tokens.
    """

    def __init__(self, created: int, *, usage: bool) -> None:
        self._head: dict[str, JsonValue] = {
            "id": "",
            "object": "chat.completion.chunk",
            "created": created,
            "model": "",
        }
        self._calls: dict[JsonValue, _Call] = {}  # by the index of their block
        self._usage: dict[str, JsonValue] = {}
        self._stopped = self._over = False
        self._counts = usage

    def feed(self, event: bytes) -> bytes:
        """See `StreamTranslation`."""
        if self._over:
            return b""
        told: list[bytes] = []
        try:
            said = object_of(event)
            if b"error" in event and (error := error_within(said)):
                return self.end() if self._stopped else self._fail(event_of_error("openai", error))
            for each in self._told(said):
                told.append(each)  # noqa: PERF402 - what came before an error is kept
        except ValueError:
            pass
        return b"".join(told)

    def end(self) -> bytes:
        """See `StreamTranslation`; an error where the stream has not said why the model stopped."""
        if self._over:
            return b""
        if not self._stopped:
            return self._fail(error_event("openai", "the upstream's stream broke off"))
        self._over = True
        if not (self._counts and self._usage):
            return _DONE
        return chat_event({**self._head, "choices": [], "usage": chat_usage(self._usage)}) + _DONE

    def _fail(self, event: bytes) -> bytes:
        self._over = True
        return event

    def _told(self, said: dict[str, JsonValue]) -> Iterator[bytes]:
        index = said.get("index")
        index = index if isinstance(index, int) else None
        match said.get("type"):
            case "message_start":
                message = mapping(said.get("message"))
                self._head |= {"id": text(message.get("id")), "model": text(message.get("model"))}
                self._usage = counted_on(self._usage, mapping(message.get("usage")))
                yield self._chunk({"role": "assistant", "content": ""})
            case "content_block_start":
                yield from self._begin(index, mapping(said.get("content_block")))
            case "content_block_delta":
                yield from self._piece(index, mapping(said.get("delta")))
            case "content_block_stop":
                call = self._calls.get(index)
                if call is not None and call.unsaid:
                    yield self._arguments(call, call.unsaid)
            case "message_delta":
                self._usage = counted_on(self._usage, mapping(said.get("usage")))
                reason = mapping(said.get("delta")).get("stop_reason")
                if reason and not self._stopped:
                    self._stopped = True
                    yield self._chunk({}, finished(reason))
            case "message_stop":
                yield self.end()

    def _begin(self, index: int | None, block: dict[str, JsonValue]) -> Iterator[bytes]:
        if block.get("type") == "text" and (words := text(block.get("text"))):
            yield self._chunk({"content": words})
        elif block.get("type") == "tool_use":
            whole = written(block.get("input") or {}).decode()
            call = self._calls[index] = _Call(len(self._calls), whole)
            function: JsonValue = {"name": text(block.get("name")), "arguments": ""}
            first: JsonValue = {
                "index": call.number,
                "id": text(block.get("id")),
                "type": "function",
                "function": function,
            }
            yield self._chunk({"tool_calls": [first]})

    def _piece(self, index: int | None, delta: dict[str, JsonValue]) -> Iterator[bytes]:
        if delta.get("type") == "text_delta" and (words := text(delta.get("text"))):
            yield self._chunk({"content": words})
        call = self._calls.get(index)
        if call is not None and delta.get("type") == "input_json_delta" and (piece := text(delta.get("partial_json"))):
            yield self._arguments(call, piece)

    def _arguments(self, call: _Call, piece: str) -> bytes:
        call.unsaid = ""
        return self._chunk({"tool_calls": [{"index": call.number, "function": {"arguments": piece}}]})

    def _chunk(self, delta: JsonValue, finish: JsonValue = None) -> bytes:
        choice: JsonValue = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return chat_event({**self._head, "choices": [choice]})
