"""What is counted of one variant on one operation in one span of time; cells of a minute add to those of an hour."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, get_args

import msgspec

from evalgate.telemetry import sketch
from evalgate.telemetry.attempt import Attempt, Outcome
from evalgate.telemetry.sketch import Sketch

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_PLACE = {outcome: place for place, outcome in enumerate(OUTCOMES)}
_SKETCHES = ("first", "streamed", "whole", "speed", "asked", "said")


class Cell:
    """Counts by outcome, and histograms of the attempts that were ok.

    `first`: ms to the first content, of streams; `streamed`, `whole`: ms that streams and other calls took in all;
    `speed`: output tokens per second of the whole duration. An attempt that broke, or that its client left, says
    nothing of how long an answer takes, so it is counted alone. `latest`: when the last attempt ended, 0.0 before there
    is one.

    `asked`, `said`: of all attempts whose tokens were counted, how many had so many, by powers of two: bin k holds what
    is above 2ᵏ⁻¹ and up to 2ᵏ.
    """

    __slots__ = ("counts", "input_tokens", "latest", "output_tokens", *_SKETCHES)

    def __init__(self) -> None:
        self.counts = [0] * len(OUTCOMES)
        self.input_tokens = self.output_tokens = 0
        self.latest = 0.0
        self.first: Sketch = {}
        self.streamed: Sketch = {}
        self.whole: Sketch = {}
        self.speed: Sketch = {}
        self.asked: Sketch = {}
        self.said: Sketch = {}

    @property
    def attempts(self) -> int:
        """All, however they ended."""
        return sum(self.counts)

    def count(self, outcome: Outcome) -> int:
        """How many ended so."""
        return self.counts[_PLACE[outcome]]

    def add(self, attempt: Attempt) -> None:
        """Count one attempt: on the hot path, so a microsecond or two."""
        self.counts[_PLACE[attempt.outcome]] += 1
        if attempt.at > self.latest:  # noqa: PLR1730  # a call of max costs as much as all the rest
            self.latest = attempt.at
        asked, said = attempt.input_tokens, attempt.output_tokens
        if asked is not None:
            self.input_tokens += asked
            _count(self.asked, asked)
        if said is not None:
            self.output_tokens += said
            _count(self.said, said)
        if attempt.outcome != "ok":
            return
        duration, first = attempt.duration_ms, attempt.first_ms
        if first is None:
            sketch.add(self.whole, duration)
        else:
            sketch.add(self.first, first)
            sketch.add(self.streamed, duration)
        if said and duration > 0:
            sketch.add(self.speed, said * 1000 / duration)

    def merge(self, other: Cell) -> None:
        """Add all that `other` has counted."""
        self.counts = [ours + theirs for ours, theirs in zip(self.counts, other.counts, strict=True)]
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.latest = max(self.latest, other.latest)
        for name in _SKETCHES:
            sketch.merge(getattr(self, name), getattr(other, name))

    def take_away(self, other: Cell) -> None:
        """Undo an earlier `merge`, but for `latest`."""
        self.counts = [ours - theirs for ours, theirs in zip(self.counts, other.counts, strict=True)]
        self.input_tokens -= other.input_tokens
        self.output_tokens -= other.output_tokens
        for name in _SKETCHES:
            sketch.take_away(getattr(self, name), getattr(other, name))

    def without_times(self) -> Cell:
        """The counts alone: what is kept of a day."""
        bare = Cell()
        bare.counts, bare.latest = list(self.counts), self.latest
        bare.input_tokens, bare.output_tokens = self.input_tokens, self.output_tokens
        return bare

    def encoded(self) -> bytes:
        """For the store; equal cells are equal bytes."""
        rows = [sorted(getattr(self, name).items()) for name in _SKETCHES]
        return _encode((tuple(self.counts), self.input_tokens, self.output_tokens, self.latest, *rows))


def _count(into: Sketch, tokens: int) -> None:
    at = (tokens - 1).bit_length() if tokens > 0 else 0
    into[at] = into.get(at, 0) + 1


def merged(cells: Iterable[Cell]) -> Cell:
    """The sum of all."""
    whole = Cell()
    for cell in cells:
        whole.merge(cell)
    return whole


# bounds within which nothing overflows, whoever wrote it
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Bins = list[tuple[Annotated[int, msgspec.Meta(ge=-1000, le=1000)], _Count]]
_Counts = tuple[_Count, _Count, _Count, _Count, _Count]
_Time = Annotated[float, msgspec.Meta(ge=0, le=1e12)]
_Row = tuple[_Counts, _Count, _Count, _Time, _Bins, _Bins, _Bins, _Bins, _Bins, _Bins]
_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(_Row)


def decoded(data: bytes) -> Cell:
    """The cell that was `encoded`. Raises `ValueError` for anything else."""
    counts, input_tokens, output_tokens, latest, *rows = _decoder.decode(data)
    cell = Cell()
    cell.counts, cell.input_tokens, cell.output_tokens, cell.latest = list(counts), input_tokens, output_tokens, latest
    for name, row in zip(_SKETCHES, rows, strict=True):
        setattr(cell, name, dict(row))
    return cell
