"""Texts of targets that are written differently and compared as one, found in little memory.

Where they were seen is kept, not the texts: 40 bytes for each, because a suite may have more cases than fit into
memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import pairwise

from evalgate.graders.registry import Text
from evalgate.suite.digests import Digests


class Alike:
    """Is shown the texts of every target in turn; a target is known by its position, from 0."""

    def __init__(self) -> None:
        self._compared, self._written = Digests(), Digests()
        self._targets = array("Q")
        self._seen = 0

    def add(self, texts: Iterable[Text]) -> None:
        """Take in the texts of the next target."""
        for text in texts:
            self._compared.add(_bytes(text.field, text.compared))
            self._written.add(_bytes(text.field, text.written))
            self._targets.append(self._seen)
        self._seen += 1

    def first(self) -> tuple[int, int] | None:
        """Positions of two targets with a text that is compared as one and not written alike; None without any."""
        found = [
            tuple(sorted((self._targets[one], self._targets[other])))
            for one, other in pairwise(self._compared.order(then=self._written))
            if self._compared[one] == self._compared[other] and self._written[one] != self._written[other]
        ]
        first, second = min(found, key=lambda pair: pair[::-1], default=(-1, -1))
        return None if first < 0 else (first, second)


def _bytes(field: str, text: str) -> bytes:
    return f"{field}\0{text}".encode(errors="surrogatepass")
