"""What the verdicts of one operation are held to: one object, from the suite through plan, board and signal."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from evalgate.formats.canonical import digest
from evalgate.suite import Suite

Unit = Literal["case", "cluster"]


@dataclass(frozen=True, slots=True)
class Policy:
    """The gate of a suite, with all that is decided by default written out.

    `metrics` decide, `min_score` are absolute requirements by metric (both in [0, 1]). `unit` is what counts as one
    observation; with `cluster_weight` `cases` the mean is over cases, however unequal the clusters are.
    """

    margin: float
    alpha: float
    beta: float
    red_margin: float
    claim: Literal["traffic", "suite"]
    control: Literal["family", "verdict"]
    metrics: tuple[str, ...]
    min_score: Mapping[str, float]
    baseline_check: bool
    unit: Unit
    cluster_weight: Literal["cases", "equal"]
    repeats: int
    seed: int
    valid_seconds: int
    on_inconclusive: Literal["fail", "pass"]
    green_after: int = 1

    @classmethod
    def of(cls, suite: Suite, asserted: Collection[str]) -> Policy:
        """The policy of a suite that asserts the metrics `asserted`."""
        gate, file = suite.gate, suite.file
        return cls(
            margin=gate.margin,
            alpha=gate.alpha,
            beta=gate.beta,
            red_margin=gate.red_margin,
            claim=gate.claim,
            control=gate.control,
            metrics=tuple(gate.metrics or asserted),
            min_score=dict(sorted(gate.min_score.items())),
            baseline_check=gate.baseline_check,
            unit="cluster" if any(size > 1 for size in suite.units) or file.cluster_by else "case",
            cluster_weight=file.cluster_weight,
            repeats=file.repeats,
            seed=gate.seed,
            valid_seconds=int(gate.valid_for.total_seconds()),
            on_inconclusive=gate.on_inconclusive,
            green_after=gate.green_after,
        )

    @property
    def proofs(self) -> int:
        """How many ways there are to be proven worse: each gets its share of beta."""
        return len(self.metrics) + len(self.min_score)

    def digest(self) -> str:
        """Changes with all that makes another test of it; how long a verdict stays valid does not."""
        return digest(
            [
                self.margin,
                self.alpha,
                self.beta,
                self.red_margin,
                self.claim,
                self.control,
                self.metrics,
                dict(self.min_score),
                self.baseline_check,
                self.unit,
                self.cluster_weight,
                self.repeats,
                self.seed,
            ]
        )
