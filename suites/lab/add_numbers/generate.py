"""Sums of a number from 13 to 72 and one from 2 to 12; each pair at most once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

CASES = 640  # enough for a margin of five points with some to spare, few enough to record in an hour
SHOWN = {(17, 5), (62, 7), (31, 12), (48, 4), (25, 9), (53, 11)}  # the prompt's examples, which must not be asked


def cases() -> Iterator[dict[str, Any]]:
    rng = random.Random("20250101-add_numbers")
    pairs = [(a, b) for a in range(13, 73) for b in range(2, 13) if (a, b) not in SHOWN]
    for a, b in rng.sample(pairs, CASES):
        yield {"input": {"a": a, "b": b}, "target": a + b, "metadata": {"carry": a % 10 + b % 10 >= 10}}
