"""The fewest cases that any test could do with: what evalgate's own numbers are held against.

No sequential test with error rates alpha and beta can, on average, decide "theta = 0 or theta <= -margin?" sooner
than d(1 - beta, alpha) / KL_inf cases, where KL_inf is the growth of the best bet against the null by somebody who
knows the flip rate (Wald 1945; Garivier & Kaufmann 2016, lemma 1; Shekhar & Ramdas 2023). And where nothing flips at
all, no distribution-free test on [-1, 1] can beat ln(alpha) / ln(1 - margin) cases.
"""

from __future__ import annotations

from math import ceil, log, log1p

import numpy as np

from evalgate.stats._design import margin_of
from evalgate.stats._game import design_stakes
from evalgate.stats._input import between


def growth_limit(margin: float, flip_rate: float) -> float:
    """KL_inf in nats a case: max over L of E log(1 + L (D + margin)) where gains and losses are equally likely.

    `margin` in (0, 1), `flip_rate` in [0, 1]: the share of cases with D = +1 or -1.
    """
    margin_of(margin)
    between(flip_rate, "flip_rate", 0.0, 1.0, closed="low high")
    if flip_rate == 0.0:
        return -log1p(-margin)
    best = float(design_stakes(np.asarray(-margin), np.asarray(0.0), np.asarray(flip_rate)))
    stake = min(best, (1.0 - 1e-12) / (1.0 - margin))
    gain, loss, same = stake * (1.0 + margin), -stake * (1.0 - margin), stake * margin
    return flip_rate / 2.0 * (log1p(gain) + log1p(loss)) + (1.0 - flip_rate) * log1p(same)


def case_limit(margin: float, flip_rate: float, *, alpha: float = 0.05, beta: float = 0.05) -> float:
    """The expected number of cases at theta = 0 that no test with these error rates can undercut.

    d(1 - beta, alpha) / `growth_limit`, d the relative entropy of two coins. `alpha + beta` must be below 1.
    """
    between(alpha, "alpha", 0.0, 1.0)
    between(beta, "beta", 0.0, 1.0 - alpha)
    entropy = (1.0 - beta) * log((1.0 - beta) / alpha) + beta * log(beta / (1.0 - alpha))
    return entropy / growth_limit(margin, flip_rate)


def floor_cases(margin: float, *, alpha: float = 0.05, cap: float = 1.0) -> int:
    """The number of cases without any flip after which green can first be proven, if the whole cap is staked.

    149 at margin .02 and alpha .05 for cap 1: ln(alpha) / ln(1 - margin), rounded up. 165 for cap .9, which keeps a
    tenth of the evidence when a case is lost. With the default stakes, which have to learn that nothing flips, it is
    `minimum_further_cases([], margin=...)`, 196.
    """
    margin_of(margin)
    between(alpha, "alpha", 0.0, 1.0)
    growth = log1p(between(cap, "cap", 0.0, 1.0, closed="high") * margin / (1.0 - margin))
    return ceil(-log(alpha) / growth - 1e-9)
