"""What the answers of one side were like, in numbers: kinds, tokens, cost, latency.

Tokens are counted by the server, or estimated, or unknown, and unknown is never zero: an endpoint that counts nothing
would otherwise be the cheapest of all. Variants are compared at one token mix: the input that was counted for the
baseline, since the prompts are the same, and each one's own output where it is counted, else the baseline's.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

from evalgate.catalog import Endpoint
from evalgate.exchange import AnswerKind
from evalgate.exchange.tokens import BYTES_PER_TOKEN
from evalgate.facts.given import Given

Basis = Literal["counted", "estimated", "unknown"]


@dataclass(frozen=True, slots=True)
class Usage:
    """What the answers of one side were like. Tokens and cost are means per answer; shares are in [0, 1].

    `kinds` counts answers by `Answer.kind`. `tokens` says where the tokens come from; they and the cost are None where
    nothing is known. `reasoning` is the share of all that was said that was reasoning. `oldest` is when the oldest of
    the answers was given (seconds since the epoch): a green is as old as its evidence.
    """

    answers: int
    failed: int
    truncated: float
    kinds: Mapping[AnswerKind, int]
    input_tokens: float | None
    output_tokens: float | None
    tokens: Basis
    cost_usd: float | None
    latency_ms_p50: float
    reasoning: float
    oldest: float

    def share(self, kind: AnswerKind) -> float:
        """The share of the answers that are of one kind."""
        return self.kinds.get(kind, 0) / self.answers if self.answers else 0.0


class Tally:
    """Counts answers; one that failed was none, and says nothing of tokens; one of a batch says nothing of latency."""

    def __init__(self, answers: Iterable[Given] = ()) -> None:
        self._answers = self._served = self._truncated = 0
        self._kinds: Counter[AnswerKind] = Counter()
        self._size = self._reasoning = self._prompt_size = 0
        self._input, self._output = _Counted(), _Counted()
        self._latencies = array("d")
        self._oldest = float("inf")
        for answer in answers:
            self.add(answer)

    def add(self, given: Given) -> None:
        """Count one more."""
        answer = given.answer
        self._answers += 1
        self._kinds[given.kind] += 1
        self._oldest = min(self._oldest, answer.answered_at)
        if not answer.failed:
            self._served += 1
            if answer.latency_ms:
                self._latencies.append(answer.latency_ms)
            self._truncated += answer.truncated
            self._size += given.size
            self._reasoning += given.reasoning
            self._prompt_size += given.prompt_size
            self._input.add(answer.input_tokens, given.prompt_size)
            self._output.add(answer.output_tokens, given.size)

    def usage(self, endpoint: Endpoint, reference: Tally | None = None) -> Usage:
        """What they were like, at the token mix of `reference`, the baseline's answers to the same cases."""
        served = max(1, self._served)
        tokens_in, counted_in = self._input_mean(reference)
        tokens_out, counted_out = self._output_mean(reference)
        cost = None if tokens_in is None or tokens_out is None else float(endpoint.cost(tokens_in, tokens_out))
        basis: Basis = "unknown" if cost is None else "counted" if counted_in and counted_out else "estimated"
        return Usage(
            answers=self._answers,
            failed=self._answers - self._served,
            truncated=self._truncated / served,
            kinds=dict(self._kinds.most_common()),
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            tokens=basis,
            cost_usd=cost,
            latency_ms_p50=round(median(self._latencies), 1) if self._latencies else 0.0,
            reasoning=self._reasoning / self._size if self._size else 0.0,
            oldest=self._oldest if self._answers else 0.0,
        )

    def _input_mean(self, reference: Tally | None) -> tuple[float | None, bool]:
        """Tokens of a prompt, and whether they are counted."""
        for tally in (reference, self) if reference is not None else (self,):
            if tally._input.number:
                return tally._input.mean, tally._input.number == tally._served
        return self._by_size(self._prompt_size, BYTES_PER_TOKEN), False

    def _output_mean(self, reference: Tally | None) -> tuple[float | None, bool]:
        """Tokens of an answer, and whether they are counted."""
        if self._output.number == self._served and self._served:
            return self._output.mean, True
        if self._output.number:
            return self._by_size(self._size, self._output.ratio), False
        if reference is not None and reference._output.number:
            return reference._output.mean, False
        return self._by_size(self._size, BYTES_PER_TOKEN), False

    def _by_size(self, size: int, ratio: float) -> float | None:
        return round(size / ratio / self._served, 3) if self._served and size else None


class _Counted:
    """Tokens that a server counted, and the bytes that they stand for."""

    def __init__(self) -> None:
        self.number = self._tokens = self._size = 0

    def add(self, tokens: int | None, size: int) -> None:
        if tokens is not None:
            self.number += 1
            self._tokens += tokens
            self._size += size

    @property
    def mean(self) -> float:
        return round(self._tokens / self.number, 3)

    @property
    def ratio(self) -> float:
        """Bytes for each token."""
        return self._size / self._tokens if self._tokens and self._size else BYTES_PER_TOKEN
