"""How far the first token's distribution is from the baseline's, where the suite asks for log probabilities.

The first token is the only one that both sides were asked for behind the same text: from the second one on the two
continue different answers. Servers tell only the most likely tokens, so what they leave out is one lump on each side,
and the divergence is a lower bound of the true one (lumping never makes it larger).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, isfinite, log, sqrt

import numpy as np

from evalgate import stats
from evalgate.exchange import Answer, JsonValue

LEVEL = 0.95
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Agreement:
    """`top1`: share of `n` cases whose most likely first token is the baseline's. `kl` in nats, mean over `kl_n` cases
    with alternatives; its interval is of the normal approximation.
    """

    n: int
    top1: float
    top1_interval: tuple[float, float]
    kl_n: int
    kl: float
    kl_interval: tuple[float, float]


def agreement(baseline: Mapping[str, Answer], variant: Mapping[str, Answer]) -> Agreement | None:
    """Both sides' first tokens, by case; None where not a single case has them on both sides."""
    same, divergences = [], []
    for case, answer in variant.items():
        ours, theirs = _first(baseline.get(case)), _first(answer)
        if not ours or not theirs:
            continue
        same.append(max(ours, key=ours.__getitem__) == max(theirs, key=theirs.__getitem__))
        if len(ours) > 1 and len(theirs) > 1:
            divergences.append(_divergence(ours, theirs))
    if not same:
        return None
    mean = float(np.mean(divergences)) if divergences else float("nan")
    reach = 1.959964 * float(np.std(divergences, ddof=1)) / sqrt(len(divergences)) if len(divergences) > 1 else 0.0
    return Agreement(
        n=len(same),
        top1=sum(same) / len(same),
        top1_interval=stats.share_interval(sum(same), len(same), LEVEL),
        kl_n=len(divergences),
        kl=mean,
        kl_interval=(max(mean - reach, 0.0), mean + reach),
    )


def _first(answer: Answer | None) -> dict[str, float]:
    """The probabilities of the first token that were told; empty: none."""
    told = answer.details.get("logprobs") if answer is not None else None
    if not isinstance(told, list) or not told or not isinstance(told[0], dict):
        return {}
    first = told[0]
    tops = first.get("top_logprobs")
    entries = [first, *(each for each in (tops if isinstance(tops, list) else []) if isinstance(each, dict))]
    found = {}
    for each in entries:
        token, value = each.get("token"), _finite(each.get("logprob"))
        if isinstance(token, str) and value is not None:
            found[token] = min(exp(min(value, 0.0)), 1.0)
    return found


def _finite(value: JsonValue) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _divergence(ours: Mapping[str, float], theirs: Mapping[str, float]) -> float:
    """KL(baseline ‖ variant) over the tokens that both told, and one lump for all others."""
    shared = [token for token in ours if token in theirs]
    p, q = ([side[token] for token in shared] for side in (ours, theirs))
    p, q = ([*side, max(1 - sum(side), _LEAST)] for side in (p, q))
    p, q = ([each / sum(side) for each in side] for side in (p, q))
    return max(sum(a * log(a / max(b, _LEAST)) for a, b in zip(p, q, strict=True) if a > 0), 0.0)
