"""What goes wrong while it goes wrong: a run that waits for a provider says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """An attempt that failed, the `attempts`-th for its question (from 1).

    `again_in` are the seconds until the next one; None when there is none, and the question stays without an answer.
    """

    endpoint: str
    reason: str
    attempts: int
    again_in: float | None


OnTrouble = Callable[[Trouble], None]


def ignored(trouble: Trouble) -> None:
    """Nobody wants to hear of it."""
