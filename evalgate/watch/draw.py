"""Which cases are asked today: fragile ones more often than others, with weights that make up for it.

A case that flipped for one variant of an operation flips for others too, so that a small draw sees more where it looks
there. Every unit has a known chance to be drawn, and its difference counts by the weight (share in the suite) ÷ (share
in the draw): the weighted mean is that of the whole suite, whatever the labels are worth. Drawn without replacement,
by SHA-256 of the round, so that it is the same on every machine and for all variants.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evalgate.exchange import JsonValue
from evalgate.stats._input import FloatArray
from evalgate.suite import Case, Suite

FRAGILE_SHARE = 0.5  # of the draw, at most: then no other unit's weight is above 2


@dataclass(frozen=True, slots=True)
class Drawn:
    """One unit of a draw: its first case's place in the order asked and its id, how many cases it has, its weight."""

    start: int
    size: int
    first: str
    weight: float


@dataclass(frozen=True, slots=True)
class Draw:
    """A round's units. `heaviest` is the largest weight that any unit of the suite could have had."""

    units: tuple[Drawn, ...]
    heaviest: float

    @property
    def weights(self) -> FloatArray:
        """Of the units, relative to the heaviest one that might have been drawn: in (0, 1]; shape (units,)."""
        return np.array([unit.weight for unit in self.units], dtype=np.float64) / self.heaviest

    def cases(self, suite: Suite) -> list[Case]:
        """The cases, unit by unit."""
        return [case for unit in self.units for case in suite.cases[unit.start : unit.start + unit.size]]

    def fits(self, suite: Suite) -> bool:
        """Whether the suite still has these cases at these places: it may have been changed since."""
        last = len(suite.cases)
        return all(
            unit.start + unit.size <= last and suite.cases[unit.start].id == unit.first for unit in self.units
        )

    def to_json(self) -> dict[str, JsonValue]:
        """As the store keeps it."""
        units: list[JsonValue] = [[unit.start, unit.size, unit.first, unit.weight] for unit in self.units]
        return {"units": units, "heaviest": self.heaviest}

    @classmethod
    def from_json(cls, data: dict[str, JsonValue]) -> Draw:
        """Read what `to_json` wrote; raises `pydantic.ValidationError` for anything else."""
        from pydantic import TypeAdapter  # lazily: only reading back needs it

        told = TypeAdapter(list[tuple[int, int, str, float]]).validate_python(data["units"])
        return cls(tuple(Drawn(*unit) for unit in told), TypeAdapter(float).validate_python(data["heaviest"]))


def draw(suite: Suite, fragile: Collection[str], cases: int, *, seed: str) -> Draw:
    """About `cases` cases of the suite, in whole units, at least one; `fragile` are ids of cases that flipped."""
    units = list(_units(suite))
    mean_size = len(suite.cases) / len(units)
    by_size = suite.file.cluster_weight == "cases"
    count = min(len(units), max(1, round(cases / mean_size)))
    labels = set(fragile)
    strata: dict[bool, list[Drawn]] = {True: [], False: []}
    for unit in units:
        strata[_is_fragile(suite, unit, labels)].append(unit)
    shares = _shares(len(strata[True]), len(units), count)
    chosen, heaviest = [], 0.0
    for is_fragile, members in strata.items():
        if not (some := shares[is_fragile]):
            continue
        weight = (len(members) / len(units)) / (some / count)
        of_size = [weight * (unit.size / mean_size if by_size else 1.0) for unit in members]
        heaviest = max(heaviest, *of_size)
        weighed = [Drawn(unit.start, unit.size, unit.first, each) for unit, each in zip(members, of_size, strict=True)]
        chosen += sorted(weighed, key=lambda unit: _rank(seed, unit.first))[:some]
    return Draw(tuple(sorted(chosen, key=lambda unit: _rank(f"order of {seed}", unit.first))), heaviest)


def _units(suite: Suite) -> Iterator[Drawn]:
    start = 0
    firsts = iter(suite.cases)
    for size in suite.units:
        yield Drawn(start, size, next(firsts).id, 1.0)
        for _ in range(size - 1):
            next(firsts)
        start += size


def _is_fragile(suite: Suite, unit: Drawn, labels: Collection[str]) -> bool:
    if unit.size == 1 or not labels:
        return unit.first in labels
    return any(case.id in labels for case in suite.cases[unit.start : unit.start + unit.size])


def _shares(fragile: int, units: int, count: int) -> dict[bool, int]:
    """How many units of each stratum are drawn: half of them fragile ones where there are enough; none has no chance."""
    others = units - fragile
    some = min(fragile, max(round(count * FRAGILE_SHARE), round(count * fragile / units), 1)) if fragile else 0
    if others:
        some = min(some, count - 1) if count > 1 else 0
    rest = min(others, count - some)
    return {True: min(fragile, count - rest), False: rest}


def _rank(seed: str, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


