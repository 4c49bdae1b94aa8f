"""Many texts told apart and put into a random order in little memory: 16 bytes for each, whatever its length.

Two different texts share 16 bytes of SHA-256 once in 2^128, and no library version can change what they are. Plain
Python, because numpy takes longer to import than it would save.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from itertools import pairwise

SIZE = 16
PARTS = 16  # that are sorted one after the other: sorting takes several times the memory of what is sorted
Positions = Sequence[int]


class Digests:
    """Grows by one digest for each text; a text is known by the position at which it was added, from 0."""

    def __init__(self, data: bytes | bytearray = b"") -> None:
        self._data = bytearray(data)

    def __len__(self) -> int:
        return len(self._data) // SIZE

    def __getitem__(self, position: int) -> bytes:
        return bytes(self._data[position * SIZE : (position + 1) * SIZE])

    def add(self, text: bytes) -> None:
        """Add the digest of one text."""
        self._data += hashlib.sha256(text).digest()[:SIZE]

    def replaced(self, by: Mapping[bytes, bytes]) -> Digests:
        """A copy in which the digests that `by` names are others."""
        copy = Digests(self._data)
        for position in range(len(self) if by else 0):
            if other := by.get(self[position]):
                copy._data[position * SIZE : (position + 1) * SIZE] = other
        return copy

    def order(self, then: Digests | None = None) -> Positions:
        """Positions sorted by digest, and equal ones by what they are in `then`, or as they were added."""
        order = array("Q")
        for part in self._parts():
            order.extend(sorted(part, key=self.__getitem__ if then is None else lambda at: self[at] + then[at]))
        return order

    def first_repeat(self) -> tuple[int, int] | None:
        """Positions of the first text that was there before, as (before, again); None when all differ."""
        repeats: list[tuple[int, int]] = []
        for part in self._parts():
            if len({self[position] for position in part}) < len(part):
                pairs = pairwise(sorted(part, key=self.__getitem__))
                repeats += [(again, before) for before, again in pairs if self[before] == self[again]]
        again, before = min(repeats, default=(0, 0))
        return (before, again) if repeats else None

    def of_all(self) -> str:
        """One digest of all texts, the same in whatever order they were added."""
        found = hashlib.sha256()
        for position in self.order():
            found.update(self[position])
        return found.hexdigest()

    def _parts(self) -> list[array[int]]:
        """All positions, those of smaller digests in earlier parts."""
        parts = [array("Q") for _ in range(PARTS)]
        for position, first in enumerate(self._data[::SIZE]):
            parts[first * PARTS >> 8].append(position)
        return parts
