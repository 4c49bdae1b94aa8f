"""Fixed-n inference for paired binary scores: Tango's score test and interval, and Newcombe's method 10.

Wald intervals collapse to a point where nothing flips, and McNemar's test asks another question (it ignores the
margin, and is undefined without flips). Tango's score statistic estimates the nuisance parameter *under the null*, so
it holds its level where flips are rare, which is exactly where evalgate lives. These are for a number of cases that
was fixed beforehand; for looking as one goes there is `certify`.

Cells, variant against baseline: `both` right, `gains` only the variant, `losses` only the baseline, `neither`.
"""

from __future__ import annotations

from math import ceil, sqrt
from statistics import NormalDist

from evalgate.errors import StatisticsError
from evalgate.stats._design import margin_of
from evalgate.stats._input import between, whole

_NORMAL = NormalDist()


def score_interval(gains: int, losses: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Tango's score interval for the difference of paired proportions, (gains - losses) / n in expectation.

    `gains`, `losses` >= 0 with gains + losses <= n, `n` >= 1 cases, `level` in (0, 1). Defined for every table: with
    no flips at all the ends are +-z^2 / (n + z^2). Raises `StatisticsError` for counts that do not fit.

    Tango 1998 (Stat Med 17:891), equations 8 to 11: the values of the difference whose score statistic lies within
    the normal quantiles, found here by bisection.
    """
    _check_counts(gains, losses, n)
    z = _NORMAL.inv_cdf(0.5 + between(level, "level", 0.0, 1.0) / 2.0)
    estimate = (gains - losses) / n
    low = _crossing(gains, losses, n, target=z, inside=estimate, outside=-1.0)
    high = _crossing(gains, losses, n, target=-z, inside=estimate, outside=1.0)
    return low, high


def score_test(gains: int, losses: int, n: int, margin: float) -> float:
    """One-sided p-value of Tango's score test of "the difference is -margin or worse".

    Counts as for `score_interval`; `margin` in [0, 1). Small means: proven better than -margin. Tango 1998, eq. 7.
    """
    _check_counts(gains, losses, n)
    between(margin, "margin", 0.0, 1.0, closed="low")
    return 1.0 - _NORMAL.cdf(_score(gains, losses, n, -margin))


def score_test_cases(margin: float, flip_rate: float, *, alpha: float = 0.05, beta: float = 0.05) -> int:
    """How many cases a fixed-n run needs for the score test to prove "better than -margin" at theta = 0.

    With probability 1 - beta, at one-sided level alpha, if exactly `flip_rate` of the cases flip, gains and losses
    alike: which nobody knows beforehand. ((z_alpha s0 + z_beta s1) / margin)^2 with s0^2 the variance that the test
    will assume, Tango's constrained one in expectation, and s1^2 = flip_rate the true one.
    """
    margin_of(margin)
    between(flip_rate, "flip_rate", 0.0, 1.0, closed="low high")
    z_alpha = _NORMAL.inv_cdf(1.0 - between(alpha, "alpha", 0.0, 1.0))
    z_beta = _NORMAL.inv_cdf(1.0 - between(beta, "beta", 0.0, 1.0))
    losses = flip_rate / 2.0
    variance = _constrained_variance(losses, losses, 1.0, -margin)
    return ceil(((z_alpha * sqrt(variance) + z_beta * sqrt(flip_rate)) / margin) ** 2)


def newcombe_interval(both: int, gains: int, losses: int, neither: int, level: float = 0.95) -> tuple[float, float]:
    """Newcombe's method 10: square-and-add Wilson intervals with a continuity-corrected correlation.

    All counts >= 0, at least one case; `level` in (0, 1). Newcombe 1998 (Stat Med 17:2635), method 10.
    """
    n = both + gains + losses + neither
    for count, name in ((both, "both"), (neither, "neither")):
        whole(count, name, at_least=0)
    _check_counts(gains, losses, n)
    z = _NORMAL.inv_cdf(0.5 + between(level, "level", 0.0, 1.0) / 2.0)
    variant, baseline = both + gains, both + losses
    estimate = (gains - losses) / n
    low_variant, high_variant = _wilson(variant, n, z)
    low_baseline, high_baseline = _wilson(baseline, n, z)
    phi = _correlation(both, gains, losses, neither)

    def spread(first: float, second: float) -> float:
        return sqrt(max(first * first - 2.0 * phi * first * second + second * second, 0.0))

    share_variant, share_baseline = variant / n, baseline / n
    low = estimate - spread(share_variant - low_variant, high_baseline - share_baseline)
    high = estimate + spread(high_variant - share_variant, share_baseline - low_baseline)
    return max(low, -1.0), min(high, 1.0)


def share_interval(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval for a share, `successes` of `n` >= 1 independent trials; `level` in (0, 1).

    Wilson 1927 (JASA 22:209). Never empty, never outside [0, 1], also where nothing or everything succeeded.
    """
    _check_counts(successes, 0, n)
    low, high = _wilson(successes, n, _NORMAL.inv_cdf(0.5 + between(level, "level", 0.0, 1.0) / 2.0))
    return max(low, 0.0), min(high, 1.0)


def _check_counts(gains: int, losses: int, n: int) -> None:
    whole(n, "n", at_least=1)
    for count, name in ((gains, "gains"), (losses, "losses")):
        whole(count, name, at_least=0)
    if gains + losses > n:
        msg = f"gains + losses: {gains} + {losses} exceeds the {n} cases"
        raise StatisticsError(msg)


def _score(gains: int, losses: int, n: int, difference: float) -> float:
    """Tango's statistic at a hypothesised difference; it falls as the difference rises."""
    variance = n * _constrained_variance(gains, losses, n, difference)
    surplus = gains - losses - n * difference
    if variance <= 1e-12 * n:
        return 0.0 if abs(surplus) < 1e-9 else float("inf") if surplus > 0 else float("-inf")
    return surplus / sqrt(variance)


def _constrained_variance(gains: float, losses: float, n: float, difference: float) -> float:
    """The variance of one difference if its mean is `difference`, with Tango's estimate of P(baseline only)."""
    # The estimate is the positive root of 2 n q^2 + linear q + constant = 0 (Tango 1998, eq. 5).
    linear = (2.0 * n - gains + losses) * difference - gains - losses
    constant = -losses * difference * (1.0 - difference)
    root = (sqrt(max(linear * linear - 8.0 * n * constant, 0.0)) - linear) / (4.0 * n)
    return 2.0 * root + difference * (1.0 - difference)


def _crossing(gains: int, losses: int, n: int, *, target: float, inside: float, outside: float) -> float:
    """The difference between the estimate and an end of the range at which the statistic passes `target`."""
    from scipy.optimize import bisect  # by signs alone, since at the end of the range the statistic is infinite

    if inside == outside:
        return outside
    return float(bisect(lambda difference: _score(gains, losses, n, difference) - target, inside, outside, xtol=1e-15))


def _wilson(successes: int, n: int, z: float) -> tuple[float, float]:
    centre = 2.0 * successes + z * z
    spread = z * sqrt(z * z + 4.0 * successes * (1.0 - successes / n))
    return (centre - spread) / (2.0 * (n + z * z)), (centre + spread) / (2.0 * (n + z * z))


def _correlation(both: int, gains: int, losses: int, neither: int) -> float:
    margins = (both + gains) * (losses + neither) * (both + losses) * (gains + neither)
    if margins == 0:
        return 0.0
    n = both + gains + losses + neither
    product = float(both * neither - gains * losses)
    if product > 0.0:  # the continuity correction that makes it method 10 rather than method 8
        product = max(product - n / 2.0, 0.0)
    return product / sqrt(margins)
