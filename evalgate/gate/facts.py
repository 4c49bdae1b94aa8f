"""The plain facts of one side: who was asked, and what the answers were like in numbers."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from evalgate.catalog import Endpoint
from evalgate.exchange import Answer


@dataclass(frozen=True, slots=True)
class VariantFacts:
    """Who was asked; `config` is the hash that an answer of exactly this configuration carries."""

    id: str
    provider: str
    path: str
    tag: str | None
    quantization: str
    quantization_source: str
    bits_per_weight: float | None
    config: str
    price_input: str  # USD per 1M tokens
    price_output: str
    price_basis: str

    @classmethod
    def of(cls, endpoint: Endpoint) -> VariantFacts:
        """The facts of a catalogue entry."""
        price = endpoint.price.model_dump()
        return cls(
            id=endpoint.id,
            provider=endpoint.provider.id,
            path=endpoint.variant.path,
            tag=endpoint.variant.tag,
            quantization=endpoint.quantization.label,
            quantization_source=endpoint.quantization.source,
            bits_per_weight=endpoint.quantization.bits_per_weight,
            config=endpoint.config,
            price_input=price["input"],
            price_output=price["output"],
            price_basis=price["basis"],
        )


@dataclass(frozen=True, slots=True)
class Usage:
    """What the answers of one side were like. Tokens and cost are means per answer; shares are in [0, 1].

    `oldest` is when the oldest of them was given (seconds since the epoch): a green is as old as its evidence.
    """

    answers: int
    failed: int
    truncated: float
    input_tokens: float
    output_tokens: float
    cost_usd: float
    latency_ms_p50: float
    oldest: float


class Tally:
    """Counts answers; one that failed was none, and says nothing of tokens; one of a batch says nothing of latency."""

    def __init__(self, answers: Iterable[Answer] = ()) -> None:
        self._answers = self._served = self._truncated = self._input_tokens = self._output_tokens = 0
        self._latencies = array("d")
        self._oldest = float("inf")
        for answer in answers:
            self.add(answer)

    def add(self, answer: Answer) -> None:
        """Count one more."""
        self._answers += 1
        self._oldest = min(self._oldest, answer.answered_at)
        if not answer.failed:
            self._served += 1
            if answer.latency_ms:
                self._latencies.append(answer.latency_ms)
            self._truncated += answer.truncated
            self._input_tokens += answer.input_tokens or 0
            self._output_tokens += answer.output_tokens or 0

    def usage(self, endpoint: Endpoint) -> Usage:
        """What they were like; nothing but zeros when there are none."""
        each = max(1, self._served)
        tokens_in, tokens_out = self._input_tokens / each, self._output_tokens / each
        return Usage(
            answers=self._answers,
            failed=self._answers - self._served,
            truncated=self._truncated / each,
            input_tokens=round(tokens_in, 3),
            output_tokens=round(tokens_out, 3),
            cost_usd=float(endpoint.cost(tokens_in, tokens_out)),
            latency_ms_p50=round(median(self._latencies), 1) if self._latencies else 0.0,
            oldest=self._oldest if self._answers else 0.0,
        )
