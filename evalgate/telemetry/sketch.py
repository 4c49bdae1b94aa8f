"""Histograms with bins that grow by a constant factor: any percentile within 2 % of what was measured.

A value x goes into bin ⌈log(x) / log(γ)⌉ with γ = (1 + α) / (1 − α), α = 0.02, and a bin is told as 2γⁱ / (γ + 1),
which is at most α away from whatever is in it (Masson, Rim and Lee: DDSketch, PVLDB 12(12), 2019, §2.1). Adding two
histograms is adding their counts, in any order, and counts can be taken away again: a window slides without being
counted anew. That is all of it, so a histogram is a plain `dict` from bin to count.

The library of the paper's authors (ddsketch 3) was tried: three times as long for each value, floats as counts, nothing
can be taken away, and its only way onto a disk is protobuf.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

Sketch = dict[int, int]

ERROR = 0.02
LEAST, MOST = 1e-3, 1e9  # in whatever unit; what is beyond them, or no number, is counted as the nearer one
_GAMMA = (1 + ERROR) / (1 - ERROR)
_PER_BIN = 1 / math.log(_GAMMA)
_log, _ceil = math.log, math.ceil


def add(sketch: Sketch, value: float) -> None:
    """Count one value, in a fraction of a microsecond."""
    if not LEAST < value:  # noqa: SIM300  # no number is greater than nothing, either
        value = LEAST
    elif value > MOST:
        value = MOST
    at = _ceil(_log(value) * _PER_BIN)
    sketch[at] = sketch.get(at, 0) + 1


def merge(into: Sketch, other: Mapping[int, int]) -> None:
    """Add all that `other` has counted."""
    for at, count in other.items():
        into[at] = into.get(at, 0) + count


def take_away(sketch: Sketch, other: Mapping[int, int]) -> None:
    """Undo an earlier `merge`; empty bins go."""
    for at, count in other.items():
        left = sketch.get(at, 0) - count
        if left > 0:
            sketch[at] = left
        else:
            sketch.pop(at, None)


def size(sketch: Mapping[int, int]) -> int:
    """How many values were counted."""
    return sum(sketch.values())


def value_of(at: int) -> float:
    """What a bin's values are told as."""
    return 2 * math.exp(at / _PER_BIN) / (_GAMMA + 1)


def quantiles(sketch: Mapping[int, int], *shares: float) -> list[float]:
    """The quantiles at `shares` (rising, each in [0, 1]) of at least one value.

    Between two values it goes straight, as numpy's default does; both are within `ERROR`, so what is between is, too.
    """
    ranks = [share * (size(sketch) - 1) for share in shares]
    bins = sorted(sketch.items())
    found, at, below = [], 0, bins[0][1]  # `below`: values up to and with the bin
    for rank in ranks:
        low = math.floor(rank)
        while below <= low:
            at += 1
            below += bins[at][1]
        value = value_of(bins[at][0])
        if rank > low and below <= low + 1:
            value += (rank - low) * (value_of(bins[at + 1][0]) - value)
        found.append(value)
    return found


def total(sketch: Mapping[int, int]) -> float:
    """The sum of all values, within `ERROR`."""
    return sum(value_of(at) * count for at, count in sketch.items())


def up_to(sketch: Mapping[int, int], bound: float) -> int:
    """How many values are `bound` or less, as their bins are told: those within `ERROR` of it may be on either side."""
    last = math.floor(math.log(bound / (1 - ERROR)) * _PER_BIN)
    return sum(count for at, count in sketch.items() if at <= last)
