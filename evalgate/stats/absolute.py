"""Absolute requirements: "no personal data in the output", "at least 95 % valid JSON".

A one-sided question about one variant, without a baseline, answered by the same games: green rejects "the mean score
is below what is required, less the margin", red rejects "the mean score is at least what is required".

A requirement of 1.0 is special twice over. One failure refutes it, so one failure is red. And no sample of traffic
can prove it: give a margin (the share of failures that would still be accepted as "none seen"), or claim the suite.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalgate.stats._design import CAP, Claim, Design, population_of
from evalgate.stats._game import Game, predictable_mean
from evalgate.stats._input import FloatArray, Numbers, between, scores_of
from evalgate.stats._suite import moving_null
from evalgate.stats.certify import Certificate, Side, conclude
from evalgate.stats.sequential import EvidencePath

_TIE = 2e-9  # the requirement itself is met by a tie, unlike the margin of a comparison
_REFUTED = 1e-8  # the share of failures is more than none, by however little


def certify_score(
    scores: Numbers,
    *,
    minimum: float,
    margin: float = 0.0,
    alpha: float = 0.05,
    beta: float = 0.05,
    claim: Claim = "traffic",
    population: int | None = None,
    batch: int = 1,
    cap: float = CAP,
    level: float | None = None,
) -> Certificate:
    """Whether the mean score meets an absolute requirement.

    `scores` (cases,) in [0, 1], in the order asked; `minimum` in (0, 1]; `margin` in [0, minimum): green is proven
    when "mean < minimum - margin" is rejected, red when "mean >= minimum" is. The other options as for `certify`. In
    the result, `delta` and `interval` are relative to `minimum`: 0 is exactly what is required.

    The stakes are the Kelly bets of a Bernoulli score at a predictable estimate of its mean, which begins halfway
    between what is required and perfection (Waudby-Smith & Ramdas 2023, section B.2).
    """
    values = scores_of(scores)
    required = between(minimum, "minimum", 0.0, 1.0, closed="high")
    green, red = _games(values, required, margin, claim, population, cap)
    certificate = conclude(
        values - required,
        Side(green, -margin, alpha),
        Side(red, 0.0, beta),
        batch=batch,
        level=level,
        red_is_final=True,
    )
    low, high = certificate.interval
    return replace(certificate, interval=(max(low, -required), min(high, 1.0 - required)))


def score_evidence(
    scores: Numbers,
    *,
    minimum: float,
    margin: float = 0.0,
    claim: Claim = "traffic",
    population: int | None = None,
    cap: float = CAP,
) -> EvidencePath:
    """The evidence after each case that a requirement is met (green) and that it is not (red).

    Arguments as for `certify_score`, which holds the same e-values against 1 / alpha and 1 / beta. Where the
    requirement is 1.0, the first failure makes red certain.
    """
    values = scores_of(scores)
    required = between(minimum, "minimum", 0.0, 1.0, closed="high")
    green, red = _games(values, required, margin, claim, population, cap)
    return EvidencePath(e_green=green.e_values(-margin), e_red=red.e_values(0.0))


def _games(
    values: FloatArray, required: float, margin: float, claim: Claim, population: int | None, cap: float
) -> tuple[Game, Game]:
    tolerated = required - between(margin, "margin", 0.0, required, closed="low")
    between(cap, "cap", 0.0, 1.0, closed="high")
    size = population_of(Design(claim=claim, population=population), values.size)
    allowed = 1.0 - required
    green = _game(values, tolerated, target=max(required, 0.5 * (1.0 + tolerated)), centre=required, cap=cap, size=size)
    red = _game(
        1.0 - values, allowed, target=min(allowed + (margin or allowed), 1.0), centre=allowed, cap=cap, size=size
    )
    if green.proven is not None:
        green = replace(green, proven=green.proven + _TIE)
    if required == 1.0:
        refuted = np.where(np.minimum.accumulate(values) < 1.0, _REFUTED, -1.0)
        red = replace(red, proven=refuted if red.proven is None else np.maximum(refuted, red.proven))
    return green, red


def _game(values: FloatArray, null: float, *, target: float, centre: float, cap: float, size: int | None) -> Game:
    """The game against "the mean of `values` is at most `null`", with its signal measured from `centre`."""
    slope: FloatArray = np.ones(())
    offset: FloatArray = np.zeros(())
    proven: FloatArray | None = None
    signal = values - centre
    if size is not None:
        slope, offset = moving_null(signal, size)
        after = size - np.arange(1.0, values.size + 1.0)
        proven = (np.cumsum(signal) - centre * after) / size
    means = np.clip(slope * (null - centre) + offset + centre, 1e-12, 1.0 - 1e-12)
    # One imagined case of the rarer kind holds on to the first guess.
    likely = predictable_mean(values, target, 1.0 / max(min(null, 1.0 - null), 1e-3))
    stakes = np.maximum(likely - means, 0.0) / (means * (1.0 - means))
    return Game(signal, stakes, np.asarray(-centre), cap, slope, slope, offset, proven)
