"""One question and what came back: the plain data that every room hands on.

A `Request` says nothing of who is asked, so that its hash proves that baseline and variant were asked the same.
An `Answer` is what a variant returned, or the error that it ended in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from evalgate.canonical import digest

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

MAX_TOKENS = 10_000_000  # of one answer or prompt; more is nonsense, and its price would not fit the store's integers
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refused", "error", "unknown"]


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: chat messages or a completion prompt, and the sampling parameters.

    `parameters` are those of the OpenAI API by name (`temperature`, `max_tokens`, `seed`, `stop`, …).
    """

    prompt: str | tuple[Message, ...]
    parameters: Mapping[str, JsonValue]
    hash: str = field(default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "hash", digest({"prompt": self.prompt, "parameters": dict(self.parameters)}))


@dataclass(frozen=True, slots=True)
class Question:
    """A request on behalf of a case; `repeat` (from 0) tells several answers to one request apart."""

    case_id: str
    request: Request
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    `latency_ms` is wall time from sending to the last byte, of the attempt that succeeded. `error` is None for an
    answer; otherwise it says why there is none, and `text` is empty. `details` keeps what only some readers want
    (first-token logprob, system fingerprint, tool calls); it is JSON. `answered_at` is in seconds since the epoch and
    stamped by the collector: a verdict grows old with its answers, not with the day on which it was last printed.
    """

    text: str
    finish_reason: FinishReason
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: float = 0.0
    error: str | None = None
    details: Mapping[str, JsonValue] = field(default_factory=dict)
    answered_at: float = 0.0

    @property
    def failed(self) -> bool:
        """True when there is no answer to grade: it scores 0, on either side."""
        return self.error is not None

    @property
    def truncated(self) -> bool:
        """True when the token limit cut the answer off."""
        return self.finish_reason == "length"
