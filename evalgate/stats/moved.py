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

**How.** Under "nothing has moved" the observations of a stratum are exchangeable, and that is all that is used: nothing
needs to be known of the labels' probabilities. There are two ways, and both give uniform numbers that are independent
of each other as long as nothing moves, on which bets multiply to a martingale. A Shiryaev-Roberts sum of it over days
gives the same promise as for scores: no more than t / `run_length` chance of a false alarm within t days, and on
average at least `run_length` days to the first one.

- `calls`: the rank of each new observation, by how rare its label is among all seen so far including itself, ties
  broken at random (smoothed conformal p-values; Vovk, Gammerman & Shafer 2005, theorem 8.2). For rates, that come in
  dribs: a flip, a truncated answer, a broken schema. What was common and becomes more common goes unseen.
- `day`: a permutation test of today against all days before, within each stratum (likelihood ratio statistic), its
  p-value again smoothed to be uniform. For prompts that are asked several times a day: it sees a coin that became
  biased, and needs the whole day at once.

**What it is not.** A change, never a loss: it suspends and orders a certification. And days that differ from each other
in how noisy they are *have* moved: an endpoint like that is unstable (`self_disagreement`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, TypeAlias, cast

import numpy as np

from evalgate.errors import StatisticsError
from evalgate.stats._input import FloatArray, IntArray, between
from evalgate.stats._wealth import CERTAIN

__all__ = [
    "Bins",
    "Label",
    "Movement",
    "MovementState",
    "Observation",
    "bet_factors",
    "calibrated",
    "permutation_p_value",
    "rarity_ranks",
]

Label: TypeAlias = str
Observation: TypeAlias = tuple[str, Label]

#: Each bet stakes a share of its wealth on "the rank is at most so much". Ranks of labels never seen are about one over
#: the size of the reference; those of a rate that has doubled are about the rate.
BETS = tuple((share, below) for below in (0.01, 0.03, 0.1, 0.3) for share in (0.05, 0.2, 0.6))
_SHARES, _BELOW = np.array(BETS).T
#: Exponents of the bets k p^(k-1) on a day's p-value, for changes that take days to show.
POWERS = (0.1, 0.25, 0.5)
_SUMS = {"calls": len(BETS), "day": 1 + len(POWERS)}
_PERMUTATIONS = 4  # times the run length: half of the wealth goes on a p-value of half of one over the run length
_MOST_PERMUTATIONS = 100_000
_ROUNDING = 1e-9  # of sums of logarithms, within which two statistics are the same
_LARGEST_BIN = 20
_TOO_LONG = 80  # characters of a label: a hostile endpoint must not fill the state


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
            if len(state.sums) not in _SUMS.values():
                raise ValueError(f"{len(state.sums)} sums")  # noqa: TRY301  (ends as all other damage)
            _count(state.days), _count(state.observations), _amount(state.evidence), _amount(state.peak)
        except (TypeError, ValueError, KeyError, AttributeError) as damage:
            msg = f"state: not a state of the watch ({damage}); begin anew from a new reference"
            raise StatisticsError(msg) from damage
        return state


@dataclass(frozen=True, slots=True)
class Movement:
    """The rules: `run_length` in days as for `StayedGreen`; `seed` fixes how ties are broken (before any data).

    `method`: 'calls' for rates, 'day' for prompts that are asked several times a day, see above.
    """

    run_length: float = 1000.0
    seed: int = 0
    method: Literal["calls", "day"] = "calls"

    def __post_init__(self) -> None:
        between(self.run_length, "run_length", 1.0, CERTAIN)
        if self.method not in _SUMS:
            raise StatisticsError(f"method: {self.method!r}, expected 'calls' or 'day'")

    def begin(self, reference: Mapping[str, Sequence[Label]]) -> MovementState:
        """The state after the reference window: for each stratum the labels seen in it (none is allowed, too).

        A stratum that was not in the reference may come later: its first observations teach, and prove nothing.
        """
        seen: dict[str, dict[Label, int]] = {}
        for stratum, labels in reference.items():
            counts = seen.setdefault(stratum, {})
            for label in map(_label, labels):
                counts[label] = counts.get(label, 0) + 1
        return MovementState(seen, (0.0,) * _SUMS[self.method])

    def after(
        self, state: MovementState, observations: Iterable[Observation], *, same_day: bool = False
    ) -> MovementState:
        """The state after one more day (or a further batch of it), in the order in which the answers came.

        A day without an observation is no day, and leaves the state as it is. With method 'day' give the whole day at
        once: batches of it are fair, but see less. Raises `StatisticsError` for a state of the other method.
        """
        today = [(stratum, _label(text)) for stratum, text in observations]
        if not today:
            return state
        if len(state.sums) != _SUMS[self.method]:
            raise StatisticsError(f"state: not one of method {self.method!r}; begin anew from a new reference")
        seen = {stratum: dict(labels) for stratum, labels in state.seen.items()}
        growth = self._by_calls(seen, today, state) if self.method == "calls" else self._by_day(seen, today, state)
        opening = 0.0 if same_day and state.days else 1.0
        with np.errstate(over="ignore"):  # certainty times certainty is certainty
            sums = np.minimum((np.array(state.sums) + opening) * growth, CERTAIN)
        evidence = float(sums.mean() if self.method == "calls" else 0.5 * sums[0] + 0.5 * sums[1:].mean())
        return MovementState(
            seen=seen,
            sums=tuple(sums.tolist()),
            days=state.days + int(opening),
            observations=state.observations + len(today),
            evidence=evidence,
            peak=max(state.peak, evidence),
        )

    def _by_calls(
        self, seen: dict[str, dict[Label, int]], today: Sequence[Observation], state: MovementState
    ) -> FloatArray:
        """What the bets on ranks became; adds what came to `seen`."""
        growth: FloatArray = np.ones(len(BETS))
        for number, (stratum, label) in enumerate(today, state.observations):
            counts = seen.setdefault(stratum, {})
            counts.setdefault(label, 0)
            place = list(counts).index(label)
            rank = rarity_ranks(np.array(list(counts.values())), np.array(place), np.array(_chance(self.seed, number)))
            growth = np.minimum(growth * bet_factors(rank), CERTAIN)
            counts[label] += 1
        return growth

    def _by_day(
        self, seen: dict[str, dict[Label, int]], today: Sequence[Observation], state: MovementState
    ) -> FloatArray:
        """What the bets on today's p-value became; adds what came to `seen`."""
        came: dict[str, dict[Label, int]] = {}
        for stratum, label in today:
            counts = came.setdefault(stratum, {})
            counts[label] = counts.get(label, 0) + 1
        tables = []
        for stratum in sorted(came):  # so that the order in which answers came changes nothing
            before = seen.setdefault(stratum, {})
            labels = sorted({*before, *came[stratum]})
            tables.append(np.array([[each.get(label, 0) for label in labels] for each in (before, came[stratum])]))
            for label, count in came[stratum].items():
                before[label] = before.get(label, 0) + count
        permutations = min(_MOST_PERMUTATIONS, round(_PERMUTATIONS * self.run_length))
        random = np.random.default_rng([self.seed, state.observations])
        return calibrated(np.array(permutation_p_value(tables, permutations, random)), self.run_length)

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


def permutation_p_value(tables: Sequence[IntArray], permutations: int, random: np.random.Generator) -> float:
    """A p-value in (0, 1) that is exactly uniform if today's answers are exchangeable with those before.

    `tables`: for each stratum the counts of labels before and today, (2, labels). The statistic is the log-likelihood
    of both under their own frequencies, summed over strata; what is drawn anew is which answers are today's.
    """
    seen, drawn = 0.0, np.zeros(permutations)
    for table in tables:
        both = table.sum(axis=0)
        kept = both > 0
        if kept.sum() < 2 or not table.sum(axis=1).all():
            continue  # nothing could have come out otherwise
        today, both = table[1][kept], both[kept]
        anew = random.multivariate_hypergeometric(both, int(today.sum()), size=permutations, method="marginals")
        seen += float(_log_powers(today).sum() + _log_powers(both - today).sum())
        drawn += _log_powers(anew).sum(axis=1) + _log_powers(both - anew).sum(axis=1)
    alike = abs(drawn - seen) <= _ROUNDING
    above = int(((drawn > seen) & ~alike).sum())
    return float((above + (1.0 - random.random()) * (1 + int(alike.sum()))) / (permutations + 1))


def calibrated(p_values: FloatArray, run_length: float) -> FloatArray:
    """What the bets of method 'day' become, (..., 1 + powers): each has mean one over uniform p-values.

    The first is all or nothing at half of one over the run length: half of the wealth is enough for an alarm at once.
    """
    all_or_nothing = 2.0 * run_length * (p_values <= 0.5 / run_length)
    powers = np.array(POWERS) * np.maximum(p_values, 1e-300)[..., None] ** (np.array(POWERS) - 1.0)
    return np.concatenate([all_or_nothing[..., None], powers], axis=-1)


def _log_powers(counts: IntArray) -> FloatArray:
    """n log n, 0 for 0."""
    return np.asarray(counts * np.log(np.maximum(counts, 1)))


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
