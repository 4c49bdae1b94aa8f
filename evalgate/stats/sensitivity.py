"""Does the verdict hang on answers that were never given?

Errors, timeouts and refusals are not missing at random: hard cases fail more often. They score 0, on either side. If
leaving them out would turn the verdict, it rests on the failures of the infrastructure rather than on the model, and
then it is not a verdict. And a baseline that fails exactly where the variant loses hides a loss: those cases look like
ties, and are no better left out. So the verdict must also hold if the baseline had been right wherever it failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import numpy as np

from evalgate.errors import StatisticsError
from evalgate.stats._input import BoolArray, FloatArray, Numbers, differences_of
from evalgate.stats.certify import Certificate, Options, certify


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The verdict with failures scored 0, without them, and with the baseline's failures scored 1.

    `without_errors` is None if nothing would be left, `baseline_right` if the baseline's failures are not known.
    """

    with_errors: Certificate
    without_errors: Certificate | None
    baseline_right: Certificate | None = None

    @property
    def robust(self) -> bool:
        """Whether every way to count the failures gives the same verdict."""
        if self.without_errors is None:
            return False
        others = [self.without_errors, self.baseline_right or self.with_errors]
        return all(other.verdict == self.with_errors.verdict for other in others)


def sensitivity_to_errors(
    differences: Numbers,
    errors: BoolArray | list[bool],
    *,
    baseline_errors: BoolArray | list[bool] | None = None,
    margin: float,
    **options: Unpack[Options],
) -> Sensitivity:
    """All verdicts. `differences` (cases,) with errors scored 0; `errors` (cases,): True where either side failed.

    `baseline_errors` (cases,): True where the baseline failed; there D is the variant's own score x, and becomes x - 1.
    Other options as for `certify`; a suite and a deadline shrink by the errors left out, and not where they are counted
    otherwise. Raises `StatisticsError` for unequal lengths, and for a difference below 0 where the baseline failed.
    """
    values = differences_of(differences)
    failed = _marks(errors, "errors", values)
    complete = certify(values, margin=margin, **options)
    right = None
    if baseline_errors is not None:
        right = _baseline_right(values, _marks(baseline_errors, "baseline_errors", values), margin, options)
    kept = values[~failed]
    without = certify(kept, margin=margin, **_shorter(options, failed)) if kept.size else None
    return Sensitivity(complete, without, right)


def _marks(marks: BoolArray | list[bool], name: str, values: FloatArray) -> BoolArray:
    known = np.asarray(marks)
    if known.shape != values.shape or known.dtype != np.bool_:
        msg = f"{name}: expected {values.size} booleans, got {known.dtype} of shape {known.shape}"
        raise StatisticsError(msg)
    return known


def _baseline_right(values: FloatArray, failed: BoolArray, margin: float, options: Options) -> Certificate:
    """The verdict if the baseline had scored 1 wherever it failed."""
    impossible = failed & (values < 0.0)
    if impossible.any():
        place = int(np.argmax(impossible))
        msg = f"differences[{place}]: {values[place]:g}, but where the baseline failed it scores 0: nobody is worse"
        raise StatisticsError(msg)
    corrected = options.copy()
    baseline = options.get("baseline")
    if baseline is not None:
        scores = np.array(baseline, dtype=np.float64)
        scores[: values.size][failed] = 1.0
        corrected["baseline"] = scores
    return certify(np.where(failed, values - 1.0, values), margin=margin, **corrected)


def _shorter(options: Options, failed: BoolArray) -> Options:
    """The options of a run in which the cases that failed were never there."""
    shorter = options.copy()
    lost = int(np.count_nonzero(failed))
    population, deadline = options.get("population"), options.get("deadline")
    if population is not None:
        shorter["population"] = population - lost
    if deadline is not None:
        shorter["deadline"] = max(deadline - lost, 1)
    baseline, weights, total = options.get("baseline"), options.get("weights"), options.get("total_weight")
    if baseline is not None:
        shorter["baseline"] = _left(baseline, failed)
    if weights is not None:
        shorter["weights"] = _left(weights, failed)
    if weights is not None and total is not None:
        sizes = np.asarray(weights, dtype=np.float64)[: failed.size]
        shorter["total_weight"] = total - float(np.cumsum(np.where(failed, sizes, 0.0))[-1])
    # Weights of importance were made for the order with the errors in it; an order without them has none.
    shorter["sampling"] = None
    return shorter


def _left(values: Numbers, failed: BoolArray) -> FloatArray:
    """Without those that failed; what is known of cases to come stays."""
    known = np.asarray(values, dtype=np.float64)
    unseen = np.zeros(known.size - failed.size, dtype=np.bool_)
    return np.asarray(known[~np.concatenate([failed, unseen])])
