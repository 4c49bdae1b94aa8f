"""How many tokens a text has, where the server did not count them: an estimate, learnt from where it did.

Text is measured in bytes of UTF-8, which is nearer to tokens than characters are: a Chinese character has three bytes
and about one token, an English word four or five of each letter's and about one as well. How many bytes a token has
depends on the model's tokenizer and on what is asked; so it is learnt, for each model, from answers of any of its
endpoints that were counted. Prompts and answers are learnt apart: a prompt's count includes the chat template.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

import orjson

from evalgate.exchange.answer import Answer
from evalgate.exchange.request import JsonValue, Message, Request
from evalgate.formats.canonical import canonical

BYTES_PER_TOKEN = 4.0  # as long as nothing was learnt
ENOUGH = 256  # counted answers: more would change nothing


@dataclass(slots=True)
class Ratio:
    """Bytes per token of what was counted so far."""

    bytes: int = 0
    tokens: int = 0
    samples: int = 0

    def learn(self, size: int, tokens: int | None) -> None:
        """Take one that was counted; what has no text or no count teaches nothing."""
        if tokens and size and self.samples < ENOUGH:
            self.bytes, self.tokens, self.samples = self.bytes + size, self.tokens + tokens, self.samples + 1

    def estimate(self, size: int) -> int:
        """Tokens of so many bytes; at least one, where there is anything."""
        return ceil(size / (self.bytes / self.tokens if self.tokens else BYTES_PER_TOKEN))


@dataclass(slots=True)
class TokenEstimates:
    """What was learnt of one model."""

    input: Ratio = field(default_factory=Ratio)
    output: Ratio = field(default_factory=Ratio)

    def learn(self, request: Request | None, answer: Answer) -> None:
        """Take an answer that was counted; hidden reasoning has tokens and no text, so it teaches nothing."""
        if self.input.samples < ENOUGH and request is not None:
            self.input.learn(prompt_bytes(request), answer.input_tokens)
        details = answer.details
        if self.output.samples < ENOUGH and ("reasoning" in details or "reasoning_tokens" not in details):
            self.output.learn(answer_bytes(answer), answer.output_tokens)

    def tokens(self, request: Request | None, answer: Answer) -> tuple[int, int]:
        """Input and output tokens of an answer: as they were counted, else as they are estimated.

        Without the request its input is that of the average one.
        """
        asked, said = answer.input_tokens, answer.output_tokens
        return (
            self._input_of(request) if asked is None else asked,
            self.output.estimate(answer_bytes(answer)) if said is None else said,
        )

    def _input_of(self, request: Request | None) -> int:
        if request is not None:
            return self.input.estimate(prompt_bytes(request))
        return ceil(self.input.tokens / max(1, self.input.samples))


def prompt_bytes(request: Request) -> int:
    """Bytes of what is asked."""
    prompt = request.prompt
    return _size(prompt) if isinstance(prompt, str) else sum(_message_bytes(message) for message in prompt)


def _message_bytes(message: Message) -> int:
    """Of its texts and calls; a picture has tokens, but not by its bytes."""
    if isinstance(message.content, str) and not message.tool_calls:  # nearly always
        return _size(message.content)
    return sum(map(_size, message.texts)) + (len(canonical(message.tool_calls)) if message.tool_calls else 0)


def answer_bytes(answer: Answer) -> int:
    """Bytes of what was said: the text, reasoning, and calls of tools."""
    size, details = _size(answer.text), answer.details
    if isinstance(reasoning := details.get("reasoning"), str):
        size += _size(reasoning)
    if calls := details.get("tool_calls"):
        size += len(orjson.dumps(calls))
    return size


def limit_of(parameters: Mapping[str, JsonValue]) -> int | None:
    """The most tokens that an answer may have, where the request says so."""
    for name in ("max_completion_tokens", "max_tokens"):
        if isinstance(limit := parameters.get(name), int):
            return limit
    return None


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
