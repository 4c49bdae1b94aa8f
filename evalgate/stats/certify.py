"""The front door: differences in, a verdict with its evidence out.

Green must be proven, and so must red; whatever is neither is inconclusive. `certify` needs nothing but an array of
differences, so that it also serves people who only want the mathematics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from evalgate.errors import StatisticsError
from evalgate.stats._design import CAP, Claim, Design, games_of
from evalgate.stats._game import Game
from evalgate.stats._input import FloatArray, Numbers, between, differences_of, whole
from evalgate.stats.confidence import lower_end
from evalgate.stats.sampling import SamplingOrder
from evalgate.stats.sequential import first_reach

Verdict: TypeAlias = Literal["green", "red", "inconclusive"]

WORSE_WITHIN_MARGIN = "measurably worse, within margin"
DRIFTED = "no single mean fits all cases: something changed on the way"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A verdict and what it rests on.

    `cases`: how many cases, in the order asked, the verdict needed; all that were given if it is inconclusive.
    `asked`: the same, rounded up to the look at which the stop was noticed (never beyond what was given).
    `delta`: the estimated mean difference, variant minus baseline, over these cases.
    `interval`: the confidence sequence at that moment, and `level` the probability with which it covers the truth.
    `e_green`, `e_red`: the e-values at the stop (as e-BH wants them), 2^1000 for certainty.
    `note`: empty, or what a reader should know besides.
    """

    verdict: Verdict
    cases: int
    delta: float
    interval: tuple[float, float]
    level: float
    e_green: float
    e_red: float
    asked: int
    note: str


class Options(Design, total=False):
    """All that may be chosen beyond the margin; see `certify` for the meaning of each."""

    alpha: float
    beta: float
    batch: int
    level: float | None
    red_is_final: bool


