"""How far a check is: what was answered and paid, who is ruled on, and how long the rest may take. Shows nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalgate.gate import Ruling

_SOON = 2.0  # seconds in which nothing can be said of the rest


class Course:
    """Counts what it is told of a check of so many `cases` by operation; `clock` is monotonic, in seconds."""

    def __init__(self, cases: Mapping[str, int], clock: Callable[[], float] = time.monotonic) -> None:
        self.cases, self._clock, self._begin = cases, clock, clock()
        self.asked = self.known = 0
        self._spent: dict[str, Decimal] = {}
        self._done = dict.fromkeys(cases, 0)
        self._outcomes: dict[str, dict[str, str]] = {operation: {} for operation in cases}

    @property
    def answers(self) -> int:
        """All answers, bought or known."""
        return self.asked + self.known

    @property
    def usd(self) -> Decimal:
        """What was paid until now, failed attempts included."""
        return sum(self._spent.values(), Decimal(0))

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self._clock() - self._begin

    @property
    def seconds_left(self) -> float | None:
        """If all that is open takes every case there is, at the pace until now; None as long as there is no pace."""
        total, done, seconds = sum(self.cases.values()), sum(self._done.values()), self.seconds
        if not done or seconds < _SOON:
            return None
        return seconds * (total - done) / done

    def answered(self, *, known: bool) -> None:
        """One more answer."""
        if known:
            self.known += 1
        else:
            self.asked += 1

    def spent(self, operation: str, dollars: Decimal) -> None:
        """What the operation has cost so far."""
        self._spent[operation] = dollars

    def ruled(self, operation: str, rulings: Mapping[str, Ruling], cases: int) -> dict[str, Ruling]:
        """Who was ruled on since the last look, and with whom that has changed."""
        known = self._outcomes[operation]
        fallen = {
            name: ruling
            for name, ruling in rulings.items()
            if ruling.outcome != "inconclusive" and known.get(name) != ruling.outcome
        }
        known.update({name: ruling.outcome for name, ruling in rulings.items()})
        self._done[operation] = cases if "inconclusive" in known.values() else self.cases[operation]
        return fallen

    def done(self, operation: str) -> int:
        """Cases that need not be asked any more."""
        return self._done[operation]

    def state(self, operation: str) -> str:
        """`3 green, 1 red, 2 open`."""
        counts = Counter(self._outcomes[operation].values())
        words = (("green", "green"), ("red", "red"), ("inconclusive", "open"))
        return ", ".join(f"{counts[outcome]} {word}" for outcome, word in words if counts[outcome])
