"""The random order in which cases are asked: by SHA-256 of seed and id, which no library version can change.

So it is the same on every machine, and a case keeps its place among the others when new ones are added.
"""

from __future__ import annotations

from itertools import groupby

from evalgate.suite.digests import Digests, Positions


class AskOrder:
    """Is told the id of every case, in the order of the file, and says which of them is asked first.

    With clusters (a name for each case, or for none) it is the clusters that are in random order, and their cases stay
    together.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._names, self._clusters = Digests(), Digests()

    def add(self, name: str, cluster: str | None = None) -> None:
        """Add the next case."""
        self._names.add(f"{self._seed}:{name}".encode())
        if cluster is not None:
            self._clusters.add(f"{self._seed}:{cluster}".encode())

    def positions(self) -> Positions:
        """Positions in the file, in the order in which they are asked."""
        return self._clusters.order(then=self._names) if len(self._clusters) else self._names.order()

    def units(self) -> list[int]:
        """How many consecutive cases make one unit, in the order asked: 1 each, or the size of each cluster."""
        if not len(self._clusters):
            return [1] * len(self._names)
        return [len(list(unit)) for _, unit in groupby(self.positions(), key=self._clusters.__getitem__)]
