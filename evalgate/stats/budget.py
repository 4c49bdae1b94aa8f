"""Latency, length, tokens and cost: unbounded quantities, gated as "was it within budget?".

No sequential test of a mean can hold its error rate for a quantity without an upper bound: one unseen answer of a
million tokens would undo any proof. Whether an answer stayed within a budget is binary, and can be proven.
"""

from __future__ import annotations

import numpy as np

from evalgate.stats._input import FloatArray, Numbers, between, numbers

_LARGEST = 1e300


def within_budget(values: Numbers, reference: Numbers, *, factor: float) -> FloatArray:
    """Scores for `certify_score`, shape (cases,): 1 where value <= factor x reference, else 0.

    `values` and `reference` (cases,), >= 0: the variant's and the baseline's seconds, tokens or dollars. `factor` > 0.
    """
    base = numbers(reference, "reference", low=0.0, high=_LARGEST)
    own = numbers(values, "values", low=0.0, high=_LARGEST, length=base.size)
    return np.where(own <= between(factor, "factor", 0.0, _LARGEST) * base, 1.0, 0.0)


def median_log_ratio(values: Numbers, reference: Numbers) -> float:
    """The median of log(value / reference), for display: 0 is equal, 0.69 twice as much. Both (cases,), > 0."""
    base = numbers(reference, "reference", low=1e-300, high=_LARGEST)
    own = numbers(values, "values", low=1e-300, high=_LARGEST, length=base.size)
    return float(np.median(np.log(own / base)))
