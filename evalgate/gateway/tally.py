"""What an answer says of itself while it passes: content, tokens, its end, an error; streamed or whole."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import orjson

from evalgate.exchange import JsonValue
from evalgate.gateway.splitter import payload
from evalgate.gateway.translation import Speech
from evalgate.providers.reply import error_in
from evalgate.providers.usage import count_within, output_with_reasoning, token_count

_DONE = b"[DONE]"


class Seen(Enum):
    """What one event of a stream is."""

    CONTENT = 1  # text, reasoning, a tool call, a refusal, or the reason why there is none
    OTHER = 2  # a role, a ping, a comment
    USAGE = 3  # OpenAI's event of nothing but usage, which comes to who asked for it
    DONE = 4
    ERROR = 5
    MALFORMED = 6


class Tally:
    """Counts one answer in the words of `speech`, the upstream's. Tokens are None as long as nobody counted.

    `said`: letters of content so far; `text`: those of the last event of a stream. `served_by`: who answered, where a
    router says so (OpenRouter). `error`: the error within, where there is one. `choices`: how many were asked for.
    """

    __slots__ = ("_finished", "_wanted", "done", "error", "input", "output", "said", "served_by", "speech", "text")

    def __init__(self, speech: Speech, choices: int = 1) -> None:
        self.speech = speech
        self.input: int | None = None
        self.output: int | None = None
        self.said = 0
        self.text = ""
        self.done = False
        self.error: JsonValue = None
        self.served_by: JsonValue = None
        self._wanted = choices
        self._finished: set[object] = set()

    @property
    def complete(self) -> bool:
        """Whether the model has said why it stopped, for all that was asked for."""
        return self.done or len(self._finished) >= self._wanted

    def event(self, event: bytes) -> Seen:
        """Take an event of a stream, as it came."""
        self.text = ""
        data = payload(event)
        if not data:
            return Seen.OTHER
        if data == _DONE:
            self.done = True
            return Seen.DONE
        try:
            body = orjson.loads(data)
        except orjson.JSONDecodeError:
            return Seen.MALFORMED
        if not isinstance(body, dict):
            return Seen.MALFORMED
        if error_in(body):
            self.error = body
            return Seen.ERROR
        return self._of_anthropic(body) if self.speech == "anthropic" else self._of_openai(body)

    def whole(self, body: dict[str, JsonValue]) -> bool:
        """Take a whole answer; False when there is none in it."""
        usage = body.get("usage")
        if isinstance(usage, dict):
            self._count(usage)
        if self.speech == "anthropic":
            parts = body.get("content")
            self.said = _size(parts)
            return isinstance(parts, list) and (len(parts) > 0 or body.get("stop_reason") is not None)
        choices, self.served_by = body.get("choices"), body.get("provider")
        if isinstance(choices, list):
            if self.output is None:
                self.said = sum(
                    _size(each.get("message", each.get("text"))) for each in choices if isinstance(each, dict)
                )
            return len(choices) > 0
        return isinstance(body.get("data"), list)  # embeddings

    def _of_openai(self, body: dict[str, JsonValue]) -> Seen:
        usage = body.get("usage")
        if isinstance(usage, dict):
            self._count(usage)
        choices = body.get("choices")
        if self.served_by is None:
            self.served_by = body.get("provider")
        if not isinstance(choices, list) or not choices:
            return Seen.USAGE if isinstance(usage, dict) and isinstance(choices, list) else Seen.OTHER
        seen = Seen.OTHER
        for choice in choices:
            if not isinstance(choice, dict):
                continue
            delta = choice.get("delta")
            if isinstance(delta, dict):
                for name, value in delta.items():
                    if value and name != "role":
                        self._tell(value)
                        seen = Seen.CONTENT
            elif isinstance(text := choice.get("text"), str) and text:
                self._tell(text)
                seen = Seen.CONTENT
            if choice.get("finish_reason"):
                self._finished.add(choice.get("index") if isinstance(choice.get("index"), int) else 0)
                seen = Seen.CONTENT
        return seen

    def _of_anthropic(self, body: dict[str, JsonValue]) -> Seen:
        kind, seen = body.get("type"), Seen.OTHER
        if kind == "content_block_delta":
            delta = body.get("delta")
            if isinstance(delta, dict):
                self._tell({name: value for name, value in delta.items() if name != "type"})
            seen = Seen.CONTENT
        elif kind == "content_block_start":
            block = body.get("content_block")
            begins_empty = isinstance(block, dict) and block.get("type") in ("text", "thinking")
            seen = Seen.OTHER if begins_empty else Seen.CONTENT
        elif kind == "message_start":
            message = body.get("message")
            if isinstance(message, dict) and isinstance(usage := message.get("usage"), dict):
                self._count(usage)
                self.output = None  # it has only begun
        elif kind == "message_delta":
            usage, delta = body.get("usage"), body.get("delta")
            if isinstance(usage, dict):
                self._count(usage)
            if isinstance(delta, dict) and delta.get("stop_reason"):
                self._finished.add(0)
                seen = Seen.CONTENT
        elif kind == "message_stop":
            self.done = True
            seen = Seen.DONE
        return seen

    def _tell(self, value: object) -> None:
        """Content came."""
        text = value if isinstance(value, str) else "".join(_texts(value))
        self.said += len(text)
        self.text += text

    def _count(self, usage: dict[str, JsonValue]) -> None:
        if self.speech == "anthropic":
            given = token_count(usage.get("input_tokens"))
            if given is not None:
                cached = (usage.get("cache_creation_input_tokens"), usage.get("cache_read_input_tokens"))
                self.input = given + sum(token_count(each) or 0 for each in cached)
            self.output = token_count(usage.get("output_tokens"))
            return
        self.input = token_count(usage.get("prompt_tokens")) or self.input
        reasoning = count_within(usage, ("completion_tokens_details",), "reasoning_tokens")
        said = output_with_reasoning(usage, reasoning, reasoned=False)
        if said is None and self.input is not None and "completion_tokens" not in usage:
            said = 0  # embeddings
        self.output = said if said is not None else self.output


def _size(value: object) -> int:
    """Letters of all texts in a JSON value."""
    return sum(map(len, _texts(value)))


def _texts(value: object) -> Iterator[str]:
    """All texts in a JSON value, in turn, without recursion."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting.extend(reversed(each.values()))
        elif isinstance(each, list):
            waiting.extend(reversed(each))
