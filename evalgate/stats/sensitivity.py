"""Does the verdict hang on answers that were never given?

Errors, timeouts and refusals are not missing at random: hard cases fail more often. They score 0, on either side. If
leaving them out would turn the verdict, it rests on the failures of the infrastructure rather than on the model, and
then it is not a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import numpy as np

from evalgate.errors import StatisticsError
from evalgate.stats._input import BoolArray, Numbers, differences_of
from evalgate.stats.certify import Certificate, Options, certify


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The verdict with the errors scored 0 and without them; `without` is None if nothing would be left."""

    with_errors: Certificate
    without_errors: Certificate | None

    @property
    def robust(self) -> bool:
        """Whether leaving the errors out gives the same verdict."""
        return self.without_errors is not None and self.without_errors.verdict == self.with_errors.verdict


def sensitivity_to_errors(
    differences: Numbers, errors: BoolArray | list[bool], *, margin: float, **options: Unpack[Options]
) -> Sensitivity:
    """Both verdicts. `differences` (cases,) with errors scored 0; `errors` (cases,): True where either side failed.

    Other options as for `certify`; a suite shrinks by the errors left out. Raises `StatisticsError` for unequal
    lengths.
    """
    values = differences_of(differences)
    failed = np.asarray(errors)
    if failed.shape != values.shape or failed.dtype != np.bool_:
        msg = f"errors: expected {values.size} booleans, got {failed.dtype} of shape {failed.shape}"
        raise StatisticsError(msg)
    complete = certify(values, margin=margin, **options)
    kept = values[~failed]
    if not kept.size:
        return Sensitivity(complete, None)
    shorter = options.copy()
    population, baseline = shorter.get("population"), shorter.get("baseline")
    if population is not None:
        shorter["population"] = population - int(np.count_nonzero(failed))
    if baseline is not None:
        unseen = np.zeros(len(baseline) - values.size, dtype=np.bool_)
        shorter["baseline"] = np.asarray(baseline, dtype=np.float64)[~np.concatenate([failed, unseen])]
    # Weights were made for the order with the errors in it; an order without them has none.
    shorter["sampling"] = None
    return Sensitivity(complete, certify(kept, margin=margin, **shorter))
