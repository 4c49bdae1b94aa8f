"""The `weighted` strategy: cheaper variants get more calls, and none too few to stay known.

Each gets the exploration floor, and of the rest a share by the inverse square of its expected cost (as OpenRouter's
load balancing had it). The draw is a hash of the seed, so that the same call is decided the same way everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

_64_BITS = (1 << 64) - 1


def shares(costs: Sequence[float], explore: float) -> list[float]:
    """The share of calls of each, summing to 1; `costs` ≥ 0, in USD per successful call, at least one.

    What costs nothing shares all that is not exploration. A floor that leaves nothing over makes all shares equal.
    """
    cheapest = min(costs)
    if cheapest <= 0:
        weights = [1.0 if cost <= 0 else 0.0 for cost in costs]
    else:
        weights = [(cheapest / cost) ** 2 for cost in costs]  # relative, so that no cost is too small to square
    floor = min(explore, 1 / len(costs))
    rest = (1 - floor * len(costs)) / sum(weights)
    return [floor + rest * weight for weight in weights]


def drawn(costs: Sequence[float], explore: float, seed: int) -> int:
    """The index that the seed draws."""
    left = uniform(seed)
    for index, share in enumerate(shares(costs, explore)):
        left -= share
        if left < 0:
            return index
    return 0


def uniform(seed: int) -> float:
    """A number in [0, 1) from any integer: SplitMix64 (Steele, Lea & Flood 2014), whose neighbours are unrelated."""
    z = (seed * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) & _64_BITS
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _64_BITS
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _64_BITS
    return ((z ^ (z >> 31)) >> 11) / (1 << 53)
