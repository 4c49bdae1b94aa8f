"""What each unit gave when it was last asked, which makes news of what it gives today. Pure.

Where the same cases flip whenever they are asked, what they gave before is taken off what they give now
(`stats.suite_control` says why that is fair), by as much as it has foretold so far: where flips are noise, by nothing.
And a unit that used to be right and is not any more is another observation than one that was never right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from evalgate.gate.transcript import FloatArray
from evalgate.stats.stayed_green import TRUST
from evalgate.watch.look import Look

_PRIOR = 5.0  # flips that are taken to have come back before any was asked again
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Expected:
    """`control` of each unit of a look, its `largest` size over the suite, and the largest weight x (1 + size)."""

    control: FloatArray
    largest: float
    reach: float


@dataclass(frozen=True, slots=True)
class Earlier:
    """By metric: the last difference of each unit that was asked, by its place; and what came of those that flipped.

    `again`: by metric the sums of (earlier x later) and earlier² over units that were asked again.
    """

    values: Mapping[str, Mapping[str, float]]
    again: Mapping[str, tuple[float, float]]

    @classmethod
    def begin(cls, names: Sequence[str], certified: Mapping[str, FloatArray], sizes: Sequence[int]) -> Earlier:
        """What is known from the certification, which asked the first units; nothing where it is not there any more."""
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1])) if len(sizes) else np.zeros(0)
        values = {}
        for name in names:
            some = certified.get(name, np.zeros(0))[: starts.size]
            values[name] = {
                str(int(place)): round(float(each), _DIGITS) for place, each in zip(starts, some, strict=False)
            }
        return cls(values, dict.fromkeys(names, (0.0, 0.0)))

    def expected(self, name: str, look: Look, units: int) -> Expected:
        """What to expect of each unit of `look` beyond the mean of the suite's `units`.

        Of fragile ones, that is: they are drawn often, and weigh little, so that what is taken off makes no stake
        smaller. Nothing on a day on which some unit is missing: over those that are left, the mean need not be zero.
        """
        values = {place: v for place, v in self.values.get(name, {}).items() if v and int(place) in look.fragile}
        if not values or len(look.places) < look.drawn or not look.answered.all():
            return Expected(np.zeros(look.units), 0.0, look.heaviest)
        trust, mean = self._trust(name), sum(values.values()) / units
        control = trust * (np.array([values.get(str(place), 0.0) for place in look.places]) - mean)
        largest, rest = trust * max(abs(value - mean) for value in values.values()), trust * abs(mean)
        fragile = np.array([place in look.fragile for place in look.places])
        lightest = float(look.weights[fragile].max()) if fragile.any() else look.heaviest
        reach = max(lightest * (1 + max(largest, rest)), look.heaviest * (1 + rest))
        return Expected(control, max(largest, rest), reach)

    def flips(self, names: Sequence[str], look: Look) -> list[tuple[str, str]]:
        """For each unit that was answered: (how it is drawn and what it gave before, what it gives now)."""
        found = []
        for index, (place, stratum) in enumerate(zip(look.places, look.strata, strict=True)):
            if look.answered[index]:
                before = "/".join(_sign(self.values[name].get(str(place))) for name in names)
                now = "/".join(_sign(float(look.differences[name][index])) for name in names)
                found.append((f"{stratum} {before}", now))
        return found

    def after(self, now: Mapping[str, FloatArray], look: Look) -> Earlier:
        """With what this round gave."""
        values, again = {name: dict(some) for name, some in self.values.items()}, dict(self.again)
        for name, some in values.items():
            both, square = again[name]
            for place, value, answered in zip(look.places, now[name], look.answered, strict=False):
                if answered:
                    before = some.get(str(place), 0.0)
                    both, square = both + before * float(value), square + before * before
                    some[str(place)] = round(float(value), _DIGITS)
            again[name] = (both, square)
        return Earlier(values, again)

    def as_json(self) -> dict[str, object]:
        """A JSON object; `from_json` reads it."""
        return {
            "values": {name: dict(some) for name, some in self.values.items()},
            "again": {name: list(sums) for name, sums in self.again.items()},
        }

    @classmethod
    def from_json(cls, data: object) -> Earlier:
        """Read what `as_json` wrote."""
        told = cast("Mapping[str, Mapping[str, object]]", data)
        again = cast("Mapping[str, Sequence[float]]", told["again"])
        values = cast("Mapping[str, Mapping[str, float]]", told["values"])
        return cls(values, {name: (sums[0], sums[1]) for name, sums in again.items()})

    def _trust(self, name: str) -> float:
        """The share of an earlier difference that comes back, by what came back until now; at most `TRUST`."""
        both, square = self.again.get(name, (0.0, 0.0))
        return float(np.clip((both + TRUST * _PRIOR) / (square + _PRIOR), 0.0, TRUST))


def _sign(value: float | None) -> str:
    return "new" if value is None else "same" if value == 0 else "better" if value > 0 else "worse"
