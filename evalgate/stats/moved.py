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
the same promise as for scores: no more than t / `run_length` chance of a false alarm within t days, and on average at
least `run_length` days to the first one.

**What it is not.** A change, never a loss: it suspends and orders a certification. A label that was common and becomes
more common goes unseen, one that was rare and becomes common is what it is made for. And days that differ from each
other in how noisy they are *have* moved: an endpoint like that is `unstable`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias, cast

import numpy as np

from evalgate.errors import StatisticsError
from evalgate.stats._input import FloatArray, IntArray, between
from evalgate.stats._wealth import CERTAIN

__all__ = ["Bins", "Label", "Movement", "MovementState", "Observation", "bet_factors", "rarity_ranks"]

Label: TypeAlias = str
Observation: TypeAlias = tuple[str, Label]

#: Each bet stakes a share of its wealth on "the rank is at most so much". Ranks of labels never seen are about one over
#: the size of the reference; those of a rate that has doubled are about the rate.
BETS = tuple((share, below) for below in (0.01, 0.03, 0.1, 0.3) for share in (0.05, 0.2, 0.6))
_SHARES, _BELOW = np.array(BETS).T
_LARGEST_BIN = 20
_TOO_LONG = 80  # characters of a label: a hostile endpoint must not fill the state


@dataclass(frozen=True, slots=True)
class MovementState:
    """What is remembered: for each stratum how often each label was seen, the sums of the bets, and counts.

    `seen`: stratum -> label -> count. `sums`: one for each bet. `days`, `observations` (those after `begin`),
    `evidence` today and its `peak`. Plain values: `as_json` and `from_json` are inverse.
    """

    seen: Mapping[str, Mapping[Label, int]]
    sums: tuple[float, ...] = (0.0,) * len(BETS)
    days: int = 0
    observations: int = 0
    evidence: float = 0.0
    peak: float = 0.0

    def as_json(self) -> dict[str, object]:
        """A JSON object; `from_json` reads it."""
        return {
            "seen": {stratum: dict(labels) for stratum, labels in self.seen.items()},
            "sums": list(self.sums),
            "days": self.days,
            "observations": self.observations,
            "evidence": self.evidence,
            "peak": self.peak,
        }

    @classmethod
    def from_json(cls, value: object) -> MovementState:
        """Read what `as_json` wrote. Raises `StatisticsError` for anything else."""
        try:
            fields = dict(cast("dict[str, object]", value))
            seen = cast("Mapping[str, Mapping[Label, int]]", fields["seen"])
            fields["seen"] = {
                stratum: {label: _count(n) for label, n in each.items()} for stratum, each in seen.items()
            }
            fields["sums"] = tuple(_amount(each) for each in cast("Sequence[float]", fields["sums"]))
            state = cls(**fields)  # type: ignore[arg-type]  # checked on the next lines
            if len(state.sums) != len(BETS):
                raise ValueError(f"{len(state.sums)} sums, expected {len(BETS)}")  # noqa: TRY301  (as all other damage)
            _count(state.days), _count(state.observations), _amount(state.evidence), _amount(state.peak)
        except (TypeError, ValueError, KeyError, AttributeError) as damage:
            msg = f"state: not a state of the watch ({damage}); begin anew from a new reference"
            raise StatisticsError(msg) from damage
        return state


