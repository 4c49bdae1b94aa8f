"""Whether a suite measures what its author thinks, found out before anybody is asked.

A suite that is wrong in silence is worse than none: a target that no answer can meet, a grader that gives everything 1,
a constant answer that is as good as any. Each of them makes a gate green for the wrong reason. So every grader is run
on the answer that each target means, on the answers of other cases, and on nonsense.
"""

from evalgate.validate.findings import Finding, Severity
from evalgate.validate.trial import Confusion, Miss, Trial
from evalgate.validate.validate import Validation, validate

__all__ = ["Confusion", "Finding", "Miss", "Severity", "Trial", "Validation", "validate"]
