"""What is found of a rule, and the ways in which a rule's story may end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Ordered by how bad it is. Only `kept` is a pass; `cautious` loses money, `broken` loses what the gate is for."""

    KEPT = "kept"
    CAUTIOUS = "cautious"  # safe, but a variant that may be used was not
    NOT_TRIED = "not tried"  # needs an option that was not given
    NOT_SHOWN = "not shown"  # nothing was seen that could have broken it
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's outcome, with what was seen; `calls` is how many the router was asked for it."""

    rule: str
    text: str
    outcome: Outcome
    detail: str
    calls: int


class Ended(Exception):
    """A rule's story has come to its end before its last line."""

    outcome = Outcome.BROKEN


class Broken(Ended):
    """The rule is broken; the message says who was asked, how often, and what of it was allowed."""


class Cautious(Ended):
    """Safe, but dearer than it had to be."""

    outcome = Outcome.CAUTIOUS


class NotShown(Ended):
    """What the rule forbids could not have happened, so that its absence proves nothing."""

    outcome = Outcome.NOT_SHOWN


class NotTried(Ended):
    """The rule needs something that was not given."""

    outcome = Outcome.NOT_TRIED