@dataclass(frozen=True, slots=True)
class Movement:
    """The rules: `run_length` in days as for `StayedGreen`; `seed` fixes how ties are broken (before any data)."""

    run_length: float = 1000.0
    seed: int = 0

    def __post_init__(self) -> None:
        between(self.run_length, "run_length", 1.0, CERTAIN)

    def begin(self, reference: Mapping[str, Sequence[Label]]) -> MovementState:
        """The state after the reference window: for each stratum the labels seen in it (none is allowed, too).

        A stratum that was not in the reference may come later: its first observations teach, and prove nothing.
        """
        seen: dict[str, dict[Label, int]] = {}
        for stratum, labels in reference.items():
            counts = seen.setdefault(stratum, {})
            for label in map(_label, labels):
                counts[label] = counts.get(label, 0) + 1
        return MovementState(seen)

    def after(
        self, state: MovementState, observations: Iterable[Observation], *, same_day: bool = False
    ) -> MovementState:
        """The state after one more day (or a further batch of it), in the order in which the answers came.

        A day without an observation is no day, and leaves the state as it is.
        """
        seen = {stratum: dict(labels) for stratum, labels in state.seen.items()}
        growth = np.ones(len(BETS))
        number = state.observations
        for stratum, text in observations:
            label = _label(text)
            counts = seen.setdefault(stratum, {})
            counts.setdefault(label, 0)
            place = list(counts).index(label)
            rank = rarity_ranks(np.array(list(counts.values())), np.array(place), np.array(_chance(self.seed, number)))
            growth = np.minimum(growth * bet_factors(rank), CERTAIN)
            counts[label] += 1
            number += 1
        if number == state.observations:
            return state
        opening = 0.0 if same_day and state.days else 1.0
        sums = np.minimum((np.array(state.sums) + opening) * growth, CERTAIN)
        evidence = float(sums.mean())
        return MovementState(
            seen=seen,
            sums=tuple(sums.tolist()),
            days=state.days + int(opening),
            observations=number,
            evidence=evidence,
            peak=max(state.peak, evidence),
        )

    def moved(self, state: MovementState) -> bool:
        """Whether the alarm was ever given; it lasts until a new reference begins."""
        return state.peak >= self.run_length


def rarity_ranks(counts: IntArray, labels: IntArray, chance: FloatArray) -> FloatArray:
    """The rank in (0, 1] of a new observation by how rare its label is, uniform if nothing has moved; shape (...,).

    `counts` (..., labels): how often each label was seen before; `labels` (...,): the index of the new one; `chance`
    (...,): uniform numbers that break ties.
    """
    own = np.take_along_axis(counts, labels[..., None], axis=-1) + 1
    after = counts + (np.arange(counts.shape[-1]) == labels[..., None])
    rarer = np.where(after < own, after, 0).sum(axis=-1)
    alike = np.where(after == own, after, 0).sum(axis=-1)
    return np.asarray((rarer + chance * alike) / after.sum(axis=-1))


def bet_factors(ranks: FloatArray) -> FloatArray:
    """What each of `BETS` becomes on each rank, shape (..., bets); its mean over uniform ranks is one."""
    return np.asarray(1.0 - _SHARES + np.where(ranks[..., None] <= _BELOW, _SHARES / _BELOW, 0.0))


@dataclass(frozen=True, slots=True)
class Bins:
    """Turns a number into a label: how many widths it lies from the centre, at most 20 either way.

    Centre and width come from values that are *not* used as reference (`Bins.around`), or are stated.
    """

    centre: float
    width: float

    @classmethod
    def around(cls, values: Sequence[float], *, smallest: float) -> Bins:
        """Centre: the median of `values` (>= 1); width: four times their median absolute deviation, or `smallest`."""
        if not values or not all(map(np.isfinite, values)):
            raise StatisticsError("values: expected finite numbers, at least one, to lay bins around")
        centre = median(values)
        return cls(centre, max(4.0 * median(abs(value - centre) for value in values), smallest))

    def label(self, value: float) -> Label:
        """The label of `value`; 'none' for NaN."""
        if value != value:  # noqa: PLR0124  (NaN)
            return "none"
        steps = (value - self.centre) / self.width
        return str(round(min(max(steps, -_LARGEST_BIN), _LARGEST_BIN)))


def _chance(seed: int, number: int) -> float:
    """A uniform number in (0, 1], fixed by the seed and by how many came before: the same after a restart."""
    digest = hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=8).digest()
    return ((int.from_bytes(digest, "big") >> 11) + 1) * 2.0**-53


def _label(text: Label) -> Label:
    if len(text) <= _TOO_LONG:
        return text
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def _amount(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0.0 <= value <= CERTAIN:
        raise ValueError(f"{value!r} is no evidence")
    return float(value)
