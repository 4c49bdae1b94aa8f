"""Stayed green: has a variant that was certified become worse since?

    >>> from evalgate.stats import StayedGreen
    >>> watch = StayedGreen(margin=0.05)
    >>> state = watch.begin([0.0] * 300)              # the paired differences that made it green
    >>> state = watch.after(state, [0.0] * 50)        # one day: fifty cases, variant minus fresh baseline answers
    >>> watch.verdict(state)
    'green'

**What is held against what.** Nothing has happened as long as the mean difference of a day is at least the *certified
level*, whatever that is. The level is not known, only some hundred differences are that were drawn at it. So every
possible level keeps two accounts. One holds the evidence that the level was really higher (a betting game over the
certification and over all days before a suspected change), the other that the mean is now below it. A level is out of
the question once their product reaches the threshold, and the alarm is given when *every* level is. Where the level is
known (`begin(level=…)`) there is a single one and the first account is empty.

**What is promised.** The second account is a Shiryaev-Roberts sum: it begins anew every day, M <- (M + R) E, where E is
the day's e-value and R the first account. At the true level its mean grows by one a day at most, therefore a variant
that stays at its certified level or above is withdrawn within t days with probability t / `run_length` at most, for
every t, flip rate and number of cases a day, and for any rule of how many cases are asked on which day.

**What is worse and what is unknown.** An alarm says "not what was certified", which may still be within the margin: it
suspends. Beside it runs a proof of loss against "the mean is at least -margin", whose stakes are spread over all days
on which a loss may have begun (1 / (t (t + 1)) for day t), so that its error is `beta` for ever, not per day.

Sources: Shin, Ramdas & Rinaldo 2023 (e-detectors, arXiv 2203.03532); Waudby-Smith & Ramdas 2023 (betting).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias, cast

import numpy as np

from evalgate.errors import StatisticsError
from evalgate.stats._input import FloatArray, Numbers, between, differences_of, numbers
from evalgate.stats._wealth import CERTAIN, running_product

__all__ = ["GreenState", "StayedGreen", "Watched", "suite_control"]

Watched: TypeAlias = Literal["green", "unknown", "red"]

#: Shares of what may be staked on "it has dropped": large ones find a collapse in a day, small ones a creep.
BETS = (0.15, 0.4, 0.8, 0.95)
#: The same for "the level was higher"; differences of a point or two, seen over hundreds of cases, want small stakes.
REFERENCE_BETS = (0.03, 0.07, 0.15, 0.35, 0.8)
CASH = 0.5  # the share of the first account that is never staked, so that a level is not cheap to give up
TRUST = 0.7  # of an earlier difference is taken off: all of it would bound the stakes more than it stills the noise
_NEAR = tuple(step / 4 for step in range(-16, 9))  # levels that are told apart, in standard errors of the certification
_FAR = (-30.0, -20.0, -14.0, -10.0, -7.0, -5.5)


@dataclass(frozen=True, slots=True)
class GreenState:
    """What is remembered from one day to the next: plain numbers, the same after a round trip through JSON.

    `levels`: lower ends of the intervals of possible levels, rising; `held`: for each the first account, one wealth for
    each of `REFERENCE_BETS`, () where the level is known; `dropped`: for each the second account, one sum for each of
    `BETS`; `loss`: the proof of loss. `days` and `cases` that have been seen. `evidence` is the alarm's e-value today,
    `peak` its maximum so far; `loss_evidence` and `loss_peak` likewise for the proof of loss.
    """

    levels: tuple[float, ...]
    held: tuple[tuple[float, ...], ...]
    dropped: tuple[tuple[float, ...], ...]
    loss: tuple[float, ...]
    days: int = 0
    cases: int = 0
    evidence: float = 0.0
    peak: float = 0.0
    loss_evidence: float = 1.0
    loss_peak: float = 1.0

    def as_json(self) -> dict[str, object]:
        """A JSON object; `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> GreenState:
        """Read what `as_json` wrote. Raises `StatisticsError` for anything else."""
        try:
            fields = dict(cast("dict[str, object]", value))
            for name in ("levels", "loss"):
                fields[name] = _row(fields[name])
            for name in ("held", "dropped"):
                fields[name] = tuple(_row(row) for row in cast("Sequence[object]", fields[name]))
            state = cls(**fields)  # type: ignore[arg-type]  # checked on the next lines
            levels = len(state.levels)
            fits = levels > 0 and len(state.dropped) == levels and len(state.held) in (0, levels)
            fits = fits and all(len(row) == len(BETS) for row in (*state.dropped, state.loss))
            fits = fits and all(len(row) == len(REFERENCE_BETS) for row in state.held)
            if not fits:
                raise ValueError("rows of unequal length")  # noqa: TRY301  (ends with all other damage)
            _row((state.days, state.cases, state.evidence, state.peak, state.loss_evidence, state.loss_peak))
        except (TypeError, ValueError, KeyError) as damage:
            msg = f"state: not a state of the watch ({damage}); begin anew from the last certification"
            raise StatisticsError(msg) from damage
        return state


@dataclass(frozen=True, slots=True)
class StayedGreen:
    """The rules of one watch: how often it may cry wolf, and what counts as worse.

    `run_length`: days; the chance of a false withdrawal within t days is at most t over this. `margin` in (0, 1): as
    certified; `beta` in (0, 1): the chance that a variant within the margin is ever called red by the watch.
    """

    run_length: float = 1000.0
    margin: float = 0.02
    beta: float = 0.05

    def __post_init__(self) -> None:
        between(self.run_length, "run_length", 1.0, CERTAIN)
        between(self.margin, "margin", 0.0, 1.0)
        between(self.beta, "beta", 0.0, 1.0)

    def begin(self, certified: Numbers | None = None, *, level: float | None = None) -> GreenState:
        """The state on the day of the certification.

        `certified` (cases,): the paired differences it rests on, in [-1, 1]; or `level` in (-1, 1): the mean difference
        that counts as certified, if it is known (or agreed upon: -margin watches for the margin alone). Give one.
        Raises `StatisticsError` for both, none, or values outside.
        """
        if (certified is None) == (level is None):
            raise StatisticsError("begin: give the certified differences or a level, not both and not neither")
        if certified is None:
            levels = np.array([between(cast("float", level), "level", -1.0, 1.0)])
            held: tuple[tuple[float, ...], ...] = ()
        else:
            values = differences_of(certified, "certified")
            levels = level_ends(values, np.ones(values.size), self.margin)
            wealth = running_product(reference_factors(values, np.ones(values.size), levels, Bound()))[..., -1]
            held = _rows(wealth)
        return GreenState(
            levels=tuple(levels.tolist()),
            held=held,
            dropped=((0.0,) * len(BETS),) * levels.size,
            loss=(0.0,) * len(BETS),
        )

    def after(
        self,
        state: GreenState,
        differences: Numbers,
        *,
        weights: Numbers | None = None,
        largest_weight: float | None = None,
        control: Numbers | None = None,
        largest_control: float | None = None,
        largest_reach: float | None = None,
        same_day: bool = False,
    ) -> GreenState:
        """The state after one more day, or with `same_day` after a further batch of the day before.

        `differences` (cases,) in [-1, 1], variant minus fresh baseline answer; how they are cut into batches changes
        nothing but when one looks. Cases drawn with unequal probability bring `weights` (cases,) > 0, the share of
        their stratum over the probability it was drawn with (mean 1 under the design), and `largest_weight`, the
        largest that *could* have been drawn: it bounds the stakes, and must not depend on what was drawn.
        `control` (cases,): what was to be expected of each case, beyond the mean, before it was asked: it is taken off
        (`suite_control`). `largest_control`: its largest size over the whole suite, which bounds the stakes as well.
        `largest_reach`: of weight x (1 + size of the control) over the whole suite, where that is less than the product
        of the largest: cases that flip again and again are those that are drawn often, and weigh little.
        A day on which nothing could be asked is no day: do not call.
        """
        raw = differences_of(differences)
        importance, largest = _bounded(weights, largest_weight, "weight", raw.size, low=0.0, absent=1.0)
        expected, reach = _bounded(control, largest_control, "control", raw.size, low=-2.0, absent=0.0)
        bound = Bound(max(largest, 1.0), 1.0 + reach)
        if largest_reach is not None:
            between(largest_reach, "largest_reach", 0.0, 1e6)
            if float((importance * (1.0 + np.abs(expected))).max()) > largest_reach * (1.0 + 1e-9):
                raise StatisticsError("largest_reach: some weight x (1 + size of its control) is larger")
            bound = Bound(bound.weight, min(largest_reach / bound.weight, bound.reach))
        values = raw - expected
        with np.errstate(over="ignore"):  # certainty times certainty is certainty
            levels = np.array(state.levels)
            held = np.array(state.held) if state.held else np.ones((levels.size, 0))
            opening = 0.0 if same_day and state.days else 1.0
            days = state.days + int(opening)
            reference = mean_wealth(held) if state.held else np.ones(levels.size)
            growth = running_product(drop_factors(values, importance, levels, bound))[..., -1]
            dropped = np.minimum((np.array(state.dropped) + opening * reference[:, None]) * growth, CERTAIN)
            if state.held:
                further = running_product(reference_factors(values, importance, levels, bound))[..., -1]
                held = np.minimum(held * further, CERTAIN)
            null = np.array([-self.margin])
            losing = running_product(drop_factors(values, importance, null, bound))[0, :, -1]
            loss = np.minimum((np.array(state.loss) + opening / (days * (days + 1.0))) * losing, CERTAIN)
            evidence = float(dropped.mean(axis=-1).min())
            loss_evidence = float(loss.mean()) + 1.0 / (days + 1.0)  # what is kept for the days to come
        return GreenState(
            levels=state.levels,
            held=_rows(held) if state.held else (),
            dropped=_rows(dropped),
            loss=tuple(loss.tolist()),
            days=days,
            cases=state.cases + values.size,
            evidence=evidence,
            peak=max(state.peak, evidence),
            loss_evidence=loss_evidence,
            loss_peak=max(state.loss_peak, loss_evidence),
        )

    def verdict(self, state: GreenState) -> Watched:
        """'red' once a loss beyond the margin is proven, 'unknown' once an alarm was given, else 'green'.

        Both last: only a new certification, and with it a new state, leads back.
        """
        if state.loss_peak >= 1.0 / self.beta:
            return "red"
        return "unknown" if state.peak >= self.run_length else "green"


@dataclass(frozen=True, slots=True)
class Bound:
    """What the stakes must allow for: the largest weight, and the largest size of a difference less its control."""

    weight: float = 1.0
    reach: float = 1.0


def suite_control(earlier: Numbers) -> FloatArray:
    """What to expect of each case of a suite, beyond the suite's mean: shape as `earlier`, mean zero.

    `earlier` (cases,) in [-1, 1]: each case's own difference when it was last asked, 0 where it never was. Where the
    same cases flip again and again, taking this off leaves only what is new, and a drop is found in a fraction of the
    time. Cases must be drawn from the whole suite with known probabilities, and the control be fixed before they are
    asked; the mean over the draw is then zero whatever the earlier answers were worth.
    """
    values = differences_of(earlier, "earlier")
    return np.asarray(TRUST * (values - values.mean()))


def level_ends(values: FloatArray, counts: FloatArray, margin: float) -> FloatArray:
    """Lower ends of the intervals of levels, (levels,): from -margin up, fine around the certified mean.

    `values` that came, each `counts` times. Levels below -margin need no protection: there green was false, and an
    alarm is welcome. The ends may depend on the data: the true level lies in some interval, and
    both accounts are held at the end of the interval that is worse for them.
    """
    cases = float(counts.sum())
    mean = float((values * counts).sum()) / cases
    spread = np.sqrt(float((np.square(values) * counts).sum()) + 1.0) / cases
    ends = mean + spread * np.array([*_FAR, *_NEAR])
    return np.array([-margin, *np.clip(ends, -margin, 1.0 - 1e-9)])


def drop_factors(values: FloatArray, weights: FloatArray, levels: FloatArray, bound: Bound) -> FloatArray:
    """1 - s w (D - level), shape (..., levels, bets, cases), with s such that no factor is below 1 - bet."""
    stakes = np.array(BETS) / (bound.weight * (bound.reach + np.abs(levels)))[..., None]
    surplus = weights * (values - levels[..., None])
    return np.asarray(1.0 - stakes[..., :, None] * surplus[..., None, :])


def reference_factors(values: FloatArray, weights: FloatArray, levels: FloatArray, bound: Bound) -> FloatArray:
    """1 + s w (D - level) at the upper end of each interval, shape (..., levels, reference bets, cases)."""
    upper = np.concatenate([levels[..., 1:], np.ones((*levels.shape[:-1], 1))], axis=-1)
    stakes = np.array(REFERENCE_BETS) / (bound.weight * (bound.reach + np.abs(upper)))[..., None]
    surplus = weights * (values - upper[..., None])
    return np.asarray(1.0 + stakes[..., :, None] * surplus[..., None, :])


def mean_wealth(held: FloatArray) -> FloatArray:
    """The first account of each level, from the wealth of its bets; the last axis goes."""
    return np.asarray(CASH + (1.0 - CASH) * held.mean(axis=-1))


def _bounded(
    given: Numbers | None, largest: float | None, name: str, cases: int, *, low: float, absent: float
) -> tuple[FloatArray, float]:
    """Weights or controls with the largest that the design could have brought, which no value may exceed."""
    if given is None:
        if largest is not None:
            raise StatisticsError(f"largest_{name}: given without {name}s")
        return np.full(cases, absent), absent
    if largest is None:
        raise StatisticsError(f"{name}s: need largest_{name}, the largest size that the whole suite could have brought")
    between(largest, f"largest_{name}", 0.0, 1e6, closed="low")
    return numbers(given, f"{name}s", low=max(low, -largest), high=largest, length=cases), largest


def _row(values: object) -> tuple[float, ...]:
    """Finite numbers, none negative but levels, as a tuple."""
    row = tuple(cast("Sequence[float]", values))
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and -1.0 <= v <= CERTAIN for v in row):
        raise ValueError("a number out of range")
    return row


def _rows(values: FloatArray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in values.tolist())
