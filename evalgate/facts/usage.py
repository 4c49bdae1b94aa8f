"""What the answers of one side were like, in numbers: kinds, tokens, cost, latency.

Tokens are counted by the server, or estimated, or unknown, and unknown is never zero: an endpoint that counts nothing
would otherwise be the cheapest of all. A variant is compared with the baseline at one token mix: the baseline's input,
since the prompts are the same, and its own output where the servers counted all of both sides. Where one did not, the
variant's answers count as no shorter than the baseline's: an estimate may make a variant dearer, and never cheaper.
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
        self._size = self._reasoning = 0
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
            self._input.add(answer.input_tokens, given.prompt_size)
            self._output.add(answer.output_tokens, given.size, hidden=given.hidden)

    def usage(self, endpoint: Endpoint) -> Usage:
        """What they were like, by themselves."""
        asked = self._mean(self._input, _Learnt(self._input))
        return self._at(endpoint, asked, self._mean(self._output, _Learnt(self._output)))

    def beside(self, endpoint: Endpoint, baseline: Tally, full: Endpoint) -> tuple[Usage, Usage]:
        """What the variant's answers were like and the baseline's to the same cases, at one token mix.

        `self` are those of `endpoint`, `baseline` those of `full`; both serve one model, and what a token of it is like
        is learnt from whoever counts.
        """
        asked = baseline._mean(baseline._input, _Learnt(self._input, baseline._input))
        learnt = _Learnt(self._output, baseline._output)
        said, ours = baseline._mean(baseline._output, learnt), self._mean(self._output, learnt)
        if ours.tokens is not None and said.tokens is not None and not (ours.counted and said.counted):
            ours = _Mean(max(ours.tokens, said.tokens), counted=False)
        if asked.tokens is None:
            asked = self._mean(self._input, _Learnt(self._input))
        return self._at(endpoint, asked, ours), baseline._at(full, asked, said)

    def _at(self, endpoint: Endpoint, asked: _Mean, said: _Mean) -> Usage:
        served = max(1, self._served)
        known = asked.tokens is not None and said.tokens is not None and self._served > 0
        cost = float(endpoint.cost(asked.tokens or 0.0, said.tokens or 0.0)) if known else None
        return Usage(
            answers=self._answers,
            failed=self._answers - self._served,
            truncated=self._truncated / served,
            kinds=dict(self._kinds.most_common()),
            input_tokens=asked.tokens if known else None,
            output_tokens=said.tokens if known else None,
            tokens="unknown" if not known else "counted" if asked.counted and said.counted else "estimated",
            cost_usd=cost,
            latency_ms_p50=round(median(self._latencies), 1) if self._latencies else 0.0,
            reasoning=self._reasoning / self._size if self._size else 0.0,
            oldest=self._oldest if self._answers else 0.0,
        )

    def _mean(self, counted: _Counted, learnt: _Learnt) -> _Mean:
        """The mean over all answers: as it was counted in each of them, else by the size of what nobody counted."""
        if not self._served:
            return _Mean(None, counted=False)
        if counted.number == self._served:
            return _Mean(round(counted.tokens / self._served, 3), counted=True)
        size = counted.all_sizes - counted.size
        if not (size or counted.number):
            return _Mean(None, counted=False)
        if counted.number and not (size and counted.plain):  # what counted answers are like says more than no size
            return _Mean(round(counted.tokens / counted.number, 3), counted=False)
        return _Mean(round((counted.tokens + size / learnt.bytes_per_token) / self._served, 3), counted=False)


@dataclass(frozen=True, slots=True)
class _Mean:
    """Tokens per answer, None where nothing is known, and whether the server counted all of them."""

    tokens: float | None
    counted: bool


class _Counted:
    """Tokens that a server counted, the bytes that they stand for, and the bytes of all there was."""

    def __init__(self) -> None:
        self.number = self.tokens = self.size = self.all_sizes = 0
        self.plain = True  # every count is that of a text that came along

    def add(self, tokens: int | None, size: int, *, hidden: bool = False) -> None:
        self.all_sizes += size
        if tokens is not None:
            self.number += 1
            self.tokens += tokens
            self.size += size
            self.plain = self.plain and not hidden


class _Learnt:
    """Bytes for each token, from sides that count and hide nothing."""

    def __init__(self, *sides: _Counted) -> None:
        told = [side for side in sides if side.plain and side.tokens and side.size]
        sizes, tokens = sum(side.size for side in told), sum(side.tokens for side in told)
        self.bytes_per_token = sizes / tokens if tokens else BYTES_PER_TOKEN
