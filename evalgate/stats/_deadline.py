"""Betting to a deadline: when it is known how many cases there will be, the last ones are bet for the goal.

The Kelly bet makes evidence grow fastest in the long run. Whoever has 400 cases and needs an e-value of 20 by the
last of them is better served by the policy that makes reaching the goal in time most likely (Browne 1999, "Reaching
goals by a deadline", Adv Appl Prob 31:551, theorem 3.1). With u the evidence as a share of the goal and R cases to go,

    stake = h(u) / sqrt(v R),        h(u) = phi(PHI^-1(u)) / u,

which does not depend on how good the variant is. It is bolder than Kelly where little time is left, so the larger of
the two is staked; either uses the past only, and that is all that Ville's inequality asks. The deadline and the goal
must be fixed before the first case, like the seed: the stakes depend on them, so another deadline is another test.
Going on *after* the deadline, with the Kelly stakes, is the same test.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

import numpy as np

from evalgate.stats._game import Game
from evalgate.stats._input import FloatArray
from evalgate.stats._wealth import CERTAIN

_LOOKS = 32  # u is looked up at about so many fixed places: at 256 not one run in two hundred ends otherwise
# h at u, to four digits; between them a straight line, below the first the first. Any table would be valid: this one
# is written out because neither phi nor PHI^-1 is the same number on every machine.
_SHARES = np.concatenate(
    [
        [1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1],
        [0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0],
    ]
)
_POLICY = np.concatenate(
    [
        [4.9483, 4.4787, 3.9585, 3.687, 3.3671, 3.1701, 2.8919, 2.6652, 2.4209, 2.2681, 2.0627, 1.8874, 1.755],
        [1.5544, 1.3998, 1.159, 0.9659, 0.7979, 0.6439, 0.4967, 0.35, 0.195, 0.1086, 0.0494, 0.0269, 0.0],
    ]
)
_SLOPES = (_POLICY[1:] - _POLICY[:-1]) / (_SHARES[1:] - _SHARES[:-1])
_TABLE = [
    (float(share), float(policy), float(slope)) for share, policy, slope in zip(_SHARES, _POLICY, _SLOPES, strict=False)
]
_INNER = _SHARES[1:-1].tolist()


def bet_to(game: Game, null: float, *, deadline: int, goal: float, variance: FloatArray) -> Game:
    """The same game with bolder stakes up to case `deadline`, for an e-value of `goal` against "mean <= null" by then.

    `variance` (..., n): what each case adds to the variance of the signal, estimated from the cases before.
    """
    end = min(deadline, game.cases)
    scale = np.sqrt(variance[..., :end] * (deadline - np.arange(end)))
    surplus, most = game.terms(null)
    surplus, most = surplus[..., :end], most[..., :end] if most.ndim else most
    stakes = game.stakes.copy()
    wealth: FloatArray = np.ones(stakes.shape[:-1])
    step = max(1, deadline // _LOOKS)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for start in range(0, end, step):
            now = slice(start, min(start + step, end))
            bold = _policy(wealth / goal)[..., None] / scale[..., now]
            stakes[..., now] = np.maximum(stakes[..., now], bold)
            staked = np.minimum(stakes[..., now], most[..., now] if most.ndim else most)
            grown = np.maximum(1.0 + staked * surplus[..., now], 0.0)
            grown[..., 0] *= wealth
            reached = np.multiply.accumulate(grown, axis=-1)[..., -1]
            wealth = np.fmin(reached, CERTAIN)  # also where it went beyond all floats and then to none (NaN)
    return replace(game, stakes=stakes)


def _policy(share: FloatArray) -> FloatArray:
    """h at each share of the goal; 0 from the goal on."""
    if not share.ndim:  # one run alone, as it decides: the same sums without numpy, which takes longer to be called
        return np.asarray(_policy_at(float(share)))
    inside = np.minimum(np.maximum(share, _SHARES[0]), 1.0)
    place = _SHARES[1:-1].searchsorted(inside, side="right")
    return np.asarray(_POLICY[place] + (inside - _SHARES[place]) * _SLOPES[place])


def _policy_at(share: float) -> float:
    inside = min(max(share, _TABLE[0][0]), 1.0)
    first, policy, slope = _TABLE[bisect_right(_INNER, inside)]
    return policy + (inside - first) * slope
