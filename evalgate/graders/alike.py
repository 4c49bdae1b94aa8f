"""Texts of targets that are written differently and compared as one, found in little memory.

Where they were seen is kept, not the texts: 24 bytes for each, because a suite may have more cases than fit into
memory. Hashes are Python's own, fast and different in every process; two texts share one once in 2^64.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import groupby

from evalgate.graders.registry import Text

_PARTS = 16  # looked through one after the other, to sort few at a time


class Alike:
    """Is shown the texts of every target in turn; a target is known by its position, from 0."""

    def __init__(self) -> None:
        self._compared, self._written = array("q"), array("q")
        self._targets = array("L")
        self._seen = 0

    def add(self, texts: Iterable[Text]) -> None:
        """Take in the texts of the next target."""
        for field, written, compared in texts:
            self._compared.append(hash((field, compared)))
            self._written.append(hash(written))
            self._targets.append(self._seen)
        self._seen += 1

    def first(self) -> tuple[int, int] | None:
        """Positions of two targets with a text that is compared as one and not written alike; None without any."""
        found = [pair for part in self._parts() for pair in self._pairs(part)]
        return min(found, key=lambda pair: pair[::-1], default=None)

    def _pairs(self, entries: array[int]) -> Iterator[tuple[int, int]]:
        """Of each text that is compared, the first target, and the first one that is written differently."""
        for _, group in groupby(sorted(entries, key=self._compared.__getitem__), key=self._compared.__getitem__):
            first, *more = group
            other = next((entry for entry in more if self._written[entry] != self._written[first]), None)
            if other is not None:
                yield self._targets[first], self._targets[other]

    def _parts(self) -> Iterator[array[int]]:
        """All entries, those that are compared as one in the same part; parts without such are left out."""
        parts = [array("L") for _ in range(_PARTS)]
        for entry, compared in enumerate(self._compared):
            parts[compared % _PARTS].append(entry)
        return (part for part in parts if len({self._compared[entry] for entry in part}) < len(part))
