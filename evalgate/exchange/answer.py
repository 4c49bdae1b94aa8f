"""What a variant returned, or the error that it ended in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from evalgate.exchange.reasoning import split_reasoning
from evalgate.exchange.request import JsonValue

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refused", "error", "unknown"]
AnswerKind = Literal["text", "tool_calls", "empty", "refused", "filtered", "cut_in_reasoning", "failed"]

# white space, and characters that nobody sees, which some models send where they have nothing to say
_INVISIBLE = "\x00\xad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_SPACES = (*range(0x100), 0x1680, *range(0x2000, 0x2070), 0x3000)  # where white space may be
_BLANK = _INVISIBLE + "".join(character for code in _SPACES if (character := chr(code)).isspace())


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    `input_tokens` and `output_tokens` are None where the server did not count, or counted what cannot be: unknown is
    not zero. `latency_ms` is wall time from sending to the last byte, of the attempt that succeeded. `error` is None
    for an answer; otherwise it says why there is none, and `text` is empty. `details` keeps what only some readers want
    (who answered, reasoning, tool calls, first-token logprob); it is JSON. `answered_at` is in seconds since the epoch
    and stamped by the collector: a verdict grows old with its answers, not with the day on which it was last printed.
    """

    text: str
    finish_reason: FinishReason
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: float = 0.0
    error: str | None = None
    details: Mapping[str, JsonValue] = field(default_factory=dict)
    answered_at: float = 0.0

    def at(self, answered_at: float) -> Answer:
        """The same answer, given then; `dataclasses.replace` takes several times as long, and this is for each."""
        return Answer(
            self.text,
            self.finish_reason,
            self.input_tokens,
            self.output_tokens,
            self.latency_ms,
            self.error,
            self.details,
            answered_at,
        )

    @property
    def failed(self) -> bool:
        """True when there is no answer to grade: it scores 0, on either side.

        So it is for whatever the provider did not answer: calls that failed (`failed`), those that it turned down, and
        those of which a content filter left no text, whether it says so with a status or a finish reason.
        """
        return self.error is not None

    @property
    def truncated(self) -> bool:
        """True when the token limit cut the answer off."""
        return self.finish_reason == "length"

    @property
    def kind(self) -> AnswerKind:
        """What sort of answer it is, since only a `text` or a call of tools says anything of quality.

        `failed`: no attempt brought an answer. `filtered`: a content filter stepped in, by status, error or finish
        reason, whatever is left of the text. `refused`: the provider turned the question down, or the model said in its
        field of refusal, and nowhere else, that it will not answer. `tool_calls`: calls of tools and no text.
        `cut_in_reasoning`: the token limit came before the reasoning had ended. `empty`: nothing but white space, when
        reasoning within the text is taken off.
        """
        return self.kind_of(*split_reasoning(self.text))

    def kind_of(self, reasoning: str, rest: str) -> AnswerKind:
        """`kind`, for one who has split the text (`split_reasoning`) already."""
        if self.finish_reason in ("content_filter", "refused"):
            return "filtered" if self.finish_reason == "content_filter" else "refused"
        if self.error is not None:
            return "failed"
        return self._silent_kind(reasoning) if is_blank(rest) else "text"

    def _silent_kind(self, reasoning: str) -> AnswerKind:
        """What an answer without a text is."""
        details = self.details
        if details.get("refusal"):
            return "refused"
        if details.get("tool_calls"):
            return "tool_calls"
        reasoned = reasoning or details.get("reasoning") or details.get("reasoning_tokens")
        return "cut_in_reasoning" if self.truncated and reasoned else "empty"


def is_blank(text: str) -> bool:
    """Whether a reader would see nothing."""
    return not text.strip(_BLANK)
