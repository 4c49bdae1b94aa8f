"""The random order in which cases are asked: by SHA-256 of seed and id, which no library version can change.

So it is the same on every machine, and a case keeps its place among the others when new ones are added. A suite that
was certified before and has grown since is asked in an order with memory (`after`): what was asked comes first and as
it was, or it would be another test with the same data.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import groupby

from evalgate.suite.digests import PARTS, SIZE, Digests, Positions


class AskOrder:
    """Is told the id of every case, in the order of the file, and says which of them is asked first.

    With clusters (a name for each case, or for none) it is the clusters that are in random order, and their cases stay
    together; so do those of cases that were joined.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._names, self._clusters = Digests(), Digests()
        self._joined: dict[bytes, bytes] = {}

    def add(self, name: str, cluster: str | None = None) -> None:
        """Add the next case."""
        self._names.add(f"{self._seed}:{name}".encode())
        if cluster is not None:
            self._clusters.add(f"{self._seed}:{cluster}".encode())

    def join(self, one: int, other: int) -> bool:
        """Let two cases, by their positions, be of one unit with all that are joined to either; False: they were."""
        first, second = sorted(self._root(self._own_units[each]) for each in (one, other))
        if first != second:
            self._joined[second] = first
        return first != second

    def positions(self, *, joined: bool = True) -> Positions:
        """Positions in the file, in the order in which they are asked; or would be, had none been joined."""
        units = self._units() if joined else self._own_units
        return units.order() if units is self._names else units.order(then=self._names)

    def after(self, known: bytes) -> Positions:
        """Like `positions`, after the cases of an earlier order, whose `digests` are `known`.

        Cases that were in it keep its order, those that are gone drop out, new ones follow in the order of `positions`.
        A unit stands where the first of its cases does.
        """
        if len(known) % SIZE:
            raise ValueError(f"expected {SIZE} bytes a case, got {len(known)} bytes")
        ranks, total = self._ranks(Digests(known)), len(known) // SIZE + len(self._names)
        places = array("Q", bytes(8 * len(ranks)))
        for unit in self._grouped(self.positions()):
            first = min(ranks[position] for position in unit)
            for position in unit:
                places[position] = first
        parts = [array("Q") for _ in range(PARTS)]
        for position, place in enumerate(places):
            parts[place * PARTS // total].append(position)
        order = array("Q")
        for part in parts:
            order.extend(sorted(part, key=lambda position: (places[position], ranks[position])))
        return order

    def digests(self, positions: Positions) -> bytes:
        """What `after` has to be told of an order, later: 16 bytes for each case."""
        return b"".join(self._names[position] for position in positions)

    def units(self, positions: Positions) -> list[int]:
        """How many consecutive cases make one unit: 1 each, or the size of each cluster."""
        if not self._clusters and not self._joined:
            return [1] * len(self._names)
        return [len(unit) for unit in self._grouped(positions)]

    @property
    def _own_units(self) -> Digests:
        return self._clusters if len(self._clusters) else self._names

    def _units(self) -> Digests:
        if not self._joined:
            return self._own_units
        return self._own_units.replaced({digest: self._root(digest) for digest in self._joined})

    def _root(self, digest: bytes) -> bytes:
        while digest in self._joined:
            digest = self._joined[digest]
        return digest

    def _grouped(self, positions: Positions) -> Iterator[list[int]]:
        return (list(unit) for _, unit in groupby(positions, key=self._units().__getitem__))

    def _ranks(self, known: Digests) -> Positions:
        """For each case its place among the known, or behind them."""
        ranks = array("Q", bytes(8 * len(self._names)))
        for place, position in enumerate(self.positions()):
            ranks[position] = len(known) + place
        before, at = known.order(), 0
        for position in self._names.order():
            digest = self._names[position]
            while at < len(known) and known[before[at]] < digest:
                at += 1
            if at < len(known) and known[before[at]] == digest:
                ranks[position] = before[at]
        return ranks