def certify(
    differences: Numbers,
    *,
    margin: float,
    alpha: float = 0.05,
    beta: float = 0.05,
    claim: Claim = "traffic",
    population: int | None = None,
    batch: int = 1,
    red_margin: float = 0.0,
    flip_rate_green: float | None = None,
    flip_rate_red: float | None = None,
    inertia: float | None = None,
    cap: float = CAP,
    baseline: Numbers | None = None,
    sampling: SamplingOrder | None = None,
    deadline: int | None = None,
    goal: float | None = None,
    red_goal: float | None = None,
    weights: Numbers | None = None,
    total_weight: float | None = None,
    level: float | None = None,
    red_is_final: bool = True,
) -> Certificate:
    """Green, red or inconclusive, from paired differences in the order in which the cases were asked.

    Arguments:
        differences: shape (cases,), variant minus baseline score, in [-1, 1]. One for each independent unit: take
            `unit_means` first where cases were repeated or share a source.
        margin: in (0, 1), how much worse is still as good. Green is proven when "mean <= -margin" is rejected.
        alpha: in (0, 1), the chance of a false green at most, however often one looks.
        beta: in (0, 1), the chance of a false red at most. With M gating metrics use beta / M.
        claim: 'traffic', the cases are a random sample of it; or 'suite', the finite suite itself.
        population: for 'suite', the number of cases in it, seen or not.
        batch: looks are taken every so many cases. Changes `asked`, never the verdict.
        red_margin: in [0, 1), red is proven when "mean >= -red_margin" is rejected.
        flip_rate_green, flip_rate_red: in (0, 1], the first guess of how often the scores differ; 2.5 margins if not
            given. `seed_flip_rate` makes one from an earlier run.
        inertia: how many imagined cases hold on to that guess; 1 / (2.5 margins) if not given.
        cap: in (0, 1], the share of the evidence that a single case may cost.
        baseline: for 'suite', shape (population,), the baseline's scores of all cases in the order asked: a control
            variate, already paid for.
        sampling: for 'suite', the order from `fragile_first` if the cases were drawn with it.
        deadline: the number of the last case that there will be, if it is known before the first: stakes are then made
            to prove something by then. It must be fixed like the seed; another deadline is another test, but going on
            after it is not.
        goal, red_goal: above 1, the e-values to be reached by the deadline; 1 / alpha and 1 / beta if not given. A
            family asks for more.
        weights: shape (cases,) or longer, in (0, 1]: the size of each unit over the largest size in the whole suite,
            if they differ. `delta` and the claim are then about the weighted mean, as if over cases. Of weights
            beyond the cases given nothing is used.
        total_weight: for 'suite' with weights, the sum of the weights of all its units.
        level: the probability with which `interval` covers the truth, half of the rest on each side. Without it the
            interval uses alpha below and beta above, level 1 - alpha - beta, and agrees with the verdict.
        red_is_final: stop at the first proof. False: answers that exist anyway are all read, and a green proven after
            a red wins, with a note.

    Raises `StatisticsError` for empty input, NaN and whatever is outside these ranges.

    The verdict, `cases` and the e-values are computed with correctly rounded operations in a fixed order: the same
    differences give the same bits on every machine, and for every batch size.
    """
    values = differences_of(differences)
    asked_green = 1.0 / between(alpha, "alpha", 0.0, 1.0)
    asked_red = 1.0 / between(beta, "beta", 0.0, 1.0)
    design: Design = {
        "claim": claim,
        "population": population,
        "red_margin": red_margin,
        "flip_rate_green": flip_rate_green,
        "flip_rate_red": flip_rate_red,
        "inertia": inertia,
        "cap": cap,
        "baseline": baseline,
        "sampling": sampling,
        "deadline": deadline,
        "goal": asked_green if goal is None else goal,
        "red_goal": asked_red if red_goal is None else red_goal,
        "weights": weights,
        "total_weight": total_weight,
    }
    green, red = games_of(values, margin, design)
    return conclude(
        values,
        Side(green, -margin, alpha),
        Side(red, red_margin, beta),
        batch=batch,
        level=level,
        red_is_final=red_is_final,
        weights=None if weights is None else np.asarray(weights, dtype=np.float64)[: values.size],
    )


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two games of a verdict, with the mean to be rejected and the error allowed."""

    game: Game
    null: float
    error: float


def conclude(
    values: FloatArray,
    green: Side,
    red: Side,
    *,
    batch: int,
    level: float | None,
    red_is_final: bool,
    weights: FloatArray | None = None,
) -> Certificate:
    """From the two games to the verdict; `values` (cases,) are what `delta` is the (weighted) mean of."""
    between(green.error, "alpha", 0.0, 1.0)
    between(red.error, "beta", 0.0, 1.0)
    whole(batch, "batch", at_least=1)
    if level is None and green.error + red.error >= 1.0:
        msg = f"alpha + beta: {green.error + red.error:g} leaves no room for an interval; expected less than 1"
        raise StatisticsError(msg)
    e_green, e_red = green.game.e_values(green.null), red.game.e_values(red.null)
    green_at, red_at = first_reach(e_green, 1.0 / green.error), first_reach(e_red, 1.0 / red.error)
    if red_is_final and red_at is not None and (green_at is None or red_at < green_at):
        green_at = None
    cases = green_at or red_at or values.size
    proven_red = red_at is not None and red_at <= cases
    verdict: Verdict = "green" if green_at else "red" if proven_red else "inconclusive"

    stopped = green.game.first(cases), red.game.first(cases)
    if level is None:
        below, above = green.error, red.error
        rejected = green.null if green_at else -1.0, red.null if proven_red else -1.0
    else:
        below = above = (1.0 - between(level, "level", 0.0, 1.0)) / 2.0
        rejected = -1.0, -1.0
    low = lower_end(stopped[0], 1.0 / below, proven=rejected[0])
    high = 0.0 - lower_end(stopped[1], 1.0 / above, proven=rejected[1])
    notes = [WORSE_WITHIN_MARGIN] if green_at and proven_red else []
    if low > high:
        notes.append(DRIFTED)
    return Certificate(
        verdict=verdict,
        cases=cases,
        delta=_estimate(stopped[0], values[:cases], weights),
        interval=(min(low, high), max(low, high)),
        level=1.0 - below - above,
        e_green=float(e_green[cases - 1]),
        e_red=float(e_red[cases - 1]),
        asked=min(-(-cases // batch) * batch, values.size),
        note="; ".join(notes),
    )


def _estimate(game: Game, differences: FloatArray, weights: FloatArray | None) -> float:
    """The mean difference; of cases drawn by importance or controlled, the mean of unbiased estimates after each."""
    if weights is not None:
        return float(np.cumsum(game.signal)[-1] / np.cumsum(weights[: game.cases])[-1])
    if game.lowest.ndim:
        differences = (game.signal - game.offset) / game.slope
    return float(np.cumsum(differences)[-1] / game.cases)
