"""Confidence sequences: intervals that hold at every moment at once, however the moment of stopping was chosen.

The estimate at the moment of stopping is biased, because one stops when it looks good. A confidence sequence is not:
it contains the truth at *all* times with the stated probability (Waudby-Smith & Ramdas 2023, theorem 1). It comes
from the very games that decide: a mean is left out as soon as the evidence against it reaches the threshold, so for a
single test at the same error rates the lower end exceeds -margin exactly when green is proven and the upper end falls
below 0 exactly when red is. (A family asks for more evidence than one test does: there the lower end of an interval
for this variant alone may lie above -margin while green is not proven yet.)
"""

from __future__ import annotations

from typing import Unpack

import numpy as np

from evalgate.stats._design import Design, games_of
from evalgate.stats._game import Game
from evalgate.stats._input import FloatArray, Numbers, between, differences_of

_HALVINGS = 20  # of an interval of length 2: the ends are exact to 2e-6, always towards the outside
_GRID = 160


def lower_end(game: Game, threshold: float, *, proven: float = -1.0) -> float:
    """The largest mean that has been rejected from above; `proven` is one already known to be rejected."""
    low, high = proven, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if game.rejected(middle, threshold):
            low = middle
        else:
            high = middle
    return low


def confidence_sequence(
    differences: Numbers, *, level: float = 0.95, margin: float = 0.02, **design: Unpack[Design]
) -> tuple[FloatArray, FloatArray]:
    """Lower and upper ends after each case, two arrays of shape (cases,); running intersections.

    `level` in (0, 1): the chance that the mean difference lies inside after every case at once; each side gets half
    of what is left. `margin` in (0, 1) is the distance that the bets are tuned to resolve (the interval is narrowest
    when it is about as wide as this). `differences` and the other options as for `certify`. The ends lie on a grid
    that is fine near the final interval and always on the outside; the last pair is exact to 2e-6.
    """
    between(level, "level", 0.0, 1.0)
    threshold = 2.0 / (1.0 - level)
    up, down = games_of(differences_of(differences), margin, design)
    return _lower_path(up, threshold), 0.0 - _lower_path(down, threshold)


def confidence_interval(
    differences: Numbers, *, level: float = 0.95, margin: float = 0.02, **design: Unpack[Design]
) -> tuple[float, float]:
    """The last pair of `confidence_sequence`, exact to 2e-6, in a tenth of the time; (-1, 1) without any case."""
    between(level, "level", 0.0, 1.0)
    threshold = 2.0 / (1.0 - level)
    up, down = games_of(differences_of(differences), margin, design)
    return lower_end(up, threshold), 0.0 - lower_end(down, threshold)


def _lower_path(game: Game, threshold: float) -> FloatArray:
    final = lower_end(game, threshold)
    lower = np.full(game.cases, -1.0)
    # Cubic spacing: steps near the final end are a millionth of the range, steps near -1 a fiftieth.
    for share in np.linspace(1.0, 0.0, _GRID) ** 3:
        null = final - share * (final + 1.0)
        reached = game.e_values(null) >= threshold
        if reached.any():
            lower[np.argmax(reached) :] = null
    return lower
