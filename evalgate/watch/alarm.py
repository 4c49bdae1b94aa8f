"""What a detector found, and what it remembers from one round to the next. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = dict[str, object]  # JSON


@dataclass(frozen=True, slots=True)
class Alarm:
    """What a detector found; `evidence` is its e-value, None of what is exact."""

    state: Literal["suspended", "red"]
    detector: str
    reason: str
    evidence: float | None = None
    needed: float | None = None


def times(evidence: float, needed: float) -> str:
    """How far beyond the alarm the evidence is, in words."""
    return f"{evidence / needed:.2g} times the evidence that an alarm takes"
