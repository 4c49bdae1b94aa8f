"""The quantile of Student's t, for intervals from few models: scipy would be 40 MB for this one number."""

from __future__ import annotations

from statistics import NormalDist

LEAST_DEGREES = 4  # below, the expansion is too rough; an interval from so few says little anyway


def t_quantile(probability: float, degrees: float) -> float:
    """The quantile for `probability` in (0.5, 0.975] and `degrees` ≥ 4 of freedom, right to a part in a thousand.

    Cornish–Fisher expansion (Abramowitz and Stegun 26.7.5). Raises `ValueError` outside.
    """
    if not (0.5 < probability <= 0.975 and degrees >= LEAST_DEGREES):
        message = f"probability in (0.5, 0.975] and at least {LEAST_DEGREES} degrees, got {probability}, {degrees}"
        raise ValueError(message)
    x = NormalDist().inv_cdf(probability)
    terms = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92_160,
    )
    return x + sum(term / degrees**power for power, term in enumerate(terms, 1))
