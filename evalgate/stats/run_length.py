"""Several detectors on one variant, and one promise for all of them together."""

from __future__ import annotations

from collections.abc import Mapping

from evalgate.stats._input import between

__all__ = ["share_run_length"]


def share_run_length(run_length: float, shares: Mapping[str, float]) -> dict[str, float]:
    """The run length that each detector gets, so that all together keep `run_length`; in its unit, days.

    `shares`: positive numbers, in proportion to which false alarms are allotted. Detector i keeps
    run_length x (sum of shares) / share_i, so it errs within t days with probability t share_i / (sum x run_length),
    and any of them with t / run_length at most, however they depend on each other. Raises `StatisticsError` for no
    shares, or one that is not positive.
    """
    between(run_length, "run_length", 1.0, 1e12)
    between(len(shares), "shares: how many", 0.0, 1e6)
    total = sum(between(share, f"shares[{name!r}]", 0.0, 1e12) for name, share in shares.items())
    return {name: run_length * total / share for name, share in shares.items()}
