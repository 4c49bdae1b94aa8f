"""Has the distribution moved? Whatever an answer shows besides its score, held against how it used to be.

    >>> from evalgate.stats import Movement
    >>> watch = Movement(run_length=1000)
    >>> state = watch.begin({"the capital of": [" France"] * 20})
    >>> state = watch.after(state, [("the capital of", " France")] * 5)
    >>> watch.moved(state)
    False

One mechanism serves every signal that is cheaper than a score: the first token of a border prompt, a binned
log-probability (`Bins`), a finish reason, whether an answer fits its schema, how long it is. An observation is a pair
(stratum, label); labels are compared within their stratum only (a prompt, an operation).

**How.** Under "nothing has moved" the observations of a stratum are exchangeable. So the rank of the newest one, by how
rare its label is among all seen so far including itself, ties broken at random, is uniform and independent of the ranks
before it (smoothed conformal p-values; Vovk, Gammerman & Shafer 2005, theorem 8.2). Bets that ranks are small multiply
to a martingale without anything being known of the labels' probabilities; a Shiryaev-Roberts sum of it over days gives
the same promise as for scores: no more than t / `run_length` chance of a false alarm within t days.

**What it is not.** A change, never a loss: it suspends and orders a certification. A label that was common and becomes
more common goes unseen, one that was rare and becomes common is what it is made for.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Named: TypeAlias = Literal["steady", "changed", "unstable"]
Label: TypeAlias = str
Observation: TypeAlias = tuple[str, Label]

__all__ = ["Bins", "Movement", "MovementState", "Named", "Observation", "name_movement", "stability"]


@dataclass(frozen=True, slots=True)
class MovementState:
    """What is remembered: for each stratum how often each label was seen, the sums of the bets, and counts.

    `seen`: stratum -> label -> count. `sums`: one for each bet. `days`, `observations` (those after `begin`),
    `evidence` today and its `peak`. Plain values: `as_json` and `from_json` are inverse.
    """

    seen: Mapping[str, Mapping[Label, int]]
    sums: tuple[float, ...]
    days: int = 0
    observations: int = 0
    evidence: float = 0.0
    peak: float = 0.0

    def as_json(self) -> dict[str, object]:
        """A JSON object; `from_json` reads it."""
        raise NotImplementedError

    @classmethod
    def from_json(cls, value: object) -> MovementState:
        """Read what `as_json` wrote. Raises `StatisticsError` for anything else."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Movement:
    """The rules: `run_length` in days as for `StayedGreen`; `seed` fixes how ties are broken (before any data)."""

    run_length: float = 1000.0
    seed: int = 0

    def begin(self, reference: Mapping[str, Sequence[Label]]) -> MovementState:
        """The state after the reference window: for each stratum the labels seen in it (none is allowed, too)."""
        raise NotImplementedError

    def after(
        self, state: MovementState, observations: Iterable[Observation], *, same_day: bool = False
    ) -> MovementState:
        """The state after one more day (or a further batch of it), in the order in which the answers came."""
        raise NotImplementedError

    def moved(self, state: MovementState) -> bool:
        """Whether the alarm was ever given."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Bins:
    """Turns a number into a label: how many widths it lies from the centre, at most 20 either way.

    Centre and width come from values that are *not* used as reference (`Bins.around`), or are stated.
    """

    centre: float
    width: float

    @classmethod
    def around(cls, values: Sequence[float], *, smallest: float) -> Bins:
        """Centre: the median of `values` (>= 1); width: twice their median absolute deviation, at least `smallest`."""
        raise NotImplementedError

    def label(self, value: float) -> Label:
        """The label of `value`; 'none' for NaN."""
        raise NotImplementedError


def stability(reference: Mapping[str, Sequence[Hashable]]) -> float:
    """The chance that two answers to one prompt of the reference differ: mean over strata, 0 steady … near 1."""
    raise NotImplementedError


def name_movement(
    reference: Mapping[str, Mapping[Label, int]], today: Iterable[Observation], *, unstable: float = 0.25
) -> Named:
    """What a movement looks like: 'changed' (as a whole), or 'unstable' (old and new answers side by side: replicas).

    `reference`: `MovementState.seen` of before; `today`: observations since. 'unstable' also where the reference itself
    disagrees with itself more than `unstable` (see `stability`): there, a change test means nothing.
    """
    raise NotImplementedError
