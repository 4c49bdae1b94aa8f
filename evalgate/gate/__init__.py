"""DECIDES: policy + evidence → verdict. Pure: no clock, no network, no files."""

from evalgate.gate.board import (
    Board,
    Flip,
    MetricEvidence,
    OperationBoard,
    Outcome,
    Point,
    Usage,
    VariantFacts,
    Verdict,
)
from evalgate.gate.contest import Differences, Ruling, rule
from evalgate.gate.decide import usage, verdict

__all__ = [
    "Board",
    "Differences",
    "Flip",
    "MetricEvidence",
    "OperationBoard",
    "Outcome",
    "Point",
    "Ruling",
    "Usage",
    "VariantFacts",
    "Verdict",
    "rule",
    "usage",
    "verdict",
]
