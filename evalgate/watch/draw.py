"""Which cases are asked today: fragile ones more often than others, with weights that make up for it.

A case that flipped for one variant of an operation flips for others too, so that a small draw sees more where it looks
there. Every unit has a known chance to be drawn, and its difference counts by the weight (share in the suite) ÷ (share
in the draw): the weighted mean is that of the whole suite, whatever the labels are worth. Drawn without replacement,
by SHA-256 of the round, so that it is the same on every machine and for all variants. Not more than a quarter of a draw
is given away for it: a loss that strikes anywhere is seen by the others, and the larger their weights the later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from evalgate.exchange import JsonValue
from evalgate.formats.canonical import digest
from evalgate.gate.transcript import FloatArray
from evalgate.suite import Case, Suite

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_Kept = tuple[list[tuple[int, int, str, bool, float]], float, tuple[int, ...]]
FRAGILE_SHARE = 0.25  # of the draw, unless more of the suite are: then no other unit's weight is above 4/3


@dataclass(frozen=True, slots=True)
class Drawn:
    """One unit of a draw: its first case's place in the order asked and its id, and how many cases it has."""

    start: int
    size: int
    first: str
    fragile: bool = False
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Draw:
    """A round's units. `heaviest` is the largest weight that any unit of the suite could have had.

    `labels` tells apart what was known of fragility: with other labels, a stratum is another one. `fragile` are the
    places of all units of the suite that count as such, drawn or not.
    """

    units: tuple[Drawn, ...]
    heaviest: float
    labels: str
    fragile: tuple[int, ...] = ()

    @property
    def weights(self) -> FloatArray:
        """Share of a unit's stratum in the suite over its share in the draw; mean 1 by design; shape (units,)."""
        return np.array([unit.weight for unit in self.units], dtype=np.float64)

    @property
    def sizes(self) -> list[int]:
        """How many cases each unit has."""
        return [unit.size for unit in self.units]

    def cases(self, suite: Suite) -> list[Case]:
        """The cases, unit by unit."""
        return [case for unit in self.units for case in suite.cases[unit.start : unit.start + unit.size]]

    def fits(self, suite: Suite) -> bool:
        """Whether the suite still has these cases at these places: it may have been changed since."""
        last = len(suite.cases)
        return all(unit.start + unit.size <= last and suite.cases[unit.start].id == unit.first for unit in self.units)

    def to_json(self) -> dict[str, JsonValue]:
        """As the store keeps it."""
        units: list[JsonValue] = [[each.start, each.size, each.first, each.fragile, each.weight] for each in self.units]
        kept: dict[str, JsonValue] = {"units": units, "heaviest": self.heaviest, "labels": self.labels}
        return kept | {"fragile": list(self.fragile)}

    @classmethod
    def from_json(cls, data: Mapping[str, JsonValue]) -> Draw:
        """Read what `to_json` wrote; raises `pydantic.ValidationError` for anything else."""
        told = [data["units"], data["heaviest"], data.get("fragile", [])]
        units, heaviest, fragile = _reader().validate_python(told)
        return cls(tuple(Drawn(*unit) for unit in units), heaviest, str(data["labels"]), fragile)


@cache
def _reader() -> TypeAdapter[_Kept]:
    from pydantic import TypeAdapter  # lazily: only reading back needs it, and made once, which takes a while

    return TypeAdapter(_Kept)


def draw(suite: Suite, fragile: Collection[str], cases: float, *, seed: str) -> Draw:
    """About `cases` cases of the suite, in whole units, at least one; `fragile` are ids of cases that flipped."""
    labels = set(fragile) if cases >= 2 * len(suite.cases) / len(suite.units) else set()  # two strata need two units
    strata: dict[bool, list[Drawn]] = {True: [], False: []}
    for unit in _units(suite):
        strata[_is_fragile(suite, unit, labels)].append(unit)
    units = sum(map(len, strata.values()))
    count = min(units, max(1, round(cases / len(suite.cases) * units)))
    shares = _shares(len(strata[True]), units, count)
    chosen, heaviest = [], 0.0
    for is_fragile, members in strata.items():
        if some := shares[is_fragile]:
            weight = (len(members) / units) / (some / count)
            heaviest = max(heaviest, weight)
            first = sorted(members, key=lambda unit: _rank(seed, unit.first))[:some]
            chosen += [replace(unit, fragile=is_fragile, weight=weight) for unit in first]
    ordered = sorted(chosen, key=lambda unit: _rank(f"order of {seed}", unit.first))
    places = tuple(unit.start for unit in strata[True])
    return Draw(tuple(ordered), heaviest, digest(sorted(labels))[-12:], places)


def _units(suite: Suite) -> Iterator[Drawn]:
    start = 0
    firsts = iter(suite.cases)
    for size in suite.units:
        yield Drawn(start, size, next(firsts).id)
        for _ in range(size - 1):
            next(firsts)
        start += size


def _is_fragile(suite: Suite, unit: Drawn, labels: Collection[str]) -> bool:
    if unit.size == 1 or not labels:
        return unit.first in labels
    return any(case.id in labels for case in suite.cases[unit.start : unit.start + unit.size])


def _shares(fragile: int, units: int, count: int) -> dict[bool, int]:
    """How many units of each stratum are drawn: a quarter are fragile where there are enough; each has a chance."""
    others = units - fragile
    some = min(fragile, max(round(count * FRAGILE_SHARE), round(count * fragile / units), 1)) if fragile else 0
    if others and some == count:  # whoever can never be drawn is not watched
        some = count - 1
    rest = min(others, count - some)
    return {True: min(fragile, count - rest), False: rest}


def _rank(seed: str, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()
