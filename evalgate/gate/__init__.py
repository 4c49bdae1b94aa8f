"""DECIDES: policy + evidence → verdict. Pure: no clock, no network, no files."""

from evalgate.gate.board import (
    BaselineCheck,
    Board,
    Diagnostic,
    Flip,
    MetricEvidence,
    OperationBoard,
    Outcome,
    Point,
    Verdict,
)
from evalgate.gate.contest import Differences, Ruling, rule
from evalgate.gate.facts import Usage, VariantFacts
from evalgate.gate.record import Record, Sides
from evalgate.gate.transcript import BUILT_IN, Transcript

__all__ = [
    "BUILT_IN",
    "BaselineCheck",
    "Board",
    "Diagnostic",
    "Differences",
    "Flip",
    "MetricEvidence",
    "OperationBoard",
    "Outcome",
    "Point",
    "Record",
    "Ruling",
    "Sides",
    "Transcript",
    "Usage",
    "VariantFacts",
    "Verdict",
    "rule",
]
