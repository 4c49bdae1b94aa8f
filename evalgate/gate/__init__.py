"""DECIDES: policy + evidence → verdict. Pure: no clock, no network, no files."""

from evalgate.facts import Given, Tally, Usage, VariantFacts
from evalgate.gate.board import (
    BaselineCheck,
    Board,
    Cause,
    ControlVariate,
    Diagnostic,
    Flip,
    MetricEvidence,
    OperationBoard,
    Outcome,
    Point,
    Trying,
    Verdict,
    Word,
)
from evalgate.gate.contest import Family, Ruling, Standing, rule
from evalgate.gate.differences import Differences, Failures
from evalgate.gate.failing import KINDS, Before, FailOn, Kind
from evalgate.gate.history import Attempt, History
from evalgate.gate.pairing import Sides
from evalgate.gate.policy import Policy
from evalgate.gate.record import Entry, Record
from evalgate.gate.transcript import BUILT_IN, PROMPT_TOKENS, Transcript
from evalgate.gate.verdicts import operation_board

__all__ = [
    "BUILT_IN",
    "KINDS",
    "PROMPT_TOKENS",
    "Attempt",
    "BaselineCheck",
    "Before",
    "Board",
    "Cause",
    "ControlVariate",
    "Diagnostic",
    "Differences",
    "Entry",
    "FailOn",
    "Failures",
    "Family",
    "Flip",
    "Given",
    "History",
    "Kind",
    "MetricEvidence",
    "OperationBoard",
    "Outcome",
    "Point",
    "Policy",
    "Record",
    "Ruling",
    "Sides",
    "Standing",
    "Tally",
    "Transcript",
    "Trying",
    "Usage",
    "VariantFacts",
    "Verdict",
    "Word",
    "operation_board",
    "rule",
]
