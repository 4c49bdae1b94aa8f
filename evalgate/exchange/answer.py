"""What a variant returned, or the error that it ended in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from evalgate.exchange.request import JsonValue

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refused", "error", "unknown"]


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
