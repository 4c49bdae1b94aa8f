"""Streams of the Messages API: `message_start`, the content block by block, `message_delta`, `message_stop`."""

from __future__ import annotations

import orjson

from evalgate.exchange import JsonValue
from evalgate.providers.assembly import broken_off, event_of, is_terminal, mapping, text

_PIECES = {"text_delta": "text", "input_json_delta": "partial_json", "thinking_delta": "thinking"}  # no signatures


class AnthropicStream:
    """Assembles one message; see `Assembler`."""

    def __init__(self) -> None:
        self.done = False
        self._error: JsonValue = None
        self._message: dict[str, JsonValue] = {}
        self._usage: dict[str, JsonValue] = {}
        self._blocks: dict[JsonValue, tuple[dict[str, JsonValue], list[str]]] = {}  # by index, in order of arrival
        self._counts_output = False

    @property
    def complete(self) -> bool:
        """See `Assembler`."""
        return bool(self._message.get("stop_reason"))

    @property
    def counted(self) -> bool:
        """See `Assembler`; what `message_start` counts is only the beginning."""
        return self._counts_output

    @property
    def arrived(self) -> int:
        """See `Assembler`."""
        return sum(len(piece) for _, pieces in self._blocks.values() for piece in pieces)

    def feed(self, name: str, data: bytes) -> bool:
        """Take one event; see `Assembler`."""
        if is_terminal(data):  # of a gateway that speaks OpenAI's API as well
            self.done = True
            return False
        event = event_of(name, data)
        match event.get("type"):
            case _ if error := event.get("error"):
                if not (self.done or self.complete):
                    self._error = error
                self.done = True
            case "message_start":
                message = mapping(event.get("message"))
                self._message |= message
                self._usage |= mapping(message.get("usage"))
            case "content_block_start":
                block = mapping(event.get("content_block"))
                self._blocks[_index(event)] = (block, [text(block.get("text")) or text(block.get("thinking"))])
                return block.get("type") == "tool_use" or bool(block.get("text"))
            case "content_block_delta":
                return self._piece(event)
            case "message_delta":  # its counts are cumulative
                self._counts_output = self._counts_output or bool(event.get("usage"))
                self._message |= mapping(event.get("delta"))
                # some say 0 here for what they have counted at the start
                self._usage |= {key: value for key, value in mapping(event.get("usage")).items() if value}
            case "message_stop":
                self.done = True
        return False

    def body(self) -> JsonValue:
        """The whole body; see `Assembler`."""
        if self._error is not None:
            return {"error": self._error}
        if not (self.done or self.complete):
            raise broken_off("no message_stop")
        if not self._message:
            raise broken_off("no message_start")
        content: list[JsonValue] = [_whole(block, "".join(pieces)) for block, pieces in self._blocks.values()]
        return {**self._message, "content": content, "usage": self._usage}

    def _piece(self, event: dict[str, JsonValue]) -> bool:
        delta = mapping(event.get("delta"))
        kind, block = delta.get("type"), self._blocks.get(_index(event))
        if block is None or not isinstance(kind, str) or kind not in _PIECES:
            return False
        piece = text(delta.get(_PIECES[kind]))
        block[1].append(piece)
        return bool(piece) and kind != "thinking_delta"


def _whole(block: dict[str, JsonValue], pieces: str) -> JsonValue:
    kind = block.get("type")
    if kind in ("text", "thinking"):
        return {**block, str(kind): pieces}
    if kind != "tool_use" or not pieces:
        return block
    try:
        return {**block, "input": orjson.loads(pieces)}
    except orjson.JSONDecodeError:  # the token limit cut it off
        return {**block, "input": pieces}


def _index(event: dict[str, JsonValue]) -> int | None:
    index = event.get("index")
    return index if isinstance(index, int) else None
